"""What clients were told of what was done: true, the same for ever, and in the order in which it happened."""

from collections.abc import Callable, Iterable
from typing import Any

from proof.simulation.audit.chronicle import row_of
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.shown import named_lots, shown_lots
from proof.simulation.history import INCONCLUSIVE, History, Request

_FLAWS = (
    ("session", "unauthenticated"),
    ("customer", "cust_mismatch"),
    ("token", "token_invalid"),
    ("other_session", "cust_mismatch"),
    ("products", "order_mismatch"),
    ("skew", "timestamp_skew"),
    ("sign", "sign_invalid"),
    ("sign_type", "sign_invalid"),
)
"""The contract's order of checks: the first that fails is answered, whatever the order's state."""
_ONLY_FLAWED = frozenset(code for _, code in _FLAWS) - {"unauthenticated"}
_SKEW_SECONDS = 300


def audit_answers(history: History, evidence: Evidence, findings: Findings) -> None:
    """Successes, the flawed requests' refusals, and that every request is answered once the faults have ended."""
    for request in history.requests:
        findings.expect(request.outcome not in ("crashed", "internal_error"), "no answer is an accident", request)
        if request.kind == "payment":
            _flaws(request, findings)
    for key, requests in _grouped(history.requests).items():
        row = row_of(requests[0], evidence)
        done_at, told = _TOLD[requests[0].kind]
        _same_for_ever(requests, row, done_at, told, findings)
        _nothing_is_taken_back(key, requests, row, history.stood, findings)
    _in_order(history, evidence, findings)


def flaws_of(request: Request) -> list[str]:
    """What is wrong with a payment request, with its timestamp too."""
    sent = int(request.clock.timestamp()) + request.wanted["offset"]
    skewed = abs(sent - request.clock.timestamp()) > _SKEW_SECONDS
    return [*request.wanted["flaws"], *(["skew"] if skewed else [])]


def _flaws(request: Request, findings: Findings) -> None:
    if request.outcome == "lost":
        return
    flaws = flaws_of(request)
    wanted = next((code for flaw, code in _FLAWS if flaw in flaws), None)
    if wanted is not None:
        findings.expect(request.outcome == wanted, "a flawed request is refused as the contract says", wanted, request)
    else:
        findings.expect(request.outcome not in _ONLY_FLAWED, "a good request is not called flawed", request)


def _grouped(requests: Iterable[Request]) -> dict[tuple[str, str], list[Request]]:
    """Requests by the customer and what makes them one; flawed payments and mere questions are not among them."""
    groups: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        if request.kind in _TOLD and not (request.kind == "payment" and flaws_of(request)):
            groups.setdefault((request.cust_id, _name_of(request)), []).append(request)
    return groups


def _name_of(request: Request) -> str:
    """As History.stood has it."""
    if request.kind in ("payment", "deposit"):
        return str(request.wanted["orderId" if request.kind == "payment" else "creditId"])
    return " ".join((request.kind, *request.wanted["id"]))


def _same_for_ever(requests: list[Request], row: Row | None, done_at: str, told: Any, findings: Findings) -> None:
    """All successes of one order, or one credit, are one answer: that of the database."""
    successes = [r for r in requests if r.outcome == "ok"]
    if not successes:
        return
    if not findings.expect(row is not None, "what was acknowledged is in the database", successes[0]) or row is None:
        return
    findings.expect(sum(not r.replayed for r in successes) <= 1, "done once, replayed ever after", *successes)
    for request in successes:
        findings.expect(told(request.body, row), "the answer is the record", request, row)
        findings.expect(request.body == successes[0].body, "no answer is taken back", request, successes[0])
        late = request.latest is None or moment(row[done_at]) <= request.latest
        findings.expect(late, "done before it was answered", request, row)


def _payment_told(body: Row, order: Row) -> bool:
    rights = [(line["productId"], order["paid_at"]) for line in order["lines"]]
    return bool(
        (body["orderId"], body["status"], body["currency"]) == (order["order_id"], "paid", order["currency"])
        and (body["paid"], body["balance"]) == (order["total"], order["balance"])
        and moment(body["paidAt"]) == moment(order["paid_at"])
        and [(e["productId"], moment(e["grantedAt"])) for e in body["entitlements"]]
        == [(product_id, moment(at)) for product_id, at in rights]
    )


def _credit_told(body: Row, credit: Row) -> bool:
    names = ("amount", "kind", "balance", "currency", "reason")
    until = credit["expires_at"]
    return bool(
        (body["creditId"], body["custId"]) == (credit["credit_id"], credit["customer_id"])
        and all(body[name] == credit[name] for name in names)
        and bool(body["expiresAt"]) == bool(until)
        and (until is None or moment(body["expiresAt"]) >= moment(until))
        and moment(body["creditedAt"]) == moment(credit["credited_at"])
    )


def _refund_told(body: Row, refund: Row) -> bool:
    lines = [{"productId": product_id, "amount": amount} for product_id, amount in refund["lines"]]
    names = ("refundId", "orderId", "currency", "refunded", "vouchers", "balance")
    return bool(
        all(body[name] == refund[name] for name in names)
        and body["lines"] == lines
        and _in_time(body["lots"]) == _in_time(named_lots(refund["lots"]))
        and moment(body["refundedAt"]) == moment(refund["at"])
    )


def _in_time(lots: list[Row]) -> list[Row]:
    """Lots with moments as moments."""
    return [{**lot, "expiresAt": lot["expiresAt"] and moment(lot["expiresAt"])} for lot in lots]


def _adjustment_told(body: Row, adjustment: Row) -> bool:
    names = ("adjustmentId", "currency", "amount", "reason", "balance")
    return bool(
        body["custId"] == adjustment["customer_id"]
        and all(body[name] == adjustment[name] for name in names)
        and _in_time(body["lots"]) == _in_time(shown_lots([part for part in adjustment["lots"] if part[1]]))
        and moment(body["adjustedAt"]) == moment(adjustment["at"])
    )


def _reversal_told(body: Row, reversal: Row) -> bool:
    names = (body["credit_id"], body["seq"], body["balance"], moment(body["at"]))
    return names == (reversal["creditId"], reversal["seq"], reversal["balance"], moment(reversal["at"]))


def _topup_told(body: Row, topup: Row) -> bool:
    names = ("currency", "seq", "paid", "bonus", "provider", "price", "balance")
    return bool(
        body["topup_id"] == topup["topupId"]
        and all(body[name] == topup[name] for name in names)
        and body["test"] == topup.get("test", False)
        and body["lots"] == topup["lots"]
        and moment(body["credited_at"]) == moment(topup["at"])
    )


def _gift_told(body: Row, gift: Row) -> bool:
    names = ("campaign", "currency", "seq", "amount", "balance")
    return bool(
        body["gift_id"] == gift["giftId"]
        and all(body[name] == gift[name] for name in names)
        and [body["lot"]] == [lot for lot, _ in gift["lots"]]
        and moment(body["redeemed_at"]) == moment(gift["at"])
    )


def _grant_told(body: Row, _: Row) -> bool:
    return body == {"granted": True}


def _revocation_told(body: Row, revocation: Row) -> bool:
    return moment(body["revokedAt"]) == moment(revocation["at"])


_TOLD: dict[str, tuple[str, Callable[[Row, Row], bool]]] = {
    "payment": ("paid_at", _payment_told),
    "deposit": ("credited_at", _credit_told),
    "refund": ("at", _refund_told),
    "adjustment": ("at", _adjustment_told),
    "reversal": ("at", _reversal_told),
    "grant": ("at", _grant_told),
    "revocation": ("at", _revocation_told),
    "topup": ("at", _topup_told),
    "gift": ("at", _gift_told),
}
"""What is done by whoever asks, the name of its moment, and what is told of it."""


def _nothing_is_taken_back(
    key: tuple[str, str], requests: list[Request], row: Row | None, stood: set[tuple[str, str]], findings: Findings
) -> None:
    """A slow disk may break a batch even when the faults have ended; it is done again, and answered as a replay."""
    last = [r for r in requests if r.final]
    answered = not last or any(r.outcome not in INCONCLUSIVE for r in last)
    findings.expect(answered, "without faults every request is answered", *last)
    told_nothing = not any(r.outcome in ("ok", "lost", "outcome_unknown") for r in requests if not r.final)
    findings.expect(not (told_nothing and key in stood), "refused is not done", *key, requests)
    never = [r for r in requests if r.outcome not in ("ok", "lost", "outcome_unknown")]
    findings.expect(row is None or len(never) < len(requests), "refused is not done", *key, row)


def _in_order(history: History, evidence: Evidence, findings: Findings) -> None:
    """What was acknowledged before a request was sent comes before it in the journal."""
    done: dict[str, list[tuple[Request, int]]] = {}
    for request in history.requests:
        place = place_of(request, evidence)
        if place is not None:
            done.setdefault(request.cust_id, []).append((request, place))
    for pairs in done.values():
        for later, second in pairs:
            earlier = [first for request, first in pairs if request.answered < later.sent]
            right = later.replayed or max(earlier, default=0) < second
            findings.expect(right, "what is acknowledged comes first", later, second, earlier)


def place_of(request: Request, evidence: Evidence) -> int | None:
    """The `seq` of what a successful request did."""
    row = row_of(request, evidence) if request.outcome == "ok" else None
    return None if row is None else int(row["seq"])
