"""The auditor finds what is wrong with refunds, and with rights without a payment: a true story, and lies about it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from proof.simulation.history import Request
from proof.simulation.plan import BASE, RefundPolicy
from support.story import AT, BEFORE, ORDER, SESSION, VOUCHER, Story, cause_of

LATE = (BASE + timedelta(days=30, seconds=1)).isoformat()


class Returned(Story):
    """The order comes back in two parts, its voucher with the second one; then a right is given, used and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = RefundPolicy(days=1)
        self._refund("r-1", ["a"], [("a", 90)], ["revenue:North", "discount"], [-100, 10], 454, [])
        self._refund("r-2", None, [("b", 46)], ["revenue:", "discount"], [-51, 5], 500, [VOUCHER])
        self._right("grant", 5, {"grantId": "g-1"}, {"granted": True})
        self._ask_open("ok", {"Grant": "g-1"})
        self._right("revocation", 6, {"revocationId": "v-1"}, {"revokedAt": AT})
        self._ask_open("not_entitled", {})
        self.row("wallet", balance=500, seq=4, remaining=[500])
        nothing = {"currency": "", "balance": 0, "seq": 6, "lots": [], "remaining": []}
        self.tables["wallet"].append({**self.tables["wallet"][0], **nothing})
        self.tables["entitlement"].clear()
        self.row("voucher", used_by=None, used_at=None, saved=None)
        self._look()

    def _add(self, **row: Any) -> None:
        self.tables["transfer"].append({**self.tables["transfer"][1], "position": 6 + row["seq"], **row})

    def _refund(
        self,
        refund_id: str,
        asked: list[str] | None,
        lines: list[tuple[str, int]],
        accounts: list[str],
        amounts: list[int],
        balance: int,
        vouchers: list[str],
    ) -> None:
        [(product_id, amount)] = lines
        detail = {"refundId": refund_id, "orderId": ORDER, "by": "operator", "lines": [[product_id, amount]]}
        detail |= {"reason": "defective", "vouchers": vouchers, "asked": asked, "keepDiscount": asked is not None}
        self._add(
            seq=len(self.tables["transfer"]) + 1,
            kind="refund",
            cause=cause_of(refund_id, "refund"),
            amount=amount,
            balance=balance,
            accounts=["wallet:bonus", *accounts],
            amounts=[amount, *amounts],
            detail=detail,
        )
        told = {"refundId": refund_id, "orderId": ORDER, "currency": "BELL", "refunded": amount, "vouchers": vouchers}
        told |= {"lines": [{"productId": product_id, "amount": amount}], "balance": balance, "refundedAt": AT}
        told |= {"lots": [{"lot": "bonus", "kind": "bonus", "amount": amount, "expiresAt": None}]}
        self.ask_refund(refund_id, asked, body=told)
        self.ask_refund(refund_id, asked, body=told).replayed = True

    def ask_refund(
        self,
        refund_id: str,
        asked: list[str] | None,
        outcome: str = "ok",
        body: Any = None,
        own: bool = False,
        **changes: Any,
    ) -> Request:
        by = "customer" if own else "operator"
        wanted = {"id": (by, refund_id), "orderId": ORDER, "by": by, "productIds": asked, "reason": "defective"}
        wanted |= {"note": None, "keepDiscount": asked is not None and not own}
        wanted |= {"sessionId": SESSION} if own else {}
        return self.ask("refund", wanted | changes, body or {}, outcome)

    def _right(self, kind: str, seq: int, name: dict[str, str], told: dict[str, Any]) -> None:
        [reference] = name.values()
        nothing: dict[str, Any] = {"currency": "", "amount": 0, "balance": 0, "accounts": [], "amounts": []}
        detail = {"productId": "a", "reason": "a gift", **name}
        self._add(seq=seq, kind=kind, cause=cause_of(reference, kind), detail=detail, **nothing)
        self.ask(kind, {"id": (reference,), "productId": "a", "reason": "a gift"}, told)

    def _ask_open(self, outcome: str, body: dict[str, Any]) -> None:
        self.ask("open", {"productId": "a", "sessionId": SESSION}, body, outcome)

    def _look(self) -> None:
        """Everything is shown."""
        [order] = self.tables["orders"]
        names = ("productId", "title", "publisher", "listPrice", "price", "discount")
        lines = [dict(zip(names, line, strict=True)) for line in order["lines"]]
        refunds = [
            {"refundId": r, "refunded": n, "lines": [{"productId": p, "amount": n}], "reason": "defective"}
            for r, p, n in (("r-1", "a", 90), ("r-2", "b", 46))
        ]
        shown = {
            "orderId": ORDER,
            "status": "refunded",
            **{name: order[name] for name in ("currency", "subtotal", "discount", "total", "balance")},
            "paidAt": AT,
            "lines": [{**line, "payable": line["price"] - line["discount"]} for line in lines],
            "vouchers": [{"voucherId": VOUCHER, "saves": 15}],
            "refunds": [{**refund, "by": "operator", "lapsed": 0, "refundedAt": AT} for refund in refunds],
        }
        self.ask("orders", {}, {"items": [shown]})
        references = {1: "d", 2: ORDER, 3: "r-1", 4: "r-2"}
        entries = [
            {
                **{name: row[name] for name in ("currency", "seq", "kind", "amount", "balance", "at")},
                "reference": references[row["seq"]],
                "lots": [{"kind": "bonus", "amount": row["amount"], "expiresAt": None}],
                **({} if row["kind"] == "credit" else {"orderId": ORDER}),
            }
            for row in reversed(self.tables["transfer"][:4])
        ]
        self.ask("entries", {}, {"items": entries})
        self.ask("rights", {}, {"items": []})
        reasons = {"a": "already_refunded", "b": "already_refunded"}
        nothing = {"refundable": False, "amount": 0, "lines": [], "lots": [], "vouchers": [], "reasons": reasons}
        self.ask("refundable", {"orderId": ORDER, "by": "operator"}, {"orderId": ORDER, **nothing})

    def shown(self, kind: str) -> Any:
        return next(r.body for r in self.history.requests if r.kind == kind)

    def journal(self, seq: int) -> dict[str, Any]:
        return self.tables["transfer"][seq - 1]

    def asked(self, kind: str) -> list[Request]:
        return [r for r in self.history.requests if r.kind == kind]


def _detail(seq: int, **changes: Any) -> Callable[[Returned], Any]:
    return lambda s: s.journal(seq)["detail"].update(changes)


def _refused(outcome: str, asked: list[str] | None = None, own: bool = False, **body: Any) -> Callable[[Returned], Any]:
    return lambda s: s.ask_refund("r-9", asked, outcome, body, own)


def _right_left(s: Returned) -> None:
    key = {"bucket": 0, "customer": s.journal(1)["customer"], "currency": "BELL"}
    s.tables["entitlement"].append({**key, "product_id": "a", "granted_by": 2, "opened_at": None})


def _again(s: Returned) -> None:
    """The second part takes the first line once more."""
    s.journal(4)["detail"].update(lines=[["a", 90]])


def _another_lot(s: Returned) -> None:
    s.journal(3).update(accounts=["wallet:paid", "revenue:North", "discount"])


def _its_own(s: Returned, when: str = AT) -> None:
    """The first refund is a customer's, at some moment."""
    s.journal(3)["detail"].update(by="customer", keepDiscount=False)
    s.journal(3).update(cause=cause_of("own r-1", "refund"), at=when)
    for request in s.asked("refund")[:2]:
        changes = {"id": ("customer", "r-1"), "by": "customer", "keepDiscount": False, "sessionId": SESSION}
        request.wanted = request.wanted | changes


def _opened_before(s: Returned) -> None:
    _its_own(s)
    s.ask("open", {"productId": "a", "sessionId": SESSION}, {"Order": ORDER})


def _voucher_back_too_early(s: Returned) -> None:
    s.journal(3)["detail"].update(vouchers=[VOUCHER])


def _fraud_first(s: Returned) -> None:
    s.journal(3)["detail"].update(reason="fraud")
    for request in s.asked("refund")[:2]:
        request.wanted = request.wanted | {"reason": "fraud"}


def _without_discount(s: Returned) -> None:
    s.journal(3)["detail"].update(keepDiscount=False)
    for request in s.asked("refund")[:2]:
        request.wanted = request.wanted | {"keepDiscount": False}


def _used_and_not_noted(s: Returned) -> None:
    s.tables["transfer"].pop()
    _right_left(s)
    s.row("entitlement", granted_by=5)


def _noted_and_not_used(s: Returned) -> None:
    _right_left(s)
    s.row("entitlement", product_id="z", opened_at=AT)


LIES: dict[str, tuple[Callable[[Returned], Any], str]] = {
    "the right stays": (_right_left, "entitlement <=> payment"),
    "a line refunded again": (_again, "a refunded line is not refunded again"),
    "more than was paid": (
        lambda s: s.journal(4)["detail"].update(lines=[["b", 47]]),
        "refunds never exceed what was paid",
    ),
    "another amount": (_detail(3, lines=[["a", 89]]), "a refund gives back what its lines cost"),
    "a line that nobody named": (_detail(3, lines=[["b", 46]]), "a refund gives back what its lines cost"),
    "another order": (_detail(3, orderId="o-9"), "a refund is of an order that was paid"),
    "nobody asked": (_detail(3, reason="fraud"), "a refund is what was asked for"),
    "another lot": (_another_lot, "bells go back to the lots they came from"),
    "revenue of another": (
        lambda s: s.journal(3).update(accounts=["wallet:bonus", "revenue:South", "discount"]),
        "a refund undoes its lines' revenue",
    ),
    "a voucher with a part": (_voucher_back_too_early, "vouchers come back with the whole order"),
    "a voucher twice": (_voucher_back_too_early, "vouchers come back once"),
    "no voucher with the whole": (_detail(4, vouchers=[]), "vouchers come back with the whole order"),
    "a voucher still used": (
        lambda s: s.row("voucher", used_by=ORDER, used_at=AT, saved=15),
        "a voucher is used <=> an order paid with it",
    ),
    "a part of an order with vouchers": (_without_discount, "an order with vouchers is refunded whole"),
    "another cause": (lambda s: s.journal(3).update(cause=cause_of("r-3", "refund")), "a cause is what it names"),
    "one id for both": (lambda s: s.journal(4)["detail"].update(refundId="r-1"), "each cause has one row"),
    "earlier than its order": (lambda s: s.journal(3).update(at=BEFORE), "a journal's time never runs backwards"),
    "before its order": (lambda s: s.journal(3).update(position=1), "readers see a journal in its order"),
    "a gap": (lambda s: s.journal(3).update(seq=9), "transfers are counted without a gap"),
    "done twice": (lambda s: setattr(s.asked("refund")[1], "replayed", False), "done once, replayed ever after"),
    "another answer later": (lambda s: s.asked("refund")[1].body.update(balance=1), "no answer is taken back"),
    "an answer that is not the record": (
        lambda s: s.asked("refund")[0].body.update(lots=[]),
        "the answer is the record",
    ),
    "a customer's own after it was opened": (_opened_before, "what was opened is not given back"),
    "a customer's own too late": (lambda s: _its_own(s, LATE), "customers have refunds in time"),
    "refused as refunded, but not": (
        lambda s: _refused("already_refunded", ["a"], productIds=["b"])(s),
        "a refusal is true",
    ),
    "refused as opened, but refunded": (_refused("refund_not_allowed", reasons={"a": "opened"}), "a refusal is true"),
    "a voucher back after fraud": (_fraud_first, "vouchers come back with the whole order"),
    "refused as another's": (_refused("not_found"), "a refusal is true"),
    "refused as sent before": (_refused("idempotency_mismatch"), "a refusal is true"),
    "an answer nobody knows": (_refused("wallet_full"), "a known answer"),
    "a right not granted": (lambda s: s.tables["transfer"].pop(4), "what was acknowledged is in the database"),
    "a grant of another": (_detail(5, productId="b"), "a grant is what was asked for"),
    "a grant moves bells": (lambda s: s.journal(5).update(currency="BELL"), "a right alone moves no bells"),
    "a revocation of what was bought": (_detail(6, productId="b"), "a revocation ends what a grant gave"),
    "not granted, but not owned": (
        lambda s: s.ask("grant", {"id": ("g-9",), "productId": "a", "reason": "r"}, {}, "not_granted"),
        "a refusal is true",
    ),
    "no such grant, but there was": (
        lambda s: setattr(s.asked("revocation")[0], "outcome", "not_found"),
        "a refusal is true",
    ),
    "used after it ended": (
        lambda s: s.ask("open", {"productId": "a", "sessionId": SESSION}, {"Grant": "g-1"}),
        "a right is used while it is there",
    ),
    "not entitled, but granted": (
        lambda s: setattr(s.asked("open")[0], "outcome", "not_entitled"),
        "a right is used while it is there",
    ),
    "used and not noted": (_used_and_not_noted, "that a right is used is noted"),
    "noted and not used": (_noted_and_not_used, "what is noted as used was used"),
    "an order shown without its refund": (
        lambda s: s.shown("orders")["items"][0]["refunds"].pop(),
        "what is shown is what was written",
    ),
    "an order shown as paid": (
        lambda s: s.shown("orders")["items"][0].update(status="paid"),
        "what is shown is what was written",
    ),
    "an entry left out": (lambda s: s.shown("entries")["items"].pop(1), "what is shown is what was written"),
    "entries in another order": (lambda s: s.shown("entries")["items"].reverse(), "what is shown is what was written"),
    "a right shown that ended": (
        lambda s: s.shown("rights")["items"].append({"productId": "a", "grantedAt": AT, "orderId": ORDER}),
        "what is shown is what was written",
    ),
    "what would come back, and did": (
        lambda s: s.shown("refundable").update(refundable=True, amount=46),
        "what would come back is shown before",
    ),
    "never shown": (
        lambda s: setattr(s.asked("refundable")[0], "outcome", "overloaded"),
        "without faults every request is answered",
    ),
}


def test_a_true_story() -> None:
    assert Returned().broken() == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    story = Returned()
    tell, promise = LIES[lie]
    tell(story)
    assert promise in story.broken()


def test_true_refusals_are_no_lies() -> None:
    story = Returned()
    story.ask_refund("r-9", ["a"], "already_refunded", {"productIds": ["a"]})
    story.ask_refund("r-9", None, "already_refunded", {"productIds": ["b", "a"]}, own=True)
    story.ask_refund("r-1", None, "idempotency_mismatch")
    story.ask_refund("r-9", ["z"], "not_found")
    story.ask_refund("r-9", None, "not_found", orderId="o-9")
    story.ask("revocation", {"id": ("v-9",), "productId": "a", "reason": "r"}, {}, "not_found")
    assert story.broken() == set()


def test_where_customers_have_no_refunds_of_their_own() -> None:
    story = Returned()
    story.policy = RefundPolicy(days=0)
    refused = story.ask_refund("r-9", ["a"], "refund_not_allowed", {"reasons": {"order": "not_offered"}}, own=True)
    refused.sent, refused.answered = 5, 6  # while the order was there
    assert story.broken() == set()
    story.policy = RefundPolicy(days=1)
    assert story.broken() == {"a refusal is true"}


def test_the_clock_may_have_gone_back() -> None:
    """Where the moment of a decision is not known, nobody is blamed for a lot that had lapsed at it."""
    story = Returned()
    story.monotone = False
    assert story.broken() == set()
    _another_lot(story)
    assert "bells go back to the lots they came from" not in story.broken()
