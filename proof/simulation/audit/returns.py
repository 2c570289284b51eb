"""Refunds, and rights without a payment: rightly granted, rightly refused, and what each promises came true."""

from datetime import datetime, timedelta

from proof.simulation.audit.chronicle import Chronicle, Standing, row_of
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.history import INCONCLUSIVE, History, Request
from proof.simulation.plan import Plan, RefundPolicy

_ASKED = ("orderId", "reason", "note", "keepDiscount")
_REFUND_CODES = ("not_found", "already_refunded", "refund_not_allowed", "idempotency_mismatch")


def audit_returns(plan: Plan, history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Every refund, grant, revocation and use of a right, done or refused."""
    for cust_id in evidence.transfers:
        for standing in chronicle.all(cust_id):
            for promise in standing.clashes:
                findings.expect(False, promise, cust_id, standing)
    for order_id, order in evidence.orders.items():
        refunded = sum(r["refunded"] for r in evidence.refunds.values() if r["orderId"] == order_id)
        findings.expect(refunded <= order["total"], "refunds never exceed what was paid", order, refunded)
    opened = _opened(history)
    for refund in evidence.refunds.values():
        _Granted(plan.policy, history, chronicle, opened, findings).check(refund)
    answers = _Answers(plan.policy, history, evidence, chronicle, opened, findings)
    for request in history.requests:
        if request.kind in ("refund", "grant", "revocation", "open") and request.outcome not in INCONCLUSIVE:
            answers.check(request)
    _noted(plan.policy, history, evidence, findings)


def _opened(history: History) -> list[Request]:
    """The uses of rights that were allowed."""
    return [r for r in history.requests if r.kind == "open" and r.outcome == "ok"]


def same_products(one: object, other: object) -> bool:
    """Whether these are the same products, in any order; None is all that is left."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return set(one) == set(other)
    return one is None and other is None


def is_asked(refund: Row, wanted: Row) -> bool:
    """Whether this refund is the one that was asked for."""
    same = all(refund[name] == wanted[name] for name in _ASKED)
    return same and same_products(refund["productIds"], wanted["productIds"])


def refused_whole(order: Row, chosen: list[Row], left: list[Row], keep_discount: bool) -> bool:
    """Whether an order with vouchers is to be refunded whole, or what is left of it, and this is not."""
    return bool(order["vouchers"]) and len(chosen) < len(left) and not keep_discount


def vouchers_back(order: Row, complete: bool, fraud: bool, policy: RefundPolicy) -> list[str]:
    """The vouchers that a refund gives back; `fraud`: it, or one of the order's before it, is for fraud."""
    back = complete and policy.vouchers_back and not fraud
    return [used["voucherId"] for used in order["vouchers"]] if back else []


class _Granted:
    """A refund that was booked."""

    def __init__(
        self, policy: RefundPolicy, history: History, chronicle: Chronicle, opened: list[Request], findings: Findings
    ) -> None:
        self._policy = policy
        self._history = history
        self._chronicle = chronicle
        self._opened = opened
        self._expect = findings.expect

    def check(self, refund: Row) -> None:
        """By what stood before it."""
        before = self._chronicle.before(refund["customer_id"], refund["seq"])
        asked = [r for r in self._requests(refund) if is_asked(refund, r.wanted)]
        self._expect(asked, "a refund is what was asked for", refund)
        order = before.orders.get(refund["orderId"])
        if order is None:
            return  # a clash, which was found
        left = before.left(refund["orderId"])
        named = refund["productIds"]
        chosen = [line for line in left if named is None or line["productId"] in named]
        told = [(line["productId"], line["payable"]) for line in chosen]
        self._expect(refund["lines"] == told and told, "a refund gives back what its lines cost", refund, told)
        self._expect(named is None or set(named) == {p for p, _ in told}, "a refund is of what was named", refund)
        self._expect(refund["currency"] == order["currency"], "a refund is in its order's currency", refund, order)
        whole = not refused_whole(order, chosen, left, refund["keepDiscount"])
        self._expect(whole, "an order with vouchers is refunded whole", refund, order)
        fraud = refund["reason"] == "fraud" or before.is_fraud(refund["orderId"])
        back = vouchers_back(order, len(chosen) == len(left), fraud, self._policy)
        self._expect(refund["vouchers"] == back, "vouchers come back with the whole order", refund, back)
        if refund["by"] == "customer":
            self._own(refund, order)

    def _requests(self, refund: Row) -> list[Request]:
        key = (refund["by"], refund["refundId"])
        return [
            r
            for r in self._history.requests
            if r.kind == "refund" and r.cust_id == refund["customer_id"] and r.wanted["id"] == key
        ]

    def _own(self, refund: Row, order: Row) -> None:
        days = timedelta(days=self._policy.days)
        clock = refund["clock"]
        in_time = self._policy.days and (clock is None or clock - moment(order["paid_at"]) <= days)
        self._expect(in_time, "customers have refunds in time", refund, order)
        used = [r for r in self._opened if r.body.get("Order") == order["order_id"]]
        used = [r for r in used if r.wanted["productId"] in dict(refund["lines"])]
        self._expect(not used, "what was opened is not given back", refund, used)


class _Answers:
    """The answers to requests about refunds and rights: true at one of the moments that they may have met."""

    def __init__(
        self,
        policy: RefundPolicy,
        history: History,
        evidence: Evidence,
        chronicle: Chronicle,
        opened: list[Request],
        findings: Findings,
    ) -> None:
        self._policy = policy
        self._history = history
        self._evidence = evidence
        self._chronicle = chronicle
        self._opened = opened
        self._expect = findings.expect

    def check(self, request: Request) -> None:
        """One request that was answered."""
        if request.outcome in ("crashed", "internal_error", "unauthenticated"):
            return  # judged with all others
        met = self._chronicle.met(request)
        if request.kind == "open":
            self._expect(any(self._may_open(request, s) for s in met), "a right is used while it is there", request)
        elif request.kind == "revocation" and request.outcome == "not_found":
            self._expect(self._has_no_grant(request, met), "a refusal is true", request, met)
        elif request.outcome == "ok":
            row = row_of(request, self._evidence)
            same = row is not None and self._is_same(request, row)
            self._expect(same, f"a {request.kind} is what was asked for", request, row)
        elif request.kind == "refund":
            known = request.outcome in _REFUND_CODES
            self._expect(known, "a known answer", request)
            self._expect(any(self._is_refused(request, s) for s in met), "a refusal is true", request, met)
        else:
            self._expect(any(self._right_is_refused(request, s) for s in met), "a refusal is true", request, met)

    def _is_same(self, request: Request, row: Row) -> bool:
        if request.kind == "refund":
            return is_asked(row, request.wanted)
        return all(row[name] == request.wanted[name] for name in ("productId", "reason"))

    def _booked(self, request: Request, standing: Standing) -> Row | None:
        """What stood under the request's id."""
        row = row_of(request, self._evidence)
        return row if row is not None and row["seq"] <= standing.seq else None

    # Refunds

    def _is_refused(self, request: Request, standing: Standing) -> bool:
        """Whether this refusal is what the contract says, as things stood."""
        wanted, body, code = request.wanted, request.body, request.outcome
        order = standing.orders.get(wanted["orderId"])
        if order is None:
            return code == "not_found"
        booked = self._booked(request, standing)
        if booked is not None:
            return code == "idempotency_mismatch" and not is_asked(booked, wanted)
        named, left = wanted["productIds"], standing.left(wanted["orderId"])
        products = [line["productId"] for line in order["lines"]]
        if not set(named or ()) <= set(products):
            return code == "not_found"
        there = {line["productId"] for line in left}
        again = [name for name in named or (() if left else products) if name not in there]
        if again:
            return code == "already_refunded" and same_products(body["productIds"], again)
        chosen = [line for line in left if named is None or line["productId"] in named]
        whole = not refused_whole(order, chosen, left, wanted["keepDiscount"])
        return code == "refund_not_allowed" and self._reasons_hold(request, order, chosen, whole)

    def _reasons_hold(self, request: Request, order: Row, chosen: list[Row], whole: bool) -> bool:
        reasons = dict(request.body["reasons"])
        about_all = reasons.pop("order", None)
        own = request.wanted["by"] == "customer"
        if own and not self._policy.days:
            right = about_all == "not_offered"
        elif about_all == "too_late":
            right = own and self._is_late(request, order)
        else:
            right = about_all == (None if whole else "voucher_order")
        noted = own and self._policy.days
        products = {line["productId"] for line in chosen if noted}
        used = {p for p in products if self._was_opened(request, p, order, surely=True)}
        maybe = {p for p in products if self._was_opened(request, p, order, surely=False)}
        opened = {name for name, reason in reasons.items() if reason == "opened"}
        return bool(right and (about_all or reasons) and len(opened) == len(reasons) and used <= opened <= maybe)

    def _is_late(self, request: Request, order: Row) -> bool:
        """Whether some clock had shown a moment that was too late."""
        latest = request.latest
        return latest is not None and latest - moment(order["paid_at"]) > timedelta(days=self._policy.days)

    def _was_opened(self, request: Request, product_id: str, order: Row, *, surely: bool) -> bool:
        if surely:
            mine = [r for r in self._opened if r.body.get("Order") == order["order_id"] and r.answered < request.sent]
        else:
            mine = [
                r
                for r in self._history.requests
                if r.kind == "open" and r.cust_id == order["customer_id"] and r.sent < request.answered
            ]
        return any(r.wanted["productId"] == product_id for r in mine)

    # Rights

    def _right_is_refused(self, request: Request, standing: Standing) -> bool:
        booked = self._booked(request, standing)
        if booked is not None:
            return request.outcome == "idempotency_mismatch" and not self._is_same(request, booked)
        owned = request.wanted["productId"] in standing.rights
        return request.kind == "grant" and request.outcome == "not_granted" and owned

    def _has_no_grant(self, request: Request, met: list[Standing]) -> bool:
        """Whether there was none, or it became another one while it was asked for."""
        granted = {grant["seq"] for key, grant in self._evidence.grants.items() if key[0] == request.cust_id}
        rights = {s.rights.get(request.wanted["productId"]) for s in met if self._booked(request, s) is None}
        return len(rights) > 1 or not rights <= granted

    def _may_open(self, request: Request, standing: Standing) -> bool:
        seq = standing.rights.get(request.wanted["productId"])
        if request.outcome != "ok":
            return request.outcome == "not_entitled" and seq is None
        return request.body == source_of(request.cust_id, seq, self._evidence)


def source_of(cust_id: str, seq: int | None, evidence: Evidence) -> dict[str, str]:
    """Where a right comes from, as it is told."""
    for order_id, order in evidence.orders.items():
        if (order["customer_id"], order["seq"]) == (cust_id, seq):
            return {"Order": order_id}
    for (owner, grant_id), grant in evidence.grants.items():
        if (owner, grant["seq"]) == (cust_id, seq):
            return {"Grant": grant_id}
    return {}


def _noted(policy: RefundPolicy, history: History, evidence: Evidence, findings: Findings) -> None:
    """That a right was used stands with it, where customers have refunds of their own, and else nowhere."""
    for right in evidence.entitlements:
        cust_id, product_id = right["customer_id"], right["product_id"]
        uses = [r for r in history.requests if r.kind == "open" and r.cust_id == cust_id]
        uses = [r for r in uses if r.wanted["productId"] == product_id]
        source = source_of(cust_id, right["granted_by"], evidence)
        if right["opened_at"] is not None:
            findings.expect(uses and policy.days, "what is noted as used was used", right)
        elif policy.days:
            seen = [r for r in uses if r.outcome == "ok" and r.body == source]
            findings.expect(not seen, "that a right is used is noted", right, seen)


def opened_products(right_rows: list[Row], order: Row) -> set[str]:
    """Those products of an order whose rights were used, as it is noted."""
    return {
        right["product_id"]
        for right in right_rows
        if (right["customer_id"], right["granted_by"]) == (order["customer_id"], order["seq"]) and right["opened_at"]
    }


def is_late(order: Row, clock: datetime, policy: RefundPolicy) -> bool:
    """Whether it is too late for a customer's own refund."""
    return clock - moment(order["paid_at"]) > timedelta(days=policy.days)
