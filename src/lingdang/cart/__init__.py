"""Step ①: what is ticked, at today's prices."""
