"""Webhooks: events sent to the platform's own addresses, signed, in each customer's order."""
