"""Carts: many customers' ticks and looks gathered into one call of one SQL function, committed without waiting for the
disk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from lingdang.cart.shown import Cart, InCart, Item, Selected, cart_of, item_of, selected
from lingdang.catalog.memory import Memory
from lingdang.catalog.product import Product
from lingdang.catalog.reading import NO_SESSIONS, load
from lingdang.clock import Clock
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.gathered import Gathered
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection
from lingdang.errors import Problem, session_ended
from lingdang.owner import Owner

MAX_ITEMS = 500
"""Products in one cart; those the customer owns by now do not count."""

_TICK = numbered(
    "SELECT cart_tick(%b::smallint, %b::timestamptz, %b::integer, %b::bigint[], %b::uuid[], %b::text[], %b::boolean[])"
)


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One call: put this product into the owner's cart, ticked or not; without a product only look."""

    owner: Owner
    product_id: str | None
    ticked: bool = False


class Ticked(msgspec.Struct, frozen=True):
    """The answer to a tick: the product at today's price, and what is selected now."""

    item: Item
    selected: Selected


class Found(msgspec.Struct, frozen=True, gc=False):
    """A cart as it is after its call, in no order, at the call's moment. `gone`: rows whose product is no more."""

    cart: Sequence[InCart]
    gone: int
    now: datetime


class TickAnswer(msgspec.Struct, frozen=True):
    """What cart_tick answers, as it comes. Calls are numbered from 1.

    `ended`: the calls whose session has ended. The rest has a place for each product in any of their carts.
    """

    catalogue: str
    ended: list[int]
    numbers: list[int]
    products: list[str]
    ticked: list[bool]
    owned: list[bool]
    since: list[datetime]


_decode = msgspec.json.Decoder(TickAnswer).decode


class Carts(Gathered):
    """The lane of carts of one worker. A tick is idempotent, so a batch that broke off is simply run again."""

    def __init__(
        self,
        lane: Lane,
        memory: Memory,
        clock: Clock,
        *,
        queue_limit: int = 2000,
        batch_limit: int = 128,
        seconds: float = 5.0,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._lane = lane
        self._memory = memory
        self._clock = clock
        self._gather: Gather[Tick, Found] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=seconds, observe=observe
        )

    async def tick(self, owner: Owner, product_id: str, ticked: bool) -> Ticked:
        """Put a product into the cart, or change its tick.

        Raises Problem `unauthenticated` (session ended), `not_found`, `cart_full` or `overloaded`.
        """
        found = await self._gather.submit(Tick(owner, product_id, ticked))
        here = next((each for each in found.cart if each.product.product_id == product_id), None)
        if here is None:  # it was refused there
            full = sum(not each.owned for each in found.cart) + found.gone >= MAX_ITEMS
            raise Problem("cart_full", limit=MAX_ITEMS) if full else Problem("not_found")
        return Ticked(item_of(here, found.now), selected(found.cart, found.now))

    async def show(self, owner: Owner) -> Cart:
        """The whole cart. Raises Problem `unauthenticated` (session ended) or `overloaded`."""
        found = await self._gather.submit(Tick(owner, None))
        return cart_of(found.cart, found.now)

    async def _run(self, batch: Sequence[Tick]) -> Sequence[Found | Problem]:
        return await self._lane.twice(lambda connection: self._run_rounds(connection, batch))

    async def _run_rounds(self, connection: Connection, batch: Sequence[Tick]) -> list[Found | Problem]:
        answers: dict[int, Found | Problem] = {}
        for numbers in rounds(batch):
            answers.update(zip(numbers, await self._round(connection, [batch[n] for n in numbers]), strict=True))
        return [answers[number] for number in range(len(batch))]

    async def _round(self, connection: Connection, ticks: Sequence[Tick]) -> list[Found | Problem]:
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
        carts, gone = _carts(loaded, await self._products(connection, loaded))
        ended = set(loaded.ended)
        return [
            session_ended() if number in ended else Found(carts.get(number, ()), gone.get(number, 0), now)
            for number in range(1, len(ticks) + 1)
        ]

    async def _products(self, connection: Connection, loaded: TickAnswer) -> Mapping[str, Product]:
        """The products in the carts, all in one version of the catalogue: that of the carts, or a later one."""
        look = self._memory.look(loaded.products)
        if not look.unknown and look.holds_in(loaded.catalogue):
            return look.completed(loaded.catalogue, ())
        read = await look.asked(lambda names: load(connection, NO_SESSIONS, names, whole=False))
        return look.completed(read.catalogue, read.products)


def rounds(batch: Sequence[Tick]) -> Iterator[list[int]]:
    """The batch's numbers in rounds of one bucket with each customer once, a customer's ticks in their order.

    Nearly every batch is one round; a customer who calls faster than batches run makes more.
    """
    turns: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], list[int]] = {}
    for number, tick in enumerate(batch):
        customer = (tick.owner.bucket, tick.owner.customer)
        turn = turns.get(customer, 0)
        turns[customer] = turn + 1
        found.setdefault((turn, tick.owner.bucket), []).append(number)
    yield from found.values()


def _carts(loaded: TickAnswer, products: Mapping[str, Product]) -> tuple[dict[int, list[InCart]], dict[int, int]]:
    """The carts by the number of their call, and how many rows of each are of a product that is no more."""
    carts: dict[int, list[InCart]] = {}
    gone: dict[int, int] = {}
    rows = zip(loaded.numbers, loaded.products, loaded.ticked, loaded.owned, loaded.since, strict=True)
    for number, product_id, ticked, owned, since in rows:
        product = products.get(product_id)
        if product is None:
            gone[number] = gone.get(number, 0) + 1
        else:
            carts.setdefault(number, []).append(InCart(product, ticked, owned, since))
    return carts, gone
