"""Orders and rights: as offered, adding up, in time, and each right with its payment."""

from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.history import History, Request


def audit_orders(history: History, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Every order is an offer that its customer was made, paid while it was good; rights are what the journal left."""
    offers = {r.body["orderId"]: r for r in history.requests if r.kind == "checkout" and r.outcome == "ok"}
    for order_id, order in evidence.orders.items():
        offer = offers.get(order_id)
        if findings.expect(offer is not None, "an order was offered", order) and offer is not None:
            _as_offered(order, offer, findings)
        _adds_up(order, findings)
    _entitlements(evidence, chronicle, findings)


def _as_offered(order: Row, offer: Request, findings: Findings) -> None:
    told, cust_id = offer.body, order["customer_id"]
    findings.expect(cust_id == offer.cust_id, "an order is its customer's", order, offer.cust_id)
    for name in ("currency", "subtotal", "discount", "total"):
        findings.expect(order[name] == told[name], "an order is as offered", name, order, told)
    names = ("productId", "title", "listPrice", "price", "discount", "payable")
    stored = [[line[name] for name in names] for line in order["lines"]]
    findings.expect(stored == [[line[name] for name in names] for line in told["lines"]], "lines as offered", order)
    applied = {coupon["voucherId"]: coupon["saves"] for coupon in told["vouchers"] if coupon["applied"]}
    used = {coupon["voucherId"]: coupon["saves"] for coupon in order["vouchers"]}
    findings.expect(used == applied, "vouchers as offered", order, applied)
    in_time = order["clock"] is None or order["clock"] < moment(told["expiresAt"])
    findings.expect(in_time, "an offer is paid before it expires", order, told["expiresAt"])


def _adds_up(order: Row, findings: Findings) -> None:
    lines = order["lines"]
    findings.expect(order["total"] == order["subtotal"] - order["discount"], "an order adds up", order)
    for column, name in (("subtotal", "price"), ("discount", "discount"), ("total", "payable")):
        findings.expect(order[column] == sum(line[name] for line in lines), "an order is its lines", column, order)
    for line in lines:
        findings.expect(0 <= line["discount"] <= line["price"], "no line is discounted below nothing", order)
    saved = sum(coupon["saves"] for coupon in order["vouchers"])
    findings.expect(saved == order["discount"], "discount is its vouchers", order)


def _entitlements(evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """A right goes with its refund at once, and is there again when it is bought again."""
    granted = {
        (cust_id, product_id, seq)
        for cust_id in evidence.transfers
        for product_id, seq in chronicle.last(cust_id).rights.items()
    }
    rights = {(e["customer_id"], e["product_id"], e["granted_by"]) for e in evidence.entitlements}
    findings.expect(granted == rights, "entitlement <=> payment", granted ^ rights)
