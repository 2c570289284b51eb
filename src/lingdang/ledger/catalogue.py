"""What the settlement asks of the catalogue. `lingdang.catalog.memory` answers; the ledger does not know products."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec


class Look(Protocol):
    """One batch's look at products."""

    unknown: list[str]
    """Those that the batch has to ask the database about."""

    def holds_in(self, version: str | None) -> bool:
        """Whether what was left out as known is so in this version. If not, from here on all is unknown."""

    def off_sale(self, version: str | None, rows: bytes | msgspec.Raw, now: datetime) -> set[str]:
        """Those of the products that cannot be bought at this moment; `rows`: what products_read answered."""


class Catalogue(Protocol):
    """A worker's memory of products."""

    def look(self, names: Iterable[str]) -> Look:
        """Look for these products."""
