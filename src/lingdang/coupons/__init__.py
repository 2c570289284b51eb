"""Vouchers: what they are, how customers come to hold them, and what they save on an order."""
