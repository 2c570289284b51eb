"""Webhooks under load: receivers of every kind, workers that are killed, and whether each event arrives, in order."""
