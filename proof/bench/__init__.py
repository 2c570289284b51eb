"""The benchmark: signed payments, checkouts and whole orders, side by side with pgbench on the same server."""
