"""Kinds of overload beside customers who buy: what each costs them, and what idle loops would cost them."""
