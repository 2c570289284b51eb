"""The providers that take money, a module each, behind one protocol."""
