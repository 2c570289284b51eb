"""Stripe: pages of Checkout, payment intents, charges, refunds, disputes, and signed events."""

import hashlib
import hmac
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec

from proof.standin.desk import Message
from proof.standin.faults import Break, Wrong
from proof.standin.web import Answer, Request, json_answer

SECRET_KEY = "sk_test_standin0000000000"
WEBHOOK_SECRET = "whsec_standin0000000000"


@dataclass
class _Dispute:
    id: str
    amount: int
    status: str = "needs_response"
    created: int = 0


@dataclass
class _Refund:
    id: str
    amount: int
    status: str = "succeeded"
    metadata: dict[str, str] = field(default_factory=dict)
    created: int = 0


@dataclass
class _Payment:
    """A page and what was paid through it. Amounts are as Stripe counts them."""

    id: str
    number: str
    amount: int
    currency: str
    created: int
    status: str = "open"
    intent: str | None = None
    intent_status: str = "requires_payment_method"
    received: int = 0
    paid_at: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    refunds: list[_Refund] = field(default_factory=list)
    disputes: list[_Dispute] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds if refund.status != "failed")


class StripeDesk:
    """One account in test mode. Its events go to `endpoint`."""

    name = "stripe"
    breaks: tuple[Break, ...] = ("body", "signature", "stale", "ahead", "not utf-8")

    def __init__(self, clock: Callable[[], float] = time.time, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        self.before_close: Callable[[str], None] = lambda _: None
        self.pages = ""
        """The address of its payers' pages."""
        self._clock = clock
        self._payments: dict[str, _Payment] = {}
        self._answers: dict[str, tuple[dict[str, str], Answer]] = {}
        self._count = itertools.count(1)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if request.headers.get("authorization") not in (f"Bearer {SECRET_KEY}",):
                return _refused(401, "invalid_request_error", None)
            key = request.headers.get("idempotency-key")
            if request.method != "POST" or key is None:
                return self._route(request)
            if key in self._answers:
                form, first = self._answers[key]
                return first if form == request.form else _refused(400, "idempotency_error", None)
            answer = self._route(request)
            if answer.status < 400:
                self._answers[key] = (request.form, answer)
            return answer

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        with self._lock:
            payment = self._at(number)
            self._take(payment, wrong)
            return self._completed(payment)

    def begin_slowly(self, number: str) -> Message:
        """Somebody pays in a way that takes days: the page is complete, the money not there."""
        with self._lock:
            payment = self._at(number)
            payment.intent, payment.intent_status = self._id("pi"), "processing"
            payment.status = "complete"
            return self._completed(payment)

    def end_slowly(self, number: str, well: bool) -> Message:
        """The money of `begin_slowly` came, or will not come."""
        with self._lock:
            payment = self._at(number)
            if well:
                self._take(payment, None)
            else:
                payment.intent_status = "requires_payment_method"
            kind = "async_payment_succeeded" if well else "async_payment_failed"
            return self._event(f"checkout.session.{kind}", self._session(payment))

    def expire(self, number: str) -> Message:
        """The page's day is over."""
        with self._lock:
            payment = self._at(number)
            payment.status = "expired"
            return self._event("checkout.session.expired", self._session(payment))

    def give_back(self, number: str, amount: int) -> Message:
        with self._lock:
            payment = self._at(number)
            payment.refunds.append(_Refund(self._id("re"), amount, created=self._now()))
            return self._event("charge.refunded", self._charge(payment))

    def fail_refund(self, number: str) -> Message:
        """The last refund did not reach the payer: its money is the merchant's again."""
        with self._lock:
            payment = self._at(number)
            payment.refunds[-1].status = "failed"
            return self._event("refund.failed", self._refund(payment, payment.refunds[-1]))

    def dispute(self, number: str, amount: int | None = None, inquiry: bool = False) -> Message:
        """The payer's bank asks for the money back, or only asks."""
        with self._lock:
            payment = self._at(number)
            status = "warning_needs_response" if inquiry else "needs_response"
            dispute = _Dispute(self._id("du"), amount or payment.received, status, self._now())
            payment.disputes.append(dispute)
            return self._event("charge.dispute.created", self._dispute(payment, dispute))

    def settle(self, number: str, won: bool) -> Message:
        """The last dispute ends."""
        with self._lock:
            payment = self._at(number)
            payment.disputes[-1].status = "won" if won else "lost"
            return self._event("charge.dispute.closed", self._dispute(payment, payment.disputes[-1]))

    def sell_elsewhere(self, by_page: bool = False) -> Message:
        """Somebody else's payment at the same account."""
        with self._lock:
            payment = _Payment(self._id("cs_test"), "", 500, "usd", self._now())
            self._payments[payment.id] = payment
            self._take(payment, None)
            return self._completed(payment) if by_page else self._event("charge.succeeded", self._charge(payment))

    def forget_keys(self) -> None:
        """A day is over, and with it the idempotency keys."""
        with self._lock:
            self._answers.clear()

    def signed(self, event: object, at: int | None = None, secret: str = WEBHOOK_SECRET) -> Message:
        """Any event as the endpoint is sent it."""
        return self._sent(msgspec.json.encode(event), self._now() if at is None else at, secret)

    def broken(self, message: Message, how: Break) -> Message:
        signature = message.headers["stripe-signature"]
        match how:
            case "body":
                return replace(message, body=re.sub(rb'"amount[a-z_]*":\d', rb"\g<0>9", message.body, count=1))
            case "signature":
                return replace(message, headers={"stripe-signature": signature[:-1] + "0f"[signature[-1] == "0"]})
            case "not utf-8":
                return replace(message, body=message.body[:-1] + b"\xff}")
        moved = -86400 if how == "stale" else 86400
        return self._sent(message.body, self._now() + moved, WEBHOOK_SECRET)

    def _sent(self, body: bytes, at: int, secret: str) -> Message:
        mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": f"t={at},v1={mac}"}
        return Message(self.name, self.endpoint, headers, body)

    def _route(self, request: Request) -> Answer:
        form, path = request.form, request.path
        match request.method, path.split("/")[2:]:
            case "POST", ["checkout", "sessions"]:
                return self._open(form)
            case "GET", ["checkout", "sessions"]:
                return self._listed(form, [(p.created, self._session(p), p) for p in self._payments.values()])
            case "GET", ["checkout", "sessions", name]:
                return self._found(name, self._session)
            case "POST", ["checkout", "sessions", name, "expire"]:
                return self._expire(name)
            case "GET", ["payment_intents", name]:
                return self._found(name, self._intent)
            case "GET", ["charges"]:
                paid = [payment for payment in self._payments.values() if payment.received]
                return self._listed(form, [(p.paid_at, self._charge(p), p) for p in paid])
            case "GET", ["refunds"]:
                return self._listed(form, [(r.created, self._refund(p, r), p) for p, r in self._all_refunds()])
            case "POST", ["refunds"]:
                return self._give_back(form)
            case "GET", ["disputes"]:
                every = [(d.created, self._dispute(p, d), p) for p in self._payments.values() for d in p.disputes]
                return self._listed(form, every)
        return _refused(404, "invalid_request_error", None)

    def _open(self, form: dict[str, str]) -> Answer:
        price = "line_items[0][price_data]"
        payment = _Payment(
            self._id("cs_test"),
            UUID(form["client_reference_id"]).hex,
            int(form[f"{price}[unit_amount]"]),
            form[f"{price}[currency]"],
            self._now(),
            metadata={"topupId": form["payment_intent_data[metadata][topupId]"]},
        )
        self._payments[payment.id] = payment
        return json_answer(self._session(payment))

    def _expire(self, name: str) -> Answer:
        payment = self._payments.get(name)
        if payment is None:
            return _refused(404, "invalid_request_error", "resource_missing")
        self.before_close(payment.number)
        if payment.status != "open":
            return _refused(400, "invalid_request_error", None)
        payment.status = "expired"
        return json_answer(self._session(payment))

    def _give_back(self, form: dict[str, str]) -> Answer:
        payment = next(p for p in self._payments.values() if p.intent == form["payment_intent"])
        amount = int(form["amount"])
        if amount > payment.received - payment.refunded:
            return _refused(400, "invalid_request_error", "charge_already_refunded")
        metadata = {key[9:-1]: value for key, value in form.items() if key.startswith("metadata[")}
        refund = _Refund(self._id("re"), amount, metadata=metadata, created=self._now())
        payment.refunds.append(refund)
        return json_answer(self._refund(payment, refund))

    def _found(self, name: str, shown: Callable[[_Payment], dict[str, Any]]) -> Answer:
        for payment in self._payments.values():
            if name in (payment.id, payment.intent):
                return json_answer(shown(payment))
        return _refused(404, "invalid_request_error", "resource_missing")

    def _listed(self, form: dict[str, str], items: list[tuple[int, dict[str, Any], _Payment]]) -> Answer:
        low, high = int(form.get("created[gte]", 0)), int(form.get("created[lt]", 2**40))
        wanted = form.get("payment_intent")
        shown = [item for at, item, p in reversed(items) if low <= at < high and wanted in (None, p.intent)]
        after, limit = form.get("starting_after"), int(form.get("limit", 10))
        start = next((place + 1 for place, item in enumerate(shown) if item["id"] == after), 0)
        page = shown[start : start + limit]
        return json_answer({"object": "list", "data": page, "has_more": start + limit < len(shown)})

    def _at(self, number: str) -> _Payment:
        return next(payment for payment in self._payments.values() if payment.number == number)

    def _all_refunds(self) -> Iterator[tuple[_Payment, _Refund]]:
        return ((payment, refund) for payment in self._payments.values() for refund in payment.refunds)

    def _take(self, payment: _Payment, wrong: Wrong | None) -> None:
        payment.status, payment.intent_status = "complete", "succeeded"
        payment.intent = payment.intent or self._id("pi")
        payment.paid_at = self._now()
        payment.received = payment.amount - 1 if wrong == "amount" else payment.amount
        payment.amount = payment.received
        if wrong == "currency":
            payment.currency = "usd" if payment.currency != "usd" else "eur"
        if wrong == "order":
            other = UUID(int=UUID(payment.number).int ^ 1)
            payment.metadata = {"topupId": str(other)}
        self._account = "acct_other" if wrong == "merchant" else None

    _account: str | None = None

    def _completed(self, payment: _Payment) -> Message:
        return self._event("checkout.session.completed", self._session(payment))

    def _session(self, payment: _Payment) -> dict[str, Any]:
        number = payment.metadata.get("topupId")
        return {
            "id": payment.id,
            "object": "checkout.session",
            "amount_total": payment.amount,
            "client_reference_id": number,
            "created": payment.created,
            "currency": payment.currency,
            "livemode": False,
            "metadata": payment.metadata,
            "mode": "payment",
            "payment_intent": payment.intent,
            "payment_status": "paid" if payment.received else "unpaid",
            "status": payment.status,
            "url": f"{self.pages}/{payment.id}" if payment.status == "open" else None,
        }

    def _intent(self, payment: _Payment) -> dict[str, Any]:
        return {
            "id": payment.intent,
            "object": "payment_intent",
            "amount": payment.amount,
            "amount_received": payment.received,
            "created": payment.created,
            "currency": payment.currency,
            "latest_charge": self._charge(payment) if payment.received else None,
            "livemode": False,
            "metadata": payment.metadata,
            "status": payment.intent_status,
        }

    def _charge(self, payment: _Payment) -> dict[str, Any]:
        return {
            "id": f"ch_{payment.intent}",
            "object": "charge",
            "amount": payment.received,
            "amount_captured": payment.received,
            "amount_refunded": payment.refunded,
            "captured": True,
            "created": payment.paid_at,
            "currency": payment.currency,
            "disputed": bool(payment.disputes),
            "livemode": False,
            "metadata": payment.metadata,
            "paid": True,
            "payment_intent": payment.intent,
            "refunded": payment.refunded == payment.received,
            "status": "succeeded",
        }

    def _refund(self, payment: _Payment, refund: _Refund) -> dict[str, Any]:
        return {
            "id": refund.id,
            "object": "refund",
            "amount": refund.amount,
            "created": refund.created,
            "currency": payment.currency,
            "metadata": refund.metadata,
            "payment_intent": payment.intent,
            "status": refund.status,
        }

    def _dispute(self, payment: _Payment, dispute: _Dispute) -> dict[str, Any]:
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": dispute.amount,
            "charge": f"ch_{payment.intent}",
            "created": dispute.created,
            "currency": payment.currency,
            "livemode": False,
            "metadata": {},
            "payment_intent": payment.intent,
            "status": dispute.status,
        }

    def _event(self, kind: str, content: dict[str, Any]) -> Message:
        event = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": "2025-09-30.clover",
            "created": self._now(),
            "data": {"object": content},
            "livemode": False,
            "pending_webhooks": 1,
            "type": kind,
        }
        account, self._account = self._account, None
        return self.signed(event if account is None else {**event, "account": account})

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._count):06}"

    def _now(self) -> int:
        return int(self._clock())


def _refused(status: int, kind: str, code: str | None) -> Answer:
    return json_answer({"error": {"type": kind, "message": code or kind, **({"code": code} if code else {})}}, status)
