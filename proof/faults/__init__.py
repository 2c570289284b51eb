"""Real faults on real processes, under load: what clients were answered, compared with the database."""
