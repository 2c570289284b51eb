"""What everybody is shown when all is quiet: as the journal has it, each item once, the newest first."""

from typing import Any

from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.evidence import Evidence, Row, lots_of, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.money import lots_back, refunded_before
from proof.simulation.audit.returns import is_late, opened_products, source_of, vouchers_back
from proof.simulation.audit.topups import BACK
from proof.simulation.history import INCONCLUSIVE, History, Request
from proof.simulation.plan import Plan, RefundPolicy

_REFERENCE = {
    "credit": "creditId",
    "adjustment": "adjustmentId",
    "reversal": "creditId",
    "refund": "refundId",
    "grant": "grantId",
    "revocation": "revocationId",
    "topup": "topupId",
    "gift": "giftId",
    **dict.fromkeys(BACK, "topupId"),
}


def audit_shown(plan: Plan, history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Lists of orders, entries and rights, and what giving an order back would bring."""
    wanted = {"orders": _orders, "entries": _entries, "rights": _rights}
    answered = {_about(r) for r in history.requests if r.outcome not in INCONCLUSIVE}
    for request in history.requests:
        if request.kind in (*wanted, "refundable"):
            findings.expect(_about(request) in answered, "without faults every request is answered", request)
        if request.kind in wanted and request.outcome == "ok":
            told = [_plain(item) for item in request.body["items"]]
            right = [_plain(item) for item in wanted[request.kind](request.cust_id, evidence)]
            findings.expect(told == right, "what is shown is what was written", request, right)
        elif request.kind == "refundable" and request.outcome not in INCONCLUSIVE:
            back = _refundable(request, plan.policy, evidence, chronicle)
            shown = (request.outcome, _plain(request.body))
            findings.expect(shown == back, "what would come back is shown before", request, back)


def _about(request: Request) -> tuple[object, ...]:
    return request.kind, request.cust_id, request.wanted.get("orderId"), request.wanted.get("by")


def _orders(cust_id: str, evidence: Evidence) -> list[Row]:
    orders = [order for order in evidence.orders.values() if order["customer_id"] == cust_id]
    return [_order(order, evidence) for order in sorted(orders, key=lambda order: -order["seq"])]


def _order(order: Row, evidence: Evidence) -> Row:
    refunds = [refund for refund in evidence.refunds.values() if refund["orderId"] == order["order_id"]]
    refunds.sort(key=lambda refund: refund["seq"])
    gone = sum(len(refund["lines"]) for refund in refunds)
    same = ("currency", "subtotal", "discount", "total", "balance", "lines", "vouchers")
    return {
        **{name: order[name] for name in same},
        "orderId": order["order_id"],
        "status": "paid" if not gone else "refunded" if gone == len(order["lines"]) else "partly_refunded",
        "paidAt": order["paid_at"],
        "refunds": [
            {
                **{name: refund[name] for name in ("refundId", "by", "refunded", "reason")},
                "lapsed": refund["refunded"] - sum(amount for _, amount in refund["lots"]),
                "lines": _lines(refund["lines"]),
                "refundedAt": refund["at"],
            }
            for refund in refunds
        ],
    }


def _lines(lines: list[tuple[str, int]]) -> list[Row]:
    return [{"productId": product_id, "amount": amount} for product_id, amount in lines]


def shown_lots(lots: list[tuple[str, int]]) -> list[Row]:
    """Lots as they are told."""
    parts = [(name.partition("@"), amount) for name, amount in lots]
    return [{"kind": kind, "amount": amount, "expiresAt": until or None} for (kind, _, until), amount in parts]


def named_lots(lots: list[tuple[str, int]]) -> list[Row]:
    """Lots as a refund tells them, with their names."""
    return [{"lot": name, **shown} for (name, _), shown in zip(lots, shown_lots(lots), strict=True)]


def _entries(cust_id: str, evidence: Evidence) -> list[Row]:
    rows = [row for row in evidence.transfers.get(cust_id, []) if row["currency"]]
    same = ("currency", "seq", "kind", "amount", "balance", "at")
    return [
        {
            **{name: row[name] for name in same},
            "reference": _reference(row),
            "lots": shown_lots([part for part in lots_of(row) if part[1]]),
            **_named_order(row),
            **_debt(row),
        }
        for row in reversed(rows)
    ]


def _debt(row: Row) -> Row:
    """By how much what is owed grew, or was paid."""
    legs = dict(zip(map(str, row["accounts"]), row["amounts"], strict=True))
    return {"debt": -legs["debt"]} if "debt" in legs else {}


def _named_order(row: Row) -> Row:
    """The order that a payment or a refund names."""
    if row["kind"] == "payment":
        return {"orderId": str(row["cause"])}
    return {"orderId": row["detail"]["orderId"]} if row["kind"] == "refund" else {}


def _reference(row: Row) -> str:
    if row["kind"] == "payment":
        return str(row["cause"])
    return str(row["detail"][_REFERENCE[row["kind"]]]) if row["kind"] in _REFERENCE else ""


def _rights(cust_id: str, evidence: Evidence) -> list[Row]:
    at = {row["seq"]: row["at"] for row in evidence.transfers.get(cust_id, [])}
    names = {"Order": "orderId", "Grant": "grantId"}
    rights = []
    for right in sorted(evidence.entitlements, key=lambda right: str(right["product_id"])):
        if right["customer_id"] == cust_id:
            source = source_of(cust_id, right["granted_by"], evidence)
            told = {names[kind]: reference for kind, reference in source.items()}
            rights.append({"productId": right["product_id"], "grantedAt": at.get(right["granted_by"]), **told})
    return rights


def _refundable(
    request: Request, policy: RefundPolicy, evidence: Evidence, chronicle: Chronicle
) -> tuple[str, dict[str, Any]]:
    """What a refund of all that is left would be answered."""
    order_id, own = request.wanted["orderId"], request.wanted["by"] == "customer"
    standing = chronicle.last(request.cust_id)
    order, left = standing.orders[order_id], standing.left(order_id)
    nothing: dict[str, Any] = {"amount": 0, "lines": [], "lots": [], "vouchers": []}
    reasons: dict[str, str] = {}
    if not left:
        reasons = {line["productId"]: "already_refunded" for line in order["lines"]}
    elif own:
        reasons = {"order": "too_late"} if is_late(order, request.clock, policy) else {}
        reasons = reasons if policy.days else {"order": "not_offered"}
        reasons |= dict.fromkeys(opened_products(evidence.entitlements, order), "opened")
    if reasons:
        return "ok", {"orderId": order_id, "refundable": False, **nothing, "reasons": reasons}
    lines = [(line["productId"], line["payable"]) for line in left]
    refund = {"orderId": order_id, "by": request.wanted["by"], "seq": standing.seq + 1}
    refund["refunded"] = sum(amount for _, amount in lines)
    lots = lots_back(order, refunded_before(refund, evidence), refund, request.clock, policy)
    back = {
        "amount": refund["refunded"],
        "lines": _lines(lines),
        "lots": named_lots(list(lots.items())),
        "vouchers": vouchers_back(order, True, standing.is_fraud(order_id), policy),
    }
    return "ok", _plain({"orderId": order_id, "refundable": True, **back, "reasons": {}})


def _plain(value: Any, name: str = "") -> Any:
    """The same with moments as moments."""
    if isinstance(value, dict):
        return {key: _plain(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return moment(value) if isinstance(value, str) and (name == "at" or name.endswith("At")) else value
