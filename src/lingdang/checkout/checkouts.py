"""Steps ② and ③: the composite call. Reads, prices, and issues the order token; writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.catalog.product import Product
from lingdang.checkout.fair_queue import FairQueue
from lingdang.checkout.hands import Held
from lingdang.checkout.offer import Offer
from lingdang.checkout.order_token import MAX_TOKEN_LENGTH, OrderTokens
from lingdang.checkout.pricing import price
from lingdang.checkout.reading import CheckoutReader, Facts, Question
from lingdang.clock import Clock
from lingdang.coupons.chooser import Choice, Chooser
from lingdang.coupons.claiming import Code, in_hand_or_claimed
from lingdang.coupons.deciding import Decision, Verdict
from lingdang.coupons.goods import Buyer, Good, Voucher, basket_of
from lingdang.coupons.guessing import CodeLimits
from lingdang.coupons.labels import categories
from lingdang.coupons.reasons import Reason
from lingdang.db.pool import Pool
from lingdang.errors import Problem, invalid_field
from lingdang.identity.session import Session
from lingdang.ids import MAX_AMOUNT, MAX_LINES, OWN_ID_PATTERN, ProductId, uuid7
from lingdang.owner import Owner, transaction_as

VoucherId = Annotated[str, Meta(pattern=OWN_ID_PATTERN)]


class CheckoutRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The products to be bought together, and which vouchers to use: null the best, `[]` none."""

    product_ids: Annotated[tuple[ProductId, ...], Meta(min_length=1, max_length=MAX_LINES)]
    voucher_ids: Annotated[tuple[VoucherId, ...], Meta(max_length=20)] | None = None
    voucher_code: Code | None = None


class CheckoutLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line as it is shown; amounts in whole bells, payable = price − discount."""

    product_id: str
    title: str
    intro: str
    list_price: int
    price: int
    discount: int
    payable: int
    cover_url: str | None = None
    publisher: str | None = None


class CheckoutWallet(msgspec.Struct, frozen=True):
    """Whether the balance covers the total; `shortfall` is what is missing, a debt with it, else 0."""

    balance: int
    sufficient: bool
    shortfall: int


class CheckoutSign(msgspec.Struct, frozen=True, rename="camel"):
    """How the payment is to be signed."""

    sign_type: str
    fields: tuple[str, ...]


class CheckoutAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The order's details and its token, which pays until `expires_at`."""

    order_id: str
    currency: str
    lines: list[CheckoutLine]
    subtotal: int
    discount: int
    total: int
    vouchers: list[Verdict]
    """Every usable voucher in hand that was looked at, and others up to 100."""
    vouchers_proven: bool
    """No other allowed combination saves more; false where the search for the best had to be cut short."""
    wallet: CheckoutWallet
    order_token: str
    issued_at: datetime
    expires_at: datetime
    sign: CheckoutSign
    vouchers_considered: int | None = None
    vouchers_held: int | None = None
    """Only where not all of the live vouchers in hand were looked at: how many were, of how many."""


_BESIDE_AN_ID = 6
_BESIDE_A_TOKEN = 512
"""Bytes of a payment's body beside its products' ids and its token, also where a client puts spaces between."""
_MOST_BESIDE_A_TOKEN = MAX_LINES * (64 + _BESIDE_AN_ID) + _BESIDE_A_TOKEN

_UNDISCOUNTED = Decision({}, (), [], True)
_EMPTY_HANDED = Held([], Buyer(), 0, 0)


class Checkouts:
    """Answers checkouts."""

    def __init__(
        self,
        readers: Sequence[CheckoutReader],
        tokens: OrderTokens,
        pool: Pool,
        codes: CodeLimits,
        clock: Clock,
        *,
        offer_seconds: int,
        signed_fields: tuple[str, ...],
        max_body_bytes: int,
        chooser: Chooser,
    ) -> None:
        self._readers = readers
        self._tokens = tokens
        self._pool = pool
        self._codes = codes
        self._clock = clock
        self.validity = timedelta(seconds=offer_seconds)
        self._signed_fields = signed_fields
        self._max_body_bytes = max_body_bytes
        self._choices = FairQueue()
        self._chooser = chooser

    async def quote(self, request: CheckoutRequest, session: Session) -> CheckoutAnswer:
        """Price the products and issue the order token. A code is claimed first: its voucher stays in the hand.

        Raises Problem `invalid_request` (a product twice, several currencies, more than an order may cost or a
        payment can carry), `not_found`, `product_unavailable`, `already_owned`, `voucher_unusable`, `unauthenticated`,
        `rate_limited` (wrong codes, or too many that wait for their vouchers to be chosen) or `overloaded`.
        """
        if len(set(request.product_ids)) != len(request.product_ids):
            raise invalid_field("product_ids", "Each product may stand in it once")
        await self._choices.admit(session.cust_id)
        if request.voucher_code is not None:
            await self._claim(session.owner, request.voucher_code)
        asked = Question(session.owner, request.product_ids, request.voucher_ids or ())
        facts = await self._readers[session.owner.bucket].read(asked)
        now = self._clock()
        products = _sellable(request.product_ids, facts, now)
        decision = await self._decide(request.voucher_ids, products, facts, session.cust_id, now)
        priced = price(products, decision)
        offer = Offer(
            order_id=uuid7(),
            customer=session.owner.customer,
            session_id=session.session_id,
            currency=products[0].currency,
            lines=priced.lines,
            vouchers=priced.vouchers,
            subtotal=priced.subtotal,
            discount=priced.discount,
            total=priced.total,
            issued_at=now,
            expires_at=now + self.validity,
            transfers=facts.transfers,
        )
        token = self._tokens.issue(offer)
        _refuse_unpayable(token, request.product_ids, self._max_body_bytes)
        return self._answer(offer, token, products, decision, facts, session)

    async def _claim(self, owner: Owner, code: str) -> None:
        async with (
            self._codes.attempt(owner.cust_id, code) as require_left,
            transaction_as(self._pool, owner) as connection,
        ):
            await in_hand_or_claimed(connection, owner.bucket, owner.customer, code, self._clock(), require_left)

    async def _decide(
        self, named: tuple[str, ...] | None, products: list[Product], facts: Facts, cust_id: str, now: datetime
    ) -> Decision:
        if facts.held is None and not named:
            return _UNDISCOUNTED
        held = facts.held or _EMPTY_HANDED
        order = basket_of([_good(p) for p in products], products[0].currency, held.buyer, now)
        vouchers, gone = _hand(held, named or (), facts.named)
        choice = Choice(order, vouchers, named, gone)
        decision = await self._choices.take(cust_id, choice.steps(), partial(self._chooser.decide, choice))
        return decision if _is_whole(held) else msgspec.structs.replace(decision, proven=False)

    def _answer(
        self,
        offer: Offer,
        token: str,
        products: list[Product],
        decision: Decision,
        facts: Facts,
        session: Session,
    ) -> CheckoutAnswer:
        balance = facts.balances.get(offer.currency, 0)
        held = None if facts.held is None or _is_whole(facts.held) else facts.held
        shortfall = max(0, offer.total - balance) if offer.total else 0
        details = [product.told() for product in products]
        return CheckoutAnswer(
            order_id=str(offer.order_id),
            currency=offer.currency,
            lines=[
                CheckoutLine(
                    line.product_id,
                    line.title,
                    detail.intro,
                    line.list_price,
                    line.price,
                    line.discount,
                    line.payable,
                    detail.cover_url,
                    line.publisher,
                )
                for line, detail in zip(offer.lines, details, strict=True)
            ],
            subtotal=offer.subtotal,
            discount=offer.discount,
            total=offer.total,
            vouchers=decision.verdicts,
            vouchers_proven=decision.proven,
            wallet=CheckoutWallet(max(0, balance), shortfall == 0, shortfall),
            order_token=token,
            issued_at=offer.issued_at,
            expires_at=offer.expires_at,
            sign=CheckoutSign(session.sign_type, self._signed_fields),
            vouchers_considered=None if held is None else held.looked_at,
            vouchers_held=None if held is None else held.live,
        )


def _is_whole(held: Held) -> bool:
    """Whether all live vouchers of the hand were looked at."""
    return held.looked_at >= held.live


def _hand(
    held: Held, named: Collection[str], found: Mapping[str, Voucher | None]
) -> tuple[list[Voucher], dict[str, Reason]]:
    """The vouchers to be judged: those in hand, and named ones that are not among them; and why others cannot be."""
    if not named:
        return held.vouchers, {}
    in_hand = {voucher.voucher_id for voucher in held.vouchers}
    further, gone = [], {}
    for name in dict.fromkeys(named):
        if name in in_hand:
            continue
        voucher = found.get(name)
        if voucher is not None:
            further.append(voucher)
        else:
            gone[name] = Reason("used" if name in found else "not_held")
    return [*further, *held.vouchers], gone


def _sellable(product_ids: tuple[str, ...], facts: Facts, now: datetime) -> list[Product]:
    """The products in request order. Raises the Problem that keeps them from being sold together."""
    found = facts.products
    products = [product for i in product_ids if (product := found.get(i)) is not None]
    if len(products) < len(product_ids):
        raise Problem("not_found", productIds=[i for i in product_ids if i not in found])
    if gone := [p.product_id for p in products if not p.on_sale(now)]:
        raise Problem("product_unavailable", productIds=gone)
    if facts.owned:
        raise Problem("already_owned", productIds=facts.owned)
    if len({p.currency for p in products}) > 1:
        raise invalid_field("product_ids", "One order is paid in one currency; these products have several")
    if sum([p.price for p in products]) > MAX_AMOUNT:
        raise invalid_field(
            "product_ids", f"One order may cost up to {MAX_AMOUNT} before vouchers; take fewer products"
        )
    return products


def _refuse_unpayable(token: str, product_ids: tuple[str, ...], max_body_bytes: int) -> None:
    """Raises Problem `invalid_request` where no request may carry this offer's payment."""
    if len(token) + _MOST_BESIDE_A_TOKEN <= min(max_body_bytes, MAX_TOKEN_LENGTH):
        return
    body = len(token) + sum([len(i) + _BESIDE_AN_ID for i in product_ids]) + _BESIDE_A_TOKEN
    if len(token) > MAX_TOKEN_LENGTH or body > max_body_bytes:
        limit = min(MAX_TOKEN_LENGTH, max_body_bytes)
        raise invalid_field("product_ids", f"Its payment would be longer than {limit} bytes; take fewer products")


def _good(product: Product) -> Good:
    text = product.told().categories
    names = categories(text) if text else ()
    return Good(product.product_id, product.price, product.publisher, names)
