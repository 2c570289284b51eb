"""Readers of the journal beside everything that may happen to a transaction, and to the server."""
