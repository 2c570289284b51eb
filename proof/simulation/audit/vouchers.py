"""Vouchers: each used once unless it came back, by a paid order, in time; never more than their coupon allows."""

from datetime import timedelta

from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.plan import Coupon, Plan

_LONGEST_DAYS = 1096


def audit_vouchers(plan: Plan, evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """Use, limits and validity."""
    _uses(evidence, chronicle, findings)
    coupons = {coupon.coupon_id: coupon for coupon in plan.coupons}
    for coupon_id, coupon in coupons.items():
        _limits(coupon, evidence, findings)
        for voucher in evidence.vouchers.values():
            if voucher["coupon_id"] == coupon_id:
                _validity(coupon, voucher, findings)
    _first_purchases(coupons, evidence, chronicle, findings)


def _uses(evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    saved = {
        (used["voucherId"], order_id): used["saves"]
        for order_id, order in evidence.orders.items()
        for used in order["vouchers"]
    }
    spent = {
        (cust_id, voucher_id, order_id, saved[voucher_id, order_id])
        for cust_id in evidence.transfers
        for voucher_id, order_id in chronicle.last(cust_id).used.items()
    }
    marked = {
        (v["customer_id"], voucher_id, v["used_by"], v["saved"])
        for voucher_id, v in evidence.vouchers.items()
        if v["used_by"] is not None
    }
    findings.expect(spent == marked, "a voucher is used <=> an order paid with it", spent ^ marked)
    for paid in evidence.orders.values():
        for used in paid["vouchers"]:
            held = evidence.vouchers.get(used["voucherId"])
            in_time = held is None or paid["clock"] is None or paid["clock"] < moment(held["expires_at"])
            findings.expect(in_time, "a voucher is used before it expires", held, paid)
    for voucher in evidence.vouchers.values():
        order = evidence.orders.get(voucher["used_by"])
        if order is not None:
            _used_when_paid(voucher, order, findings)


def _used_when_paid(voucher: Row, order: Row, findings: Findings) -> None:
    """By the clock, which may show less than the journal's time."""
    used = moment(voucher["used_at"])
    right = used <= moment(order["paid_at"]) if order["clock"] is None else used == order["clock"]
    findings.expect(right, "a voucher is used when its order is paid", voucher, order)


def _limits(coupon: Coupon, evidence: Evidence, findings: Findings) -> None:
    held = [v["customer_id"] for v in evidence.vouchers.values() if v["coupon_id"] == coupon.coupon_id]
    claimed = evidence.coupons[coupon.coupon_id]["claimed"]
    findings.expect(claimed == len(held), "claims are counted", coupon, claimed, held)
    limit = coupon.total_limit
    findings.expect(limit is None or len(held) <= limit, "limits are kept", coupon, held)
    most = max(map(held.count, held), default=0)
    findings.expect(most <= coupon.per_customer, "limits of each customer are kept", coupon, held)


def _validity(coupon: Coupon, voucher: Row, findings: Findings) -> None:
    claimed, expires = moment(voucher["claimed_at"]), moment(voucher["expires_at"])
    longest = claimed + timedelta(days=coupon.valid_days or _LONGEST_DAYS)
    wanted = min(longest, coupon.valid_until or longest)
    findings.expect(expires == wanted, "a voucher is good as long as its coupon says", coupon, voucher)
    findings.expect(coupon.valid_until is None or claimed < coupon.valid_until, "claimed in time", coupon, voucher)
    used = voucher["used_at"] and moment(voucher["used_at"])
    findings.expect(used is None or used < expires, "a voucher is used before it expires", coupon, voucher)


def _first_purchases(coupons: dict[str, Coupon], evidence: Evidence, chronicle: Chronicle, findings: Findings) -> None:
    """A free order is no purchase, nor is one that was wholly refunded."""
    for order in evidence.orders.values():
        before = chronicle.before(order["customer_id"], order["seq"])
        for used in order["vouchers"]:
            voucher = evidence.vouchers.get(used["voucherId"])
            coupon = voucher and coupons.get(voucher["coupon_id"])
            if coupon and coupon.definition.get("conditions", {}).get("firstPurchase"):
                first = not before.has_bought()
                findings.expect(first, "a first-purchase voucher pays the first order above 0", order)
