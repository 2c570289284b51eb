"""Ticking: many customers' ticks gathered into one call of one SQL function, committed without waiting for the disk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from lingdang.cart.goods import Good, Goods
from lingdang.cart.items import MAX_ITEMS, Item, Selected
from lingdang.clock import Clock
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection, Owner
from lingdang.errors import Problem, session_ended

_TICK = numbered(
    "SELECT cart_tick(%b::smallint, %b::timestamptz, %b::integer, %b::bigint[], %b::uuid[], %b::text[], %b::boolean[])"
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


class Loaded(msgspec.Struct, frozen=True):
    """What cart_tick answers, as it comes. Ticks are numbered from 1.

    `ended`: the ticks whose session has ended. The rest has a place for each product in any of their carts.
    """

    catalogue: int
    ended: list[int]
    numbers: list[int]
    products: list[str]
    ticked: list[bool]
    owned: list[bool]
    since: list[datetime]


class InCart(msgspec.Struct, frozen=True, gc=False):
    """One product in a cart. `since`: when it was put there."""

    good: Good
    ticked: bool
    owned: bool
    since: datetime


_decode = msgspec.json.Decoder(Loaded).decode


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
        self._goods = Goods()
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
        for numbers in rounds(batch):
            answers.update(zip(numbers, await self._round(connection, [batch[n] for n in numbers]), strict=True))
        return [answers[number] for number in range(len(batch))]

    async def _round(self, connection: Connection, ticks: Sequence[Tick]) -> list[Ticked | Problem]:
        now = self._clock()
        parameters = (
            ticks[0].owner.bucket,
            now,
            MAX_ITEMS,
            [tick.owner.customer for tick in ticks],
            [tick.owner.session_id for tick in ticks],
            [tick.product_id for tick in ticks],
            [tick.ticked for tick in ticks],
        )
        loaded = _decode(await ask(connection, (_TICK, parameters)))
        goods = await self._goods.named(connection, loaded.catalogue, loaded.products)
        carts = _carts(loaded, goods)
        return [_answer(loaded, number, tick, carts.get(number, []), now) for number, tick in enumerate(ticks, 1)]


def rounds(batch: Sequence[Tick]) -> Iterator[list[int]]:
    """The batch's numbers in rounds of one bucket with each customer once, a customer's ticks in their order.

    Nearly every batch is one round; a customer who ticks faster than batches run makes more.
    """
    turns: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], list[int]] = {}
    for number, tick in enumerate(batch):
        customer = (tick.owner.bucket, tick.owner.customer)
        turn = turns.get(customer, 0)
        turns[customer] = turn + 1
        found.setdefault((turn, tick.owner.bucket), []).append(number)
    yield from found.values()


def _carts(loaded: Loaded, goods: Mapping[str, Good]) -> dict[int, list[InCart]]:
    """The carts by the number of their tick, without what is no product any more."""
    carts: dict[int, list[InCart]] = {}
    rows = zip(loaded.numbers, loaded.products, loaded.ticked, loaded.owned, loaded.since, strict=True)
    for number, product_id, ticked, owned, since in rows:
        good = goods.get(product_id)
        if good is not None:
            carts.setdefault(number, []).append(InCart(good, ticked, owned, since))
    return carts


def _answer(loaded: Loaded, number: int, tick: Tick, cart: Sequence[InCart], now: datetime) -> Ticked | Problem:
    """A product that is not in the cart after its tick was refused there."""
    if number in loaded.ended:
        return session_ended()
    here = next((each for each in cart if each.good.product_id == tick.product_id), None)
    if here is None:
        full = loaded.numbers.count(number) >= MAX_ITEMS
        return Problem("cart_full", limit=MAX_ITEMS) if full else Problem("not_found")
    good = here.good
    item = Item(
        product_id=good.product_id,
        title=good.title,
        currency=good.currency,
        list_price=good.list_price,
        price=good.price,
        ticked=here.ticked,
        owned=here.owned,
        available=good.on_sale(now),
    )
    return Ticked(item, selected(cart, now))


def selected(cart: Sequence[InCart], now: datetime) -> Selected:
    """What is selected, in the currency of the selected product that is in the cart the longest."""
    chosen = [each for each in cart if each.ticked and not each.owned and each.good.on_sale(now)]
    if not chosen:
        return Selected(0, 0)
    currency = min((each.since, each.good.currency) for each in chosen)[1]
    prices = [each.good.price for each in chosen if each.good.currency == currency]
    return Selected(len(prices), sum(prices))
