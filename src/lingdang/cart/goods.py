"""What carts show of products: remembered by each worker, and read anew when the catalogue has changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from lingdang.db.flush import ask, numbered
from lingdang.db.pool import Connection
from lingdang.ledger.remembered import Remembered

MOST_PRODUCTS = 50_000
"""Products that are remembered, some 400 bytes each."""

_SQL = numbered("SELECT cart_products(%b::text[])")


class Good(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product, and when it is on sale: while it is active, from and until a moment where one is set."""

    product_id: str
    title: str
    currency: str
    list_price: int
    price: int
    active: bool
    on_sale_from: datetime | None
    on_sale_until: datetime | None

    def on_sale(self, now: datetime) -> bool:
        """As product_on_sale says in SQL."""
        return (
            self.active
            and (self.on_sale_from is None or self.on_sale_from <= now)
            and (self.on_sale_until is None or now < self.on_sale_until)
        )


class Read(msgspec.Struct, frozen=True):
    """What cart_products answers, as it comes."""

    catalogue: int
    goods: list[Good]


_decode = msgspec.json.Decoder(Read).decode


class Goods:
    """One worker's memory of products."""

    def __init__(self) -> None:
        self._remembered: Remembered[Good] = Remembered(MOST_PRODUCTS)

    async def named(self, connection: Connection, version: int, names: Iterable[str]) -> Mapping[str, Good]:
        """Those of these products that there are, all as of one version of the catalogue: `version`, or a later one.

        What is remembered in that version is not read again. Raises as `flush`.
        """
        remembered = self._remembered
        remembered.read_by(connection)
        remembered.still_holds(version)
        wanted = set(names)
        unknown = remembered.unknown(wanted)
        if not unknown:
            return remembered.facts
        read = await _read(connection, unknown)
        if not remembered.still_holds(read.catalogue):
            read = await _read(connection, sorted(wanted))
        fresh = {good.product_id: good for good in read.goods}
        found = remembered.known(wanted) | fresh
        remembered.learn(read.catalogue, fresh)
        return found


async def _read(connection: Connection, names: list[str]) -> Read:
    return _decode(await ask(connection, (_SQL, (names,))))
