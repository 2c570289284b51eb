"""Order tokens as checkouts would seal them, sparing the checkouts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import repeat
from uuid import UUID

import msgspec
import psycopg

from lingdang.checkout.offer import Offer
from lingdang.checkout.order_token import OrderTokens
from lingdang.clock import system_clock
from lingdang.ids import uuid7
from lingdang.ledger.lines import Line, UsedVoucher
from proof.bench import requests
from proof.bench.buying import Purchase
from proof.bench.vouchers import OFF
from proof.shop import Shop

_VALID = timedelta(minutes=15)
_TRANSFERS = "SELECT customer, max(seq)::bigint FROM wallet GROUP BY customer"


class Offers:
    """Seals offers of one shop. Each says what a checkout right before its payment would say of the customer's wallets.

    So many transfers as there were, and one more for each payment that was made here since then.
    """

    def __init__(self, shop: Shop) -> None:
        self._tokens = OrderTokens(shop.keyring)
        self._url = shop.url
        self._transfers: Counter[int] = Counter()

    def payments(
        self, purchases: Iterable[Purchase], voucher_ids: Iterable[UUID | None] = repeat(None)
    ) -> Iterator[bytes]:
        """A payment of each purchase, made when it is asked for; the wallets are looked at before the first."""
        self._look()
        for purchase, voucher_id in zip(purchases, voucher_ids, strict=False):
            yield self._payment(purchase, voucher_id)

    def _look(self) -> None:
        with psycopg.connect(self._url) as connection:
            self._transfers = Counter(dict(connection.execute(_TRANSFERS).fetchall()))

    def _payment(self, purchase: Purchase, voucher_id: UUID | None) -> bytes:
        customer = purchase.buyer.customer.key
        offer = _offer(purchase, voucher_id, self._transfers[customer])
        self._transfers[customer] += 1
        return requests.payment(purchase, self._tokens.issue(offer))


def _offer(purchase: Purchase, voucher_id: UUID | None, transfers: int) -> Offer:
    now = system_clock()
    buyer, lines = purchase.buyer, purchase.books
    subtotal, discount = sum(line.price for line in lines), 0
    vouchers: tuple[UsedVoucher, ...] = ()
    if voucher_id is not None:
        discount = OFF
        lines = (_reduced(lines[0]), *lines[1:])
        vouchers = (UsedVoucher(str(voucher_id), OFF),)
    return Offer(
        order_id=uuid7(),
        customer=buyer.customer.key,
        session_id=buyer.session_id,
        currency="BELL",
        lines=lines,
        vouchers=vouchers,
        subtotal=subtotal,
        discount=discount,
        total=subtotal - discount,
        issued_at=now,
        expires_at=now + _VALID,
        transfers=transfers,
    )


def _reduced(line: Line) -> Line:
    return msgspec.structs.replace(line, discount=OFF)
