"""What checkouts are priced with, read for many of them in one call."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.clock import Clock
from lingdang.coupons.goods import Buyer, Voucher
from lingdang.coupons.model import LONGEST_LIFE, Definition
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection, Owner
from lingdang.errors import Problem, session_ended
from lingdang.ids import oldest_uuid7
from lingdang.ledger.balance import spendable
from lingdang.ledger.remembered import Remembered
from lingdang.ledger.state import Wallet

MOST_PRODUCTS = 20_000
"""Products that are remembered, up to some 6 kB each, mostly far less."""

_SQL = numbered("""
SELECT checkout_load(%b::smallint, %b::timestamptz, %b::uuid, %b::text[], %b::uuid[], %b::text[], %b::text[],
                     %b::text[])
""")


class Asked(msgspec.Struct, frozen=True):
    """One checkout's question."""

    owner: Owner
    product_ids: tuple[str, ...]


class Product(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A product as a checkout sees it; `available`: on sale now, `lasting`: until the catalogue says otherwise.

    Categories are the attribute of that name: text, several separated by commas.
    """

    product_id: str
    title: str
    intro: str
    cover_url: str | None
    publisher: str | None
    currency: str
    list_price: int
    price: int
    available: bool
    lasting: bool
    categories: str | None = None


class Held(msgspec.Struct, frozen=True):
    """What one customer has in hand, and what vouchers ask about them."""

    vouchers: list[Voucher]
    buyer: Buyer


class Facts(msgspec.Struct, frozen=True):
    """One checkout's answer: known products by id, those already owned, spendable bells by currency.

    `transfers` is how many the customer's wallets have had, seen at the same moment as what is owned.
    `held` is None for a customer without a voucher in hand.
    """

    products: dict[str, Product]
    owned: list[str]
    balances: dict[str, int]
    transfers: int
    held: Held | None = None


class VoucherRow(msgspec.Struct, frozen=True):
    """A voucher in a customer's hand, not used yet."""

    customer_id: str
    voucher_id: str
    coupon_id: str
    expires_at: datetime


class CouponRow(msgspec.Struct, frozen=True):
    """A coupon that some of these customers hold a voucher of."""

    coupon_id: str
    definition: Definition
    status: str


class BuyerRow(msgspec.Struct, frozen=True):
    """A customer who holds vouchers."""

    customer_id: str
    first_purchase: bool
    groups: frozenset[str]


class Loaded(msgspec.Struct, frozen=True):
    """What checkout_load answers, as it comes."""

    ended: list[UUID]
    catalogue: int
    products: list[Product]
    owned: list[tuple[str, str]]
    wallets: list[Wallet]
    vouchers: list[VoucherRow]
    coupons: list[CouponRow]
    buyers: list[BuyerRow]


_decode = msgspec.json.Decoder(Loaded).decode


class CheckoutReader:
    """Reads for the checkouts of one bucket, gathered."""

    def __init__(
        self,
        bucket: int,
        lane: Lane,
        clock: Clock,
        *,
        queue_limit: int,
        batch_limit: int,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._bucket = bucket
        self._lane = lane
        self._clock = clock
        self._gather: Gather[Asked, Facts] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=5.0, observe=observe
        )
        self._remembered: Remembered[Product] = Remembered(MOST_PRODUCTS)

    def __len__(self) -> int:
        return len(self._gather)

    def open(self) -> None:
        self._gather.open()

    async def close(self) -> None:
        await self._gather.close()
        await self._lane.close()

    async def read(self, asked: Asked) -> Facts:
        """Raises Problem `unauthenticated` when the session has ended, `overloaded` when it cannot be read."""
        return await self._gather.submit(asked)

    async def _run(self, batch: Sequence[Asked]) -> Sequence[Facts | Problem]:
        now = self._clock()
        loaded, products = await self._lane.twice(lambda connection: self._load(connection, batch, now))
        return _facts(batch, loaded, products, now)

    async def _load(
        self, connection: Connection, batch: Sequence[Asked], now: datetime
    ) -> tuple[Loaded, dict[str, Product]]:
        """What is asked, and its products by id. Those that are remembered are not read in the same version again."""
        remembered = self._remembered
        remembered.read_by(connection)
        lines = [product_id for a in batch for product_id in a.product_ids]
        loaded = await self._ask(connection, batch, now, lines, remembered.unknown(lines))
        if not remembered.still_holds(loaded.catalogue):
            loaded = await self._ask(connection, batch, now, lines, remembered.unknown(lines))
        read = {product.product_id: product for product in loaded.products}
        products = remembered.known(lines) | read
        remembered.learn(loaded.catalogue, {name: product for name, product in read.items() if product.lasting})
        return loaded, products

    async def _ask(
        self,
        connection: Connection,
        batch: Sequence[Asked],
        now: datetime,
        lines: Sequence[str],
        unknown: Sequence[str],
    ) -> Loaded:
        parameters = (
            self._bucket,
            now,
            oldest_uuid7(now - LONGEST_LIFE),
            [a.owner.cust_id for a in batch],
            [a.owner.session_id for a in batch],
            [a.owner.cust_id for a in batch for _ in a.product_ids],
            lines,
            unknown,
        )
        return _decode(await ask(connection, (_SQL, parameters)))


def _facts(
    batch: Sequence[Asked], loaded: Loaded, products: dict[str, Product], now: datetime
) -> list[Facts | Problem]:
    ended = set(loaded.ended)
    owned = set(loaded.owned)
    held = _held(loaded)
    wallets: dict[str, list[Wallet]] = {}
    for wallet in loaded.wallets:
        wallets.setdefault(wallet.customer_id, []).append(wallet)
    answers: list[Facts | Problem] = []
    for asked in batch:
        cust_id = asked.owner.cust_id
        own = wallets.get(cust_id, ())
        if asked.owner.session_id in ended:
            answers.append(session_ended())
            continue
        answers.append(
            Facts(
                products,
                [product_id for product_id in asked.product_ids if (cust_id, product_id) in owned],
                {wallet.currency: spendable(wallet, now) for wallet in own},
                sum([wallet.seq for wallet in own]),
                held.get(cust_id),
            )
        )
    return answers


def _held(loaded: Loaded) -> dict[str, Held]:
    """What each customer holds, by custId."""
    coupons = {coupon.coupon_id: coupon for coupon in loaded.coupons}
    held = {row.customer_id: Held([], Buyer(row.first_purchase, row.groups)) for row in loaded.buyers}
    # A customer with several checkouts in the batch was read as often.
    for row in {row.voucher_id: row for row in loaded.vouchers}.values():
        coupon = coupons[row.coupon_id]
        voucher = Voucher(row.voucher_id, row.coupon_id, coupon.definition, row.expires_at, coupon.status)
        held[row.customer_id].vouchers.append(voucher)
    return held
