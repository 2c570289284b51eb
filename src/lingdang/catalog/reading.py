"""One product for a reader: many customers' reads gathered into one call of one SQL function."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.catalog.products import Product, Status
from lingdang.clock import Clock
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection, Owner
from lingdang.errors import Problem, session_ended

_SQL = numbered("SELECT product_load(%b::timestamptz, %b::smallint[], %b::bigint[], %b::uuid[], %b::text[])")


class Asked(msgspec.Struct, frozen=True, gc=False):
    """One read."""

    owner: Owner
    product_id: str


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product as product_load answers it."""

    product_id: str
    title: str
    currency: str
    price: int
    list_price: int
    publisher: str | None
    intro: str
    cover_url: str | None
    attributes: dict[str, str | int | float | bool]
    on_sale_from: datetime | None
    on_sale_until: datetime | None
    status: Status
    popularity: int
    available: bool
    created_at: datetime
    updated_at: datetime


_decode = msgspec.json.Decoder(list[tuple[bool, Row | None]]).decode


class ProductReader:
    """The lane of reads of one worker."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        *,
        queue_limit: int = 2000,
        batch_limit: int = 128,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._gather: Gather[Asked, Product] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=5.0, observe=observe
        )

    def __len__(self) -> int:
        """How many reads wait."""
        return len(self._gather)

    def open(self) -> None:
        self._gather.open()

    async def close(self) -> None:
        await self._gather.close()
        await self._lane.close()

    async def read(self, owner: Owner, product_id: str) -> Product:
        """One product, on sale or not.

        Raises Problem `unauthenticated` (session ended), `not_found` or `overloaded`.
        """
        return await self._gather.submit(Asked(owner, product_id))

    async def _run(self, batch: Sequence[Asked]) -> Sequence[Product | Problem]:
        return await self._lane.twice(lambda connection: self._load(connection, batch))

    async def _load(self, connection: Connection, batch: Sequence[Asked]) -> list[Product | Problem]:
        parameters = (
            self._clock(),
            [asked.owner.bucket for asked in batch],
            [asked.owner.customer for asked in batch],
            [asked.owner.session_id for asked in batch],
            [asked.product_id for asked in batch],
        )
        rows = _decode(await ask(connection, (_SQL, parameters)))
        return [_answer(ended, row) for ended, row in rows]


def _answer(ended: bool, row: Row | None) -> Product | Problem:
    if ended:
        return session_ended()
    return Problem("not_found") if row is None else Product(**msgspec.structs.asdict(row))
