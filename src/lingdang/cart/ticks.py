"""Ticking: many customers' ticks gathered into one call of one SQL function, committed without waiting for the disk."""

from collections.abc import Iterator, Sequence

import msgspec

from lingdang.cart.items import MAX_ITEMS, Item, Selected
from lingdang.clock import Clock
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection, Owner
from lingdang.errors import Problem

_TICK = numbered(
    "SELECT cart_tick(%b::smallint, %b::timestamptz, %b::integer, %b::text[], %b::uuid[], %b::text[], %b::boolean[])"
)


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One call: put this product into the owner's cart, ticked or not."""

    owner: Owner
    product_id: str
    ticked: bool


class Ticked(msgspec.Struct, frozen=True):
    """The answer: the product at today's price, and what is selected now."""

    item: Item
    selected: Selected


class Priced(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The product of a tick, as cart_tick answers it."""

    title: str
    currency: str
    list_price: int
    price: int
    owned: bool
    available: bool


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What cart_tick answers of one tick."""

    refusal: str | None
    product: Priced | None
    count: int
    total: int


_decode = msgspec.json.Decoder(list[Row]).decode


class CartTicks:
    """The lane of ticks of one worker. A tick is idempotent, so a batch that broke off is simply run again."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        *,
        queue_limit: int = 2000,
        batch_limit: int = 128,
        seconds: float = 5.0,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._gather: Gather[Tick, Ticked] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=seconds, observe=observe
        )

    def __len__(self) -> int:
        """How many ticks wait."""
        return len(self._gather)

    def open(self) -> None:
        self._gather.open()

    async def close(self) -> None:
        await self._gather.close()
        await self._lane.close()

    async def tick(self, tick: Tick) -> Ticked:
        """Raises Problem `unauthenticated` (session ended), `not_found`, `cart_full` or `overloaded`."""
        return await self._gather.submit(tick)

    async def _run(self, batch: Sequence[Tick]) -> Sequence[Ticked | Problem]:
        return await self._lane.twice(lambda connection: self._run_rounds(connection, batch))

    async def _run_rounds(self, connection: Connection, batch: Sequence[Tick]) -> list[Ticked | Problem]:
        answers: dict[int, Ticked | Problem] = {}
        now = self._clock()
        for numbers in rounds(batch):
            ticks = [batch[number] for number in numbers]
            parameters = (
                ticks[0].owner.bucket,
                now,
                MAX_ITEMS,
                [tick.owner.cust_id for tick in ticks],
                [tick.owner.session_id for tick in ticks],
                [tick.product_id for tick in ticks],
                [tick.ticked for tick in ticks],
            )
            rows = _decode(await ask(connection, (_TICK, parameters)))
            answers.update(zip(numbers, map(_answer, ticks, rows), strict=True))
        return [answers[number] for number in range(len(batch))]


def rounds(batch: Sequence[Tick]) -> Iterator[list[int]]:
    """The batch's numbers in rounds of one bucket with each customer once, a customer's ticks in their order.

    Nearly every batch is one round; a customer who ticks faster than batches run makes more.
    """
    turns: dict[tuple[int, str], int] = {}
    found: dict[tuple[int, int], list[int]] = {}
    for number, tick in enumerate(batch):
        customer = (tick.owner.bucket, tick.owner.cust_id)
        turn = turns.get(customer, 0)
        turns[customer] = turn + 1
        found.setdefault((turn, tick.owner.bucket), []).append(number)
    yield from found.values()


def _answer(tick: Tick, row: Row) -> Ticked | Problem:
    if row.refusal == "cart_full":
        return Problem("cart_full", limit=MAX_ITEMS)
    if row.refusal is not None or row.product is None:
        return Problem(row.refusal or "not_found")
    product = row.product
    item = Item(
        product_id=tick.product_id,
        title=product.title,
        currency=product.currency,
        list_price=product.list_price,
        price=product.price,
        ticked=tick.ticked,
        owned=product.owned,
        available=product.available,
    )
    return Ticked(item, Selected(row.count, row.total))
