"""The `lingdang` command: a module for each of its sub-commands."""
