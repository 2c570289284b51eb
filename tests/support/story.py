"""A true story for the auditor: what happened, what clients saw, and what the tables hold. Tests tell lies about it."""

import copy
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from proof.simulation.audit import audit
from proof.simulation.audit.evidence import evidence_of
from proof.simulation.history import Event, History, Request
from proof.simulation.plan import BASE, CURRENCIES, Book, Coupon, Plan, RefundPolicy, key_of

ANN, VOUCHER, ORDER, SESSION = "ann", "v-1", "o-1", "s-1"
BOB = "bob"
BELL, GEM = CURRENCIES
LINE = ("productId", "title", "publisher", "listPrice", "price", "discount")
AT = BASE.isoformat()
BEFORE = (BASE - timedelta(seconds=1)).isoformat()
UNTIL = (BASE + timedelta(hours=1)).isoformat()
YEARS = (BASE + timedelta(days=1096)).isoformat()
BOOKS = (Book("a", 100, 120, "North"), Book("b", 51, 51, None))
COUPON = Coupon(
    coupon_id="k",
    code="K",
    definition={
        "name": "Tenth",
        "effect": {"kind": "percent", "off": 10},
        "conditions": {"firstPurchase": True},
        "stacking": {"group": None, "order": 0, "exclusive": False},
    },
    total_limit=1,
    per_customer=1,
    valid_until=None,
    valid_days=None,
)
PLAN = Plan(
    seed=0,
    prefix="",
    workers=1,
    monotone=True,
    skews=(timedelta(),),
    customers=(ANN, BOB),
    sign_types=(("MD5", "MD5"),) * 2,
    books=BOOKS,
    coupons=(COUPON,),
    gifts=(),
    waves=(),
)


def cause_of(name: str, kind: str = "credit") -> str:
    """The cause of what ann's credit, refund, grant or revocation of this name did."""
    return str(UUID(bytes=bytes(1) + sha256(f"{key_of(ANN)} {kind} {name}".encode()).digest()[:15]))


class Story:
    """A credit of 500 bonus, a checkout of two books with a voucher, and its payment, asked for twice. All is well."""

    def __init__(self) -> None:
        self.history = History()
        self.monotone = True
        self.policy = RefundPolicy(days=1)
        self.books = BOOKS
        lines = [
            {"productId": "a", "title": "A", "publisher": "North", "listPrice": 120, "price": 100, "discount": 10},
            {"productId": "b", "title": "B", "publisher": None, "listPrice": 51, "price": 51, "discount": 5},
        ]
        for line in lines:
            line["payable"] = line["price"] - line["discount"]  # type: ignore[operator]
        sums = {"currency": "BELL", "subtotal": 151, "discount": 15, "total": 136}
        shown = {"voucherId": VOUCHER, "name": "Tenth", "usable": True, "saves": 15, "applied": True}
        self.offer: dict[str, Any] = {
            **sums,
            "orderId": ORDER,
            "lines": copy.deepcopy(lines),
            "vouchers": [{**shown, "expiresAt": YEARS}],
            "wallet": {"balance": 500, "sufficient": True, "shortfall": 0},
            "issuedAt": AT,
            "expiresAt": UNTIL,
        }
        rights = [{"productId": i, "grantedAt": AT} for i in "ab"]
        self.paid: dict[str, Any] = {
            "orderId": ORDER,
            "status": "paid",
            "currency": "BELL",
            "paid": 136,
            "balance": 364,
            "paidAt": AT,
            "entitlements": rights,
        }
        key = {"bucket": 0, "customer": key_of(ANN), "currency": BELL}
        credit = {"creditId": "d", "custId": ANN, "amount": 500, "kind": "bonus", "balance": 500, "currency": BELL}
        self.credited = {**credit, "reason": "r", "expiresAt": None, "creditedAt": AT}
        stored = [[line[name] for name in LINE] for line in lines]
        self.tables: dict[str, list[dict[str, Any]]] = {
            "customer": [{"customer": key_of(ANN), "customer_id": ANN}],
            "wallet": [
                {
                    **key,
                    "balance": 364,
                    "seq": 2,
                    "moved_at": AT,
                    "lots": ["bonus"],
                    "remaining": [364],
                    "next_expiry": None,
                    "debt": 0,
                }
            ],
            "transfer": [
                {
                    **key,
                    "seq": 1,
                    "position": 7,
                    "kind": "credit",
                    "cause": cause_of("d"),
                    "amount": 500,
                    "balance": 500,
                    "at": AT,
                    "accounts": ["clearing:bonus", "wallet:bonus"],
                    "amounts": [-500, 500],
                    "detail": {"creditId": "d", "kind": "bonus", "reason": "r", "expiresAt": None},
                },
                {
                    **key,
                    "seq": 2,
                    "position": 8,
                    "kind": "payment",
                    "cause": ORDER,
                    "amount": -136,
                    "balance": 364,
                    "at": AT,
                    "accounts": ["wallet:bonus", 0, 1, "discount"],
                    "amounts": [-136, 100, 51, -15],
                    "detail": [stored, [[VOUCHER, 15]]],
                },
            ],
            "orders": [
                {
                    **key,
                    **sums,
                    "order_id": ORDER,
                    "seq": 2,
                    "balance": 364,
                    "paid_at": AT,
                    "lines": copy.deepcopy(stored),
                    "vouchers": [[VOUCHER, 15]],
                }
            ],
            "credit": [
                {
                    **key,
                    "credit_id": "d",
                    "seq": 1,
                    "amount": 500,
                    "kind": "bonus",
                    "balance": 500,
                    "expires_at": None,
                    "reason": "r",
                    "credited_at": AT,
                }
            ],
            "entitlement": [{**key, "product_id": i, "granted_by": 2, "opened_at": None} for i in "ab"],
            "voucher": [
                {
                    **key,
                    "voucher_id": VOUCHER,
                    "coupon_id": "k",
                    "claimed_at": AT,
                    "expires_at": YEARS,
                    "used_by": ORDER,
                    "used_at": AT,
                    "saved": 15,
                }
            ],
            "coupon": [{"coupon_id": "k", "claimed": 1}],
            "gift_code": [],
        }
        self.deposit = {"creditId": "d", "amount": 500, "kind": "bonus", "expiresAt": None, "currency": BELL}
        self.ask("deposit", self.deposit, self.credited)
        quote = {"productIds": ["a", "b"], "code": "K", "vouchers": True, "sessionId": SESSION}
        self.ask("checkout", quote, self.offer)
        self.pay()
        self.pay(replayed=True)
        self.pay(final=True, replayed=True)
        self.history.stood = {(ANN, "d"), (ANN, ORDER)}

    def add_gems(self) -> None:
        """After it all a credit of 7 in another currency."""
        changes = {"currency": GEM, "seq": 3, "amount": 7, "balance": 7}
        named = {"creditId": "g", "kind": "bonus", "reason": "r"}
        [credit, _] = self.tables["transfer"]
        booked = {**credit, **changes, "position": 9, "amounts": [-7, 7], "detail": named, "cause": cause_of("g")}
        self.tables["transfer"].append(booked)
        self.tables["credit"].append({**self.tables["credit"][0], **changes, "credit_id": "g"})
        self.tables["wallet"].append({**self.tables["wallet"][0], **changes, "remaining": [7]})
        told = {"creditId": "g", "amount": 7, "currency": GEM}
        self.ask("deposit", {**self.deposit, **told}, {**self.credited, **told, "balance": 7})

    def ask(self, kind: str, wanted: dict[str, Any], body: dict[str, Any], outcome: str = "ok") -> Request:
        """A request and its answer."""
        request = Request(kind, ANN, None, 0, self.history.tick(), BASE, wanted)
        request.answered, request.latest = self.history.tick(), BASE
        request.outcome, request.body = outcome, copy.deepcopy(body)
        self.history.requests.append(request)
        return request

    def pay(self, outcome: str = "ok", body: Any = None, final: bool = False, replayed: bool = False) -> Request:
        """A payment request, as good as the clients make them."""
        wanted = {"orderId": ORDER, "flaws": [], "offset": 0, "sessionId": SESSION}
        request = self.ask("payment", wanted, self.paid if body is None else body, outcome)
        request.final, request.replayed = final, replayed
        return request

    def happens(self, what: str, whom: str, first: bool = False) -> None:
        """Something the world does: before everything, or after it."""
        begun = 0 if first else self.history.tick()
        self.history.events.append(Event(what, whom, begun, begun))

    def row(self, table: str, **changes: Any) -> None:
        self.tables[table][-1].update(changes)

    def request(self, number: int) -> Request:
        """0: the credit, 1: the checkout, 2 to 4: the payment, its replay, and the last one, when all was quiet."""
        return self.history.requests[number]

    def broken(self) -> set[str]:
        plan = replace(PLAN, monotone=self.monotone, policy=self.policy, books=self.books)
        return {violation.promise for violation in audit(plan, self.history, evidence_of(plan, self.tables))}
