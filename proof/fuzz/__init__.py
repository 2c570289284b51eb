"""Anything at all, for the parsers and the served shop: it is taken, or refused with a code, and never an accident."""
