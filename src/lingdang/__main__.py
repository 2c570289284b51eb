"""`python -m lingdang` is the `lingdang` command."""

from lingdang.cli import main

main()
