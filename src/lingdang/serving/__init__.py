"""Serving: the supervisor and its workers, TLS, logs, metrics, health."""
