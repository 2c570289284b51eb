"""What clients were told of payments and credits: true, the same for ever, and in the order in which it happened."""

from collections.abc import Iterable
from typing import Any

from simulation.audit.evidence import Evidence, Row, moment
from simulation.audit.findings import Findings
from simulation.history import INCONCLUSIVE, History, Request

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
    payments = _grouped(r for r in history.requests if r.kind == "payment" and not flaws_of(r))
    for (cust_id, order_id), requests in payments.items():
        order = evidence.orders.get(order_id)
        _same_for_ever(requests, order, "paid_at", _payment_told, findings)
        _nothing_is_taken_back((cust_id, order_id), requests, order, history.stood, findings)
    deposits = _grouped(r for r in history.requests if r.kind == "deposit")
    for (cust_id, credit_id), requests in deposits.items():
        credit = evidence.credits.get((cust_id, credit_id))
        _same_for_ever(requests, credit, "credited_at", _credit_told, findings)
        _nothing_is_taken_back((cust_id, credit_id), requests, credit, history.stood, findings)
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
    """Requests by the customer and the id that makes them one."""
    groups: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        key = (request.cust_id, request.wanted["orderId" if request.kind == "payment" else "creditId"])
        groups.setdefault(key, []).append(request)
    return groups


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
    row = None
    if request.outcome == "ok" and request.kind == "payment":
        row = evidence.orders.get(request.wanted["orderId"])
    elif request.outcome == "ok" and request.kind == "deposit":
        row = evidence.credits.get((request.cust_id, request.wanted["creditId"]))
    return None if row is None else int(row["seq"])
