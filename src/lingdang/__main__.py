"""`python -m lingdang` is the `lingdang` command."""

from lingdang.cli.main import main

main()
