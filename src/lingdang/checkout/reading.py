"""What checkouts are priced with, read for many of them in one call."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec

from lingdang.catalog.memory import Memory
from lingdang.catalog.product import Product
from lingdang.checkout.definitions import Definitions
from lingdang.checkout.hands import Hands, HandsAnswer, Held
from lingdang.clock import Clock
from lingdang.coupons.goods import Voucher
from lingdang.coupons.model import LONGEST_LIFE
from lingdang.db.flush import ask, numbered
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.gathered import Gathered
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection
from lingdang.errors import Problem, session_ended
from lingdang.ids import oldest_uuid7
from lingdang.ledger.balance import spendable
from lingdang.ledger.state import Wallet
from lingdang.owner import Owner

MOST_VOUCHERS = 300
"""Live vouchers of one hand that a checkout looks at."""

_VOUCHER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_SQL = numbered("""
SELECT checkout_facts(%b::smallint, %b::timestamptz, %b::uuid, %b::integer, %b::bigint[], %b::uuid[],
                      %b::bigint[], %b::bigint[], %b::uuid[], %b::bigint[], %b::text[], %b::text[])
""")


class Question(msgspec.Struct, frozen=True):
    """One checkout's question. `named`: vouchers that the customer wants to use, by their ids."""

    owner: Owner
    product_ids: tuple[str, ...]
    named: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """One checkout's answer: known products by id, those already owned, spendable bells by currency (below 0: owed).

    `transfers` is how many rows the customer's journal has, seen at the same moment as what is owned.
    `held` is None for a customer without a voucher in hand. `named` are those of the named vouchers that are the
    customer's, whatever became of them; they are None if they were used.
    """

    products: Mapping[str, Product]
    owned: list[str]
    balances: dict[str, int]
    transfers: int
    held: Held | None = None
    named: Mapping[str, Voucher | None] = MappingProxyType({})


class FactsAnswer(HandsAnswer, frozen=True):
    """What checkout_facts answers, as it comes."""

    ended: list[UUID]
    catalogue: str
    products: list[Product]
    owned: list[tuple[int, str]]
    wallets: list[Wallet]


_decode = msgspec.json.Decoder(FactsAnswer).decode


class CheckoutReader(Gathered):
    """Reads for the checkouts of one bucket, gathered."""

    def __init__(
        self,
        bucket: int,
        lane: Lane,
        memory: Memory,
        clock: Clock,
        *,
        queue_limit: int,
        batch_limit: int,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._bucket = bucket
        self._lane = lane
        self._memory = memory
        self._clock = clock
        self._gather: Gather[Question, Facts] = Gather(
            self._run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=5.0, observe=observe
        )
        self._definitions = Definitions()

    async def read(self, asked: Question) -> Facts:
        """Raises Problem `unauthenticated` when the session has ended, `overloaded` when it cannot be read."""
        return await self._gather.submit(asked)

    async def _run(self, batch: Sequence[Question]) -> Sequence[Facts | Problem]:
        now = self._clock()
        loaded, products, hands = await self._lane.twice(lambda connection: self._load(connection, batch, now))
        return _facts(batch, loaded, products, hands, now)

    async def _load(
        self, connection: Connection, batch: Sequence[Question], now: datetime
    ) -> tuple[FactsAnswer, Mapping[str, Product], Hands]:
        """What is asked, products by id, and hands. A product is not read twice in the same version."""
        lines = [product_id for a in batch for product_id in a.product_ids]
        look = self._memory.look(lines, whole=True)
        loaded = await look.asked(lambda unknown: self._ask(connection, batch, now, lines, unknown))
        products = look.completed(loaded.catalogue, loaded.products)
        fingerprints = {coupon.coupon_id: coupon.fingerprint for coupon in loaded.coupons}
        definitions = await self._definitions.of(connection, fingerprints) if fingerprints else {}
        return loaded, products, Hands(loaded, definitions, now)

    async def _ask(
        self,
        connection: Connection,
        batch: Sequence[Question],
        now: datetime,
        lines: Sequence[str],
        unknown: Sequence[str],
    ) -> FactsAnswer:
        named = [(a.owner.customer, name) for a in batch for name in a.named if _VOUCHER_ID.fullmatch(name)]
        parameters = (
            self._bucket,
            now,
            oldest_uuid7(now - LONGEST_LIFE),
            MOST_VOUCHERS,
            [a.owner.customer for a in batch],
            [a.owner.session_id for a in batch],
            list({a.owner.customer: None for a in batch}),
            [customer for customer, _ in named],
            [name for _, name in named],
            [a.owner.customer for a in batch for _ in a.product_ids],
            lines,
            unknown,
        )
        return _decode(await ask(connection, (_SQL, parameters)))


def _facts(
    batch: Sequence[Question], loaded: FactsAnswer, products: Mapping[str, Product], hands: Hands, now: datetime
) -> list[Facts | Problem]:
    ended = set(loaded.ended)
    owned = set(loaded.owned)
    wallets: dict[int, list[Wallet]] = {}
    for wallet in loaded.wallets:
        wallets.setdefault(wallet.customer, []).append(wallet)
    answers: list[Facts | Problem] = []
    for asked in batch:
        customer = asked.owner.customer
        own = wallets.get(customer, ())
        if asked.owner.session_id in ended:
            answers.append(session_ended())
            continue
        answers.append(
            Facts(
                products,
                [product_id for product_id in asked.product_ids if (customer, product_id) in owned],
                {wallet.currency: spendable(wallet, now) - wallet.debt for wallet in own},
                max([wallet.seq for wallet in own], default=0),
                hands.held.get(customer),
                hands.named(customer, asked.named),
            )
        )
    return answers
