"""Webhooks under load: receivers of every kind, processes that are killed, and whether each event arrives, in order."""
