"""What checkouts offered, computed once more: prices, vouchers one after the other, shares by largest remainder."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.findings import Findings
from proof.simulation.history import History, Request
from proof.simulation.plan import CURRENCIES, Book, Coupon, Plan

Row = dict[str, Any]

_UNMET = ("min_spend", "products_not_eligible", "other_currency")


def audit_pricing(plan: Plan, history: History, chronicle: Chronicle, findings: Findings) -> None:
    """Every offer is what the plan's prices and coupons come to, and no allowed combination saves more; what is missing
    is told with what is owed.
    """
    books = {book.product_id: book for book in plan.books}
    by_name = {coupon.definition["name"]: coupon for coupon in plan.coupons}
    for request in history.requests:
        if request.kind == "checkout" and request.outcome == "ok":
            _offer(request, books, by_name, findings)
            _missing(request, chronicle, findings)


def _missing(request: Request, chronicle: Chronicle, findings: Findings) -> None:
    """A debt is paid before the order, out of what comes in; a wallet in debt is empty."""
    told, wallet = request.body, request.body["wallet"]
    owed = {standing.debts.get(told["currency"], 0) for standing in chronicle.met(request)}
    possible = {debt for debt in owed if not debt or not wallet["balance"]}
    short = {max(0, told["total"] - wallet["balance"] + debt) if told["total"] else 0 for debt in possible}
    right = wallet["shortfall"] in short and wallet["sufficient"] == (wallet["shortfall"] == 0)
    findings.expect(right, "shortfall is right", told, owed)


def _offer(request: Request, books: dict[str, Book], coupons: dict[str, Coupon], findings: Findings) -> None:
    told = request.body
    bought = [books[product_id] for product_id in request.wanted["productIds"]]
    shown = [(line["productId"], line["price"], line["listPrice"]) for line in told["lines"]]
    findings.expect(shown == [(b.product_id, b.price, b.list_price) for b in bought], "prices are the shop's", told)
    findings.expect({told["currency"]} == {b.currency for b in bought}, "prices are the shop's", told)
    findings.expect(told["subtotal"] == sum(b.price for b in bought), "subtotal is the prices", told)
    for row in told["vouchers"]:
        met = bool(eligible(bought, coupons[row["name"]]))
        right = met if row["usable"] else row["reason"]["code"] not in _UNMET or not met
        findings.expect(right, "conditions are asked rightly", row, told)
    ids = [row["voucherId"] for row in told["vouchers"]]
    findings.expect(len(ids) == len(set(ids)), "each voucher is shown once", told)
    usable = [(row, coupons[row["name"]]) for row in told["vouchers"] if row["usable"]]
    applied = [pair for pair in usable if pair[0]["applied"]]
    saves, discounts = price(bought, applied)
    findings.expect(saves == [row["saves"] for row, _ in ranked(applied)], "a voucher saves what it says", told, saves)
    lines = [discounts[line["productId"]] == line["discount"] for line in told["lines"]]
    findings.expect(all(lines), "a discount is spread by largest remainder", told, discounts)
    findings.expect(told["discount"] == sum(saves), "discount is the vouchers'", told, saves)
    findings.expect(allowed([coupon for _, coupon in applied]), "vouchers go together", told)
    most = best(bought, usable) if request.wanted["vouchers"] else 0
    findings.expect(told["discount"] == most, "the best combination is offered", told, most)


Held = tuple[Row, Coupon]
"""A voucher as the checkout shows it, and its coupon."""


def ranked(vouchers: Sequence[Held]) -> list[Held]:
    """The vouchers in the order of their application."""
    return sorted(
        vouchers,
        key=lambda v: (v[1].definition["stacking"]["order"], v[1].coupon_id, v[0]["expiresAt"], v[0]["voucherId"]),
    )


def price(bought: Sequence[Book], vouchers: Sequence[Held]) -> tuple[list[int], dict[str, int]]:
    """What each voucher saves, in order of application, and what each product loses."""
    left = {book.product_id: book.price for book in sorted(bought, key=lambda b: b.product_id)}
    before = dict(left)
    saves = []
    for _, coupon in ranked(vouchers):
        lines = eligible(bought, coupon)
        amount = saving(bought, coupon, sum(left[i] for i in lines))
        for product_id, part in zip(lines, shares(amount, [left[i] for i in lines]), strict=True):
            left[product_id] -= part
        saves.append(amount)
    return saves, {product_id: before[product_id] - left[product_id] for product_id in left}


def eligible(bought: Sequence[Book], coupon: Coupon) -> list[str]:
    """The products that a coupon is for, in the order of their ids; none where its conditions are not met."""
    conditions = coupon.definition.get("conditions", {})
    publishers = conditions.get("publishers")
    if {book.currency for book in bought} != {coupon.definition.get("currency", CURRENCIES[0])}:
        return []
    books = sorted((b for b in bought if not publishers or b.publisher in publishers), key=lambda b: b.product_id)
    least = max(conditions.get("minSpend", 0), coupon.definition["effect"].get("spend", 0))
    return [] if sum(b.price for b in books) < least else [b.product_id for b in books]


def saving(bought: Sequence[Book], coupon: Coupon, left: int) -> int:
    """What a coupon takes off its lines when so much of them is left to pay; fractions of a bell are the shop's."""
    effect = coupon.definition["effect"]
    cap = int(effect.get("cap", 1 << 60))
    if effect["kind"] == "percent":
        return min(cap, int(Fraction(left * effect["off"], 100)))
    if effect["kind"] == "fixed":
        return min(int(effect["amount"]), left)
    lines = eligible(bought, coupon)
    spent = sum(book.price for book in bought if book.product_id in lines)
    times = spent // effect["spend"] if effect.get("every") else int(spent >= effect["spend"])
    return min(left, cap, int(effect["save"]) * times)


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Hamilton's method: whole shares first, then one more each for the largest remainders, the first ones first."""
    if amount == 0:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    whole = [int(share) for share in exact]
    turn = sorted(range(len(weights)), key=lambda i: (whole[i] - exact[i], i))
    return [part + (i in turn[: amount - sum(whole)]) for i, part in enumerate(whole)]


def allowed(coupons: Sequence[Coupon]) -> bool:
    """Whether these may be used on one order: an exclusive one alone, and of each group one."""
    stackings = [coupon.definition["stacking"] for coupon in coupons]
    groups = [stacking["group"] for stacking in stackings if stacking["group"] is not None]
    alone = len(coupons) <= 1 or not any(stacking["exclusive"] for stacking in stackings)
    return alone and len(groups) == len(set(groups))


def best(bought: Sequence[Book], usable: Sequence[Held]) -> int:
    """The most that any allowed combination saves, by trying them all."""
    tried = [
        sum(price(bought, some)[0])
        for size in range(len(usable) + 1)
        for some in combinations(usable, size)
        if allowed([coupon for _, coupon in some])
    ]
    return max(tried)
