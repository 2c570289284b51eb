"""Lingdang: secure checkout and a virtual-currency wallet for digital goods."""

from typing import Final

__version__: Final = "0.1.0"
