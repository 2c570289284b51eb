"""Vouchers: each used once, by a paid order, in time; never more of them than their coupon allows."""

from datetime import timedelta

from simulation.audit.evidence import Evidence, Row, moment
from simulation.audit.findings import Findings
from simulation.plan import Coupon, Plan

_LONGEST_DAYS = 1096


def audit_vouchers(plan: Plan, evidence: Evidence, findings: Findings) -> None:
    """Use, limits and validity."""
    _uses(evidence, findings)
    coupons = {coupon.coupon_id: coupon for coupon in plan.coupons}
    for coupon_id, coupon in coupons.items():
        _limits(coupon, evidence, findings)
        for voucher in evidence.vouchers.values():
            if voucher["coupon_id"] == coupon_id:
                _validity(coupon, voucher, findings)
    _first_purchases(coupons, evidence, findings)


def _uses(evidence: Evidence, findings: Findings) -> None:
    spent = [
        (order["customer_id"], coupon["voucherId"], order_id, coupon["saves"])
        for order_id, order in evidence.orders.items()
        for coupon in order["vouchers"]
    ]
    marked = [
        (v["customer_id"], voucher_id, v["used_by"], v["saved"])
        for voucher_id, v in evidence.vouchers.items()
        if v["used_by"] is not None
    ]
    findings.expect(set(spent) == set(marked), "a voucher is used <=> an order paid with it", set(spent) ^ set(marked))
    ids = [use[1] for use in spent]
    findings.expect(len(ids) == len(set(ids)), "vouchers are used once", spent)
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


def _first_purchases(coupons: dict[str, Coupon], evidence: Evidence, findings: Findings) -> None:
    """A free order is no purchase: the first one is the first above 0 bells."""
    first: dict[str, int] = {}
    for order in evidence.orders.values():
        cust_id = order["customer_id"]
        if order["total"] > 0:
            first[cust_id] = min(first.get(cust_id, order["seq"]), order["seq"])
    for order in evidence.orders.values():
        for used in order["vouchers"]:
            voucher = evidence.vouchers.get(used["voucherId"])
            coupon = voucher and coupons.get(voucher["coupon_id"])
            if coupon and coupon.definition.get("conditions", {}).get("firstPurchase"):
                in_time = order["seq"] <= first.get(order["customer_id"], order["seq"])
                findings.expect(in_time, "a first-purchase voucher pays the first order above 0", order)
