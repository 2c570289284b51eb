"""What a seed stands for: a small shop, its customers, and what they and the world are going to do. Plain values.

Steps are done in waves: those of one wave at the same time, the next wave when they are done. Nothing here knows how
the shop decides; offers that do not exist yet are named by their slot.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

BASE = datetime(2026, 1, 1, tzinfo=UTC)
"""When every simulated clock begins."""
BUCKET = 0
"""The only one."""
OFFER_SECONDS = 900
SESSION_SECONDS = 30 * 24 * 3600
CURRENCIES = ("BELL", "GEM")
"""The second one is there in some plans only."""
MOST_BELLS = 10**15
"""What a wallet holds at the most."""


def key_of(cust_id: str) -> int:
    """The key that a customer of this id has in the shop."""
    return int.from_bytes(sha256(cust_id.encode()).digest()[:7], "big")


@dataclass(frozen=True, slots=True)
class Book:
    """On sale from a moment and until another one, where they are set."""

    product_id: str
    price: int
    list_price: int
    publisher: str | None
    currency: str = CURRENCIES[0]
    on_sale_from: datetime | None = None
    on_sale_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """`definition` is the coupon's declaration as JSON would hold it."""

    coupon_id: str
    code: str
    definition: dict[str, Any]
    total_limit: int | None
    per_customer: int
    valid_until: datetime | None
    valid_days: int | None


@dataclass(frozen=True, slots=True)
class Gift:
    """A voucher that a customer holds from the beginning."""

    customer: int
    coupon: int
    voucher_id: str


@dataclass(frozen=True, slots=True)
class GiftCode:
    """A code of a campaign of its own, which gives so many bells. It ends, and they lapse, in seconds from BASE."""

    campaign: str
    amount: int
    lapses: int | None
    currency: str = CURRENCIES[0]


@dataclass(frozen=True, slots=True)
class Deposit:
    """A credit. The same `credit_id` may come again, with other content too; `lapses` in seconds from BASE."""

    customer: int
    credit_id: str
    amount: int
    kind: str
    lapses: int | None
    routes: tuple[tuple[int, ...], ...]
    currency: str = CURRENCIES[0]


@dataclass(frozen=True, slots=True)
class Quote:
    """A checkout. `code`: the coupon that is claimed with it; `vouchers`: False for an order without any."""

    slot: int
    customer: int
    session: int
    books: tuple[int, ...]
    code: int | None
    vouchers: bool
    route: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Payment:
    """Paying the offer in a slot. Each of `routes` is one copy of the request: the workers it is tried at in turn.

    `flaws` are what is wrong with the request on purpose, `offset` the seconds its timestamp is off; after `patience`
    turns of the event loop the client hangs up (None: never).
    """

    slot: int
    flaws: frozenset[str]
    offset: int
    patience: int | None
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Withdraw a book from sale, or put it back."""

    book: int
    active: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """Withdraw a coupon for good."""

    coupon: int


@dataclass(frozen=True, slots=True)
class Logout:
    """End a session."""

    customer: int
    session: int


@dataclass(frozen=True, slots=True)
class Lapse:
    """Book out what has lapsed in one of a customer's wallets."""

    customer: int
    route: tuple[int, ...]
    currency: str = CURRENCIES[0]


@dataclass(frozen=True, slots=True)
class Jump:
    """Move the clock by so much, or to a moment and so many milliseconds: an offer's expiry, or seconds from BASE."""

    by: timedelta | None = None
    offer: int | None = None
    seconds: int | None = None
    off: int = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a worker, wherever it happens to be."""

    worker: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Let so many flushes of a worker's wire pass, and the fault happen to the next one."""

    worker: int
    wire: str
    fault: "Fault"
    after: int = 0


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """The shop's rules: in how many days customers have refunds of their own (0: never), for how many days bells live
    again that had lapsed (None: they lapse at once), and whether vouchers come back.
    """

    days: int = 0
    extend_days: int | None = 30
    vouchers_back: bool = True


@dataclass(frozen=True, slots=True)
class Refund:
    """Giving back the order in a slot, some of its `books` or all that is left. `customer`: in whose session it is
    asked; None: by an operator. The same `refund_id` may come again, with other content too.
    """

    slot: int
    refund_id: str
    customer: int | None
    session: int
    books: tuple[int, ...] | None
    keep_discount: bool
    reason: str
    note: str | None
    patience: int | None
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Open:
    """A customer uses the right to a book."""

    customer: int
    book: int
    session: int
    route: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """An operator gives a right without a payment. The same `grant_id` may come again, with other content too."""

    customer: int
    grant_id: str
    book: int
    reason: str
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Revocation:
    """An operator ends such a right, as a grant gives it."""

    customer: int
    revocation_id: str
    book: int
    reason: str
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An operator's correction of a balance. The same `adjustment_id` may come again, with other content too."""

    customer: int
    adjustment_id: str
    amount: int
    reason: str
    note: str | None
    routes: tuple[tuple[int, ...], ...]
    currency: str = CURRENCIES[0]


@dataclass(frozen=True, slots=True)
class Reversal:
    """A credit taken back, as whoever asks was told of it: nobody asks before it was acknowledged."""

    customer: int
    credit_id: str
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class TopUp:
    """Bells for real money, as they are credited once the money is there. The same `name` may come again, with other
    content too. `price` in minor units; the bonus `lapses` in seconds from BASE; `test`: nobody has paid for it.
    """

    customer: int
    name: str
    paid: int
    bonus: int
    lapses: int | None
    price: int
    test: bool
    routes: tuple[tuple[int, ...], ...]
    currency: str = CURRENCIES[0]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """How the money of a top-up stands: what went back of it, and what open disputes hold, in minor units, as sums."""

    customer: int
    name: str
    refunded: int
    disputed: int
    routes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Redemption:
    """A customer redeems a gift code."""

    customer: int
    code: int
    routes: tuple[tuple[int, ...], ...]


Action = (
    Deposit
    | TopUp
    | TakeBack
    | Redemption
    | Adjustment
    | Reversal
    | Quote
    | Payment
    | Refund
    | Open
    | Grant
    | Revocation
    | Shelf
    | Recall
    | Logout
    | Lapse
    | Jump
    | Kill
    | Trouble
)


@dataclass(frozen=True, slots=True)
class Step:
    """One action, begun after so many turns of the event loop."""

    action: Action
    spins: int


Waves = tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one flush on its way: wire.py has the kinds, and what `size` is to each."""

    kind: str
    size: int = 1


@dataclass(frozen=True)
class Plan:
    """A whole seed. `faults[worker][wire]` says which flush, counted from 0, meets which fault.

    `monotone`: no clock goes back and all workers' clocks agree. `skews` are the workers' clocks' errors.
    """

    seed: int
    prefix: str
    workers: int
    monotone: bool
    skews: tuple[timedelta, ...]
    customers: tuple[str, ...]
    sign_types: tuple[tuple[str, ...], ...]
    books: tuple[Book, ...]
    coupons: tuple[Coupon, ...]
    gifts: tuple[Gift, ...]
    waves: Waves
    policy: RefundPolicy = RefundPolicy()
    codes: tuple[GiftCode, ...] = ()
    faults: dict[int, dict[str, dict[int, Fault]]] = field(default_factory=dict)
