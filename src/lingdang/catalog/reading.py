"""Products for readers of their pages: many customers' reads gathered into one call of one SQL function."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.catalog.memory import Memory
from lingdang.catalog.product import Product
from lingdang.catalog.products import ProductView, view_of
from lingdang.clock import Clock
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.gathered import Gathered
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection
from lingdang.errors import Problem, session_ended
from lingdang.owner import Owner

_SQL = numbered("SELECT catalogue_load(%b::smallint[], %b::bigint[], %b::uuid[], %b::text[], %b::boolean)")


class Read(msgspec.Struct, frozen=True, gc=False):
    """One read."""

    owner: Owner
    product_id: str


class CatalogueAnswer(msgspec.Struct, frozen=True):
    """What catalogue_load answers, as it comes. `ended`: the sessions that have ended, counted from 1."""

    ended: list[int]
    catalogue: str
    products: list[Product]


_decode = msgspec.json.Decoder(CatalogueAnswer).decode
Sessions = tuple[list[int], list[int], list[UUID]]
"""Bucket, customer and id of each session."""
NO_SESSIONS: Sessions = ([], [], [])


async def load(connection: Connection, sessions: Sessions, products: Sequence[str], *, whole: bool) -> CatalogueAnswer:
    """Which of these sessions have ended, and products in one version of the catalogue. Raises as `flush`."""
    return _decode(await ask(connection, (_SQL, (*sessions, list(products), whole))))


class ProductReader(Gathered):
    """The lane of reads of one worker."""

    def __init__(
        self,
        lane: Lane,
        memory: Memory,
        clock: Clock,
        *,
        queue_limit: int = 2000,
        batch_limit: int = 128,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._lane = lane
        self._memory = memory
        self._clock = clock
        self._gather: Gather[Read, ProductView] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=5.0, observe=observe
        )

    async def read(self, owner: Owner, product_id: str) -> ProductView:
        """One product, on sale or not.

        Raises Problem `unauthenticated` (session ended), `not_found` or `overloaded`.
        """
        return await self._gather.submit(Read(owner, product_id))

    async def _run(self, batch: Sequence[Read]) -> Sequence[ProductView | Problem]:
        return await self._lane.twice(lambda connection: self._load(connection, batch))

    async def _load(self, connection: Connection, batch: Sequence[Read]) -> list[ProductView | Problem]:
        sessions = (
            [read.owner.bucket for read in batch],
            [read.owner.customer for read in batch],
            [read.owner.session_id for read in batch],
        )
        look = self._memory.look([read.product_id for read in batch], whole=True)
        loaded = await look.asked(lambda names: load(connection, sessions, names, whole=True))
        products = look.completed(loaded.catalogue, loaded.products)
        ended, now = set(loaded.ended), self._clock()
        return [
            session_ended() if number in ended else _view(products.get(read.product_id), now)
            for number, read in enumerate(batch, 1)
        ]


def _view(product: Product | None, now: datetime) -> ProductView | Problem:
    return Problem("not_found") if product is None else view_of(product, now)
