"""Bells for money: packages, top-ups, the providers that take the money, and what they tell."""
