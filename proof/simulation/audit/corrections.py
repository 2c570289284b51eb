"""Adjustments and reversals: each is what was asked for, and each refusal is true. What they move, money.py judges."""

from proof.simulation.audit.chronicle import Chronicle, Standing, row_of
from proof.simulation.audit.evidence import Evidence, Row
from proof.simulation.audit.findings import Findings
from proof.simulation.history import INCONCLUSIVE, History, Request
from proof.simulation.plan import MOST_BELLS

_ASKED = {"adjustment": ("amount", "currency", "reason", "note"), "reversal": ("currency",)}
"""In what requests of one id differ. A reversal's id is the credit's."""


def audit_corrections(history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Every adjustment and every reversal, done or refused."""
    for request in history.requests:
        if request.kind in _ASKED and request.outcome not in (*INCONCLUSIVE, "crashed", "internal_error"):
            _answer(request, row_of(request, evidence), evidence, chronicle, findings)


def _answer(request: Request, booked: Row | None, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    if request.outcome == "ok":
        same = booked is not None and _is_asked(request, booked)
        findings.expect(same, f"{request.kind}s are what was asked for", request, booked)
        return
    met = chronicle.met(request)
    there = [s for s in met if booked is not None and booked["seq"] <= s.seq]
    if request.outcome == "idempotency_mismatch":
        other = booked is not None and not _is_asked(request, booked) and request.kind == "adjustment"
        findings.expect(there and other, "a refusal is true", request, booked)
        return
    free = [s for s in met if s not in there]
    holds = {"insufficient_bells": _is_short, "wallet_full": _is_full}.get(request.outcome)
    if findings.expect(holds is not None, "a known answer", request) and holds is not None:
        findings.expect(any(holds(request, s, evidence) for s in free), "a refusal is true", request, free)


def _is_asked(request: Request, booked: Row) -> bool:
    return all(booked[name] == request.wanted[name] for name in _ASKED[request.kind])


def _is_short(request: Request, standing: Standing, evidence: Evidence) -> bool:
    """Whether what was told was so: an adjustment takes from the whole balance, a reversal from the credit's lot."""
    told, currency = request.body, request.wanted["currency"]
    if request.kind == "adjustment":
        wanted, there = -request.wanted["amount"], standing.balances.get(currency, 0)
    else:
        credit = evidence.credits[request.cust_id, request.wanted["id"][0]]
        [(lot, _)], wanted = credit["lots"], credit["amount"]
        there = standing.held.get((currency, lot), 0)
    return there < wanted and told == {"required": wanted, "balance": there, "shortfall": wanted - there}


def _is_full(request: Request, standing: Standing, _: Evidence) -> bool:
    adjusted = request.kind == "adjustment"
    return adjusted and standing.balances.get(request.wanted["currency"], 0) + request.wanted["amount"] > MOST_BELLS
