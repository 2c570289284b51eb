"""Top-ups through providers' stand-ins: repeated, shuffled and forged notifications, and processes that are killed."""
