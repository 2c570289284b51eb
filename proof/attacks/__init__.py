"""Attacks in great numbers: good tokens and signatures, altered, given to the code that verifies them."""
