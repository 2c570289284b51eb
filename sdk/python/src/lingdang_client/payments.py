"""Paying an offer until there is a final answer, whatever happens on the way.

The order's id is inside its token, so that the same payment may be sent any number of times and is taken once.
Everything that a repeat needs is kept before the first sending, and forgotten only after a final answer.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from lingdang_client.answers import Granted, Offer, Order, Payment, decode
from lingdang_client.effects import Op, Request, Response, locally, send, wait
from lingdang_client.errors import (
    CustMismatch,
    LingdangError,
    NoSuchOffer,
    NotFound,
    PaymentUnfinished,
    TimestampSkew,
    TokenInvalid,
    Unreachable,
    UnreadableAnswer,
    UntrustedServer,
)
from lingdang_client.offers import OfferStore, PendingPayment
from lingdang_client.requests import Requests
from lingdang_client.retrying import Retry
from lingdang_client.sessions import ServerClock
from lingdang_client.signing import sign, string_to_sign
from lingdang_client.steps import OnStep, Step

NEVER_PAYS = frozenset(
    {
        "cust_mismatch",
        "token_invalid",
        "token_expired",
        "order_mismatch",
        "already_owned",
        "product_unavailable",
        "voucher_unusable",
    }
)
"""Refusals after which the order token is of no more use in its session: its products need another checkout."""

_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_STALE_SECONDS = 240
"""A timestamp older than this is not sent again: the server takes 300 s, and the way there takes time too."""

_CORRECTIONS = 2


@dataclass(frozen=True)
class _Signed:
    """A payment ready to be sent, as often as it takes."""

    pending: PendingPayment
    request: Request
    text: str


class Payments:
    """Pays offers and resumes payments whose outcome is not known."""

    def __init__(
        self, requests: Requests, store: OfferStore, retry: Retry, clock: ServerClock, on_step: OnStep
    ) -> None:
        self._requests = requests
        self._store = store
        self._retry = retry
        self._clock = clock
        self._on_step = on_step

    def pay(self, offer: Offer) -> Op[Payment]:
        """Pay an offer, or bring its kept payment to its end as `resume` does.

        Raises a LingdangError when it is refused, PaymentUnfinished when no final answer came, NoSuchOffer when another
        customer's payment of it is kept here.
        """
        kept = yield from locally(lambda: self._store.get(offer.order_id))
        if kept is None:
            kept = self._confirmed(offer)
            yield from self._keep(kept)
        self._check_owner(kept)
        return (yield from self._finish(kept))

    def resume(self, order_id: str) -> Op[Payment]:
        """Bring a kept payment to its end: by a repeat in the session that it belongs to, in another by asking.

        Raises NoSuchOffer, also for another customer's payment, and as `pay`.
        """
        kept = yield from locally(lambda: self._store.get(order_id))
        if kept is None:
            raise NoSuchOffer(f"no payment of order {order_id} is kept")
        self._check_owner(kept)
        return (yield from self._finish(kept))

    def unfinished(self) -> Op[list[PendingPayment]]:
        """This customer's payments without a final answer, the oldest first."""
        kept = yield from locally(self._store.all)
        return [pending for pending in kept if pending.cust_id == self._requests.session.cust_id]

    def _check_owner(self, kept: PendingPayment) -> None:
        """A customer's payment is neither shown to nor ended by the next one who signs in here."""
        if kept.cust_id != self._requests.session.cust_id:
            raise NoSuchOffer(f"no payment of order {kept.offer.order_id} is kept for this customer")

    def _finish(self, pending: PendingPayment) -> Op[Payment]:
        if pending.session_id == self._requests.session.session_id:
            return (yield from self._carry_on(pending))
        return (yield from self._ask(pending))

    def _carry_on(self, pending: PendingPayment) -> Op[Payment]:
        """Send until there is a final answer."""
        signed = self._ready(pending)
        pauses = self._retry.pauses()
        while True:
            signed = yield from self._renewed(signed)
            try:
                return (yield from self._attempt(signed))
            except LingdangError as error:
                if error.status not in _RETRIED_STATUSES:
                    raise
                yield from self._pause(signed, error, pauses, error.retry_after or 0)
            except (Unreachable, UnreadableAnswer) as error:
                yield from self._pause(signed, error, pauses)

    def _pause(self, signed: _Signed, error: Exception, pauses: Iterator[float], retry_after: float = 0) -> Op[None]:
        """Wait for the next attempt. Raises PaymentUnfinished when there is to be none."""
        pause = next(pauses, None)
        if pause is None or retry_after > self._retry.longest_wait or isinstance(error, UntrustedServer):
            raise PaymentUnfinished(signed.pending.offer.order_id, error) from error
        yield from wait(max(pause, retry_after))

    def _attempt(self, signed: _Signed) -> Op[Payment]:
        """Send once, and again at once if only the clock was wrong. A final answer ends the keeping."""
        for _ in range(_CORRECTIONS):
            try:
                return (yield from self._send(signed))
            except TimestampSkew as skew:
                if skew.server_time is None:
                    raise
                self._clock.learn(skew.server_time)
                signed = yield from self._resigned(signed.pending.offer)
        return (yield from self._send(signed))

    def _send(self, signed: _Signed) -> Op[Payment]:
        self._on_step(Step(4, signed.request, signed=signed.text, signature=signed.pending.sign))
        response = yield from send(signed.request)
        self._on_step(Step(5, signed.request, response))
        order_id = signed.pending.offer.order_id
        try:
            payment = _paid(response, order_id)
        except LingdangError as refused:
            # Its key may be retired, or it was of another session: that does not say whether the order is paid.
            doubtful = isinstance(refused, TokenInvalid | CustMismatch)
            found = (yield from self._find(order_id)) if doubtful else None
            if found is None and refused.code not in NEVER_PAYS:
                raise
            yield from self._forget(order_id)
            if found is None:
                raise
            return found
        yield from self._forget(order_id)
        return payment

    def _ask(self, pending: PendingPayment) -> Op[Payment]:
        """Whether an order of another session was paid. This session cannot pay it: its token is the other's."""
        order_id = pending.offer.order_id
        found = yield from self._find(order_id)
        if found is not None:
            yield from self._forget(order_id)
            return found
        # A sending that is still under way may pay until the offer ends, and a little longer while the server tries.
        if self._clock.now() < pending.offer.expires_at.timestamp() + _STALE_SECONDS:
            raise PaymentUnfinished(order_id, NotFound("not_found", 404, detail="not paid so far, in another session"))
        yield from self._forget(order_id)
        raise NotFound("not_found", 404, detail=f"order {order_id} was never paid, and its offer has expired")

    def _find(self, order_id: str) -> Op[Payment | None]:
        """The payment of an order that was paid already, or None."""
        response = yield from send(self._requests.make("GET", f"/v1/orders/{order_id}"))
        try:
            order = decode(response, Order)
        except NotFound:
            return None
        return Payment(
            order_id=order.order_id,
            status=order.status,
            currency=order.currency,
            paid=order.total,
            balance=order.balance,
            paid_at=order.paid_at,
            entitlements=[Granted(product_id=line.product_id, granted_at=order.paid_at) for line in order.lines],
            replayed=True,
        )

    def _confirmed(self, offer: Offer) -> PendingPayment:
        """The offer as it is confirmed now: with a new nonce and the present time, signed."""
        session = self._requests.session
        pending = PendingPayment(
            cust_id=session.cust_id,
            session_id=session.session_id,
            offer=offer,
            nonce=_nonce(),
            timestamp=int(self._clock.now()),
            sign_type=session.sign_type,
            sign="",
        )
        return msgspec.structs.replace(pending, sign=sign(_text(pending), session.sign_type, session.key))

    def _ready(self, pending: PendingPayment) -> _Signed:
        """The request that a kept payment stands for, the same at every repeat."""
        body = {
            "productIds": pending.offer.product_ids,
            "timestamp": pending.timestamp,
            "nonce": pending.nonce,
            "orderToken": pending.offer.order_token,
            "signType": pending.sign_type,
            "sign": pending.sign,
        }
        return _Signed(pending, self._requests.make("POST", "/v1/payments", body), _text(pending))

    def _renewed(self, signed: _Signed) -> Op[_Signed]:
        """The same, or signed anew when its timestamp has become too old, or lies ahead, to be accepted."""
        if abs(self._clock.now() - signed.pending.timestamp) <= _STALE_SECONDS:
            return signed
        return (yield from self._resigned(signed.pending.offer))

    def _resigned(self, offer: Offer) -> Op[_Signed]:
        """The same order with a fresh timestamp and nonce, kept before it is sent."""
        fresh = self._confirmed(offer)
        yield from self._keep(fresh)
        return self._ready(fresh)

    def _keep(self, pending: PendingPayment) -> Op[None]:
        yield from locally(lambda: self._store.put(pending))

    def _forget(self, order_id: str) -> Op[None]:
        yield from locally(lambda: self._store.remove(order_id))


def _paid(response: Response, order_id: str) -> Payment:
    payment = decode(response, Payment)
    if payment.order_id != order_id or payment.status != "paid":
        raise UnreadableAnswer("the answer to a payment is not of its order")
    replayed = response.headers.get("idempotent-replayed", "").lower() == "true"
    return msgspec.structs.replace(payment, replayed=replayed)


def _text(pending: PendingPayment) -> str:
    return string_to_sign(
        pending.cust_id,
        pending.nonce,
        pending.offer.order_token,
        pending.offer.product_ids,
        pending.sign_type,
        pending.timestamp,
    )


def _nonce() -> str:
    """22 characters that nobody can guess."""
    return secrets.token_urlsafe(16)
