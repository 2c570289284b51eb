"""The auditor finds what is wrong with an adjustment or a reversal: a true story, and lies about it."""

from collections.abc import Callable
from typing import Any

import pytest

from proof.simulation.history import Request
from proof.simulation.plan import MOST_BELLS
from support.story import ANN, AT, BELL, GEM, Story, cause_of

LOT = {"kind": "bonus", "expiresAt": None}


class Corrected(Story):
    """After the payment 64 bells are taken, and 5 given; then 7 are credited, and taken back."""

    def __init__(self) -> None:
        super().__init__()
        self._adjust("a-1", 3, -64, 300)
        self._adjust("a-2", 4, 5, 305)
        self._credit("e", 5, 7, 312)
        self._reverse("e", 6, 7, 305)
        self.row("wallet", balance=305, seq=6, remaining=[305])

    def _add(self, kind: str, name: str, detail: dict[str, Any], **row: Any) -> None:
        named = {"kind": kind, "cause": cause_of(name, kind), "detail": detail, "position": 6 + row["seq"]}
        self.tables["transfer"].append({**self.tables["transfer"][1], **named, **row})

    def _adjust(self, adjustment_id: str, seq: int, amount: int, balance: int) -> None:
        legs = {"accounts": ["wallet:bonus", "adjustment"], "amounts": [amount, -amount]}
        detail = {"adjustmentId": adjustment_id, "reason": "r"}
        self._add("adjustment", adjustment_id, detail, seq=seq, amount=amount, balance=balance, **legs)
        told = {"adjustmentId": adjustment_id, "custId": ANN, "currency": BELL, "amount": amount, "balance": balance}
        told |= {"lots": [{**LOT, "amount": amount}], "reason": "r", "adjustedAt": AT}
        self.ask_adjustment(adjustment_id, amount, told)
        self.ask_adjustment(adjustment_id, amount, told).replayed = True

    def _credit(self, credit_id: str, seq: int, amount: int, balance: int) -> None:
        legs = {"accounts": ["clearing:paid", "wallet:paid"], "amounts": [-amount, amount]}
        named = {"seq": seq, "amount": amount, "balance": balance}
        self._add("credit", credit_id, {"creditId": credit_id, "kind": "paid", "reason": "r"}, **named, **legs)
        self.tables["credit"].append({**self.tables["credit"][0], "credit_id": credit_id, "kind": "paid", **named})
        told = {"creditId": credit_id, "kind": "paid", "amount": amount, "balance": balance}
        self.ask("deposit", {**self.deposit, **told}, {**self.credited, **told})

    def _reverse(self, credit_id: str, seq: int, amount: int, balance: int) -> None:
        legs = {"accounts": ["wallet:paid", "clearing:paid"], "amounts": [-amount, amount]}
        detail = {"creditId": credit_id, "reason": "r"}
        self._add("reversal", credit_id, detail, seq=seq, amount=-amount, balance=balance, **legs)
        self.ask_reversal(credit_id, {"credit_id": credit_id, "seq": seq, "balance": balance, "at": AT})

    def ask_adjustment(self, adjustment_id: str, amount: int, body: Any = None, outcome: str = "ok") -> Request:
        wanted = {"id": (adjustment_id,), "amount": amount, "currency": BELL, "reason": "r", "note": None}
        return self.ask("adjustment", wanted, body or {}, outcome)

    def ask_reversal(self, credit_id: str, body: Any, outcome: str = "ok") -> Request:
        return self.ask("reversal", {"id": (credit_id,), "currency": BELL}, body, outcome)

    def booked(self, seq: int) -> dict[str, Any]:
        return self.tables["transfer"][seq - 1]

    def asked(self, kind: str) -> list[Request]:
        return [r for r in self.history.requests if r.kind == kind]


def _too_few(required: int, balance: int) -> dict[str, int]:
    return {"required": required, "balance": balance, "shortfall": required - balance}


def _reversed_first(s: Corrected) -> None:
    """The reversal stands where its credit stood."""
    s.booked(5)["seq"], s.booked(6)["seq"] = 6, 5


LIES: dict[str, tuple[Callable[[Corrected], Any], str]] = {
    "taken from another lot": (
        lambda s: s.booked(3).update(accounts=["wallet:paid", "adjustment"]),
        "an adjustment is of the lots it may be of",
    ),
    "given into another lot": (
        lambda s: s.booked(4).update(accounts=["wallet:paid", "adjustment"]),
        "an adjustment is of the lots it may be of",
    ),
    "another account": (
        lambda s: s.booked(3).update(accounts=["wallet:bonus", "breakage"]),
        "an adjustment has its account",
    ),
    "below 0": (lambda s: s.booked(3).update(balance=-1), "balances never negative"),
    "above the most": (
        lambda s: s.booked(4).update(balance=MOST_BELLS + 1),
        "nothing fills a wallet above the most",
    ),
    "a credit above the most": (
        lambda s: s.booked(5).update(balance=MOST_BELLS + 1),
        "nothing fills a wallet above the most",
    ),
    "booked twice": (lambda s: s.booked(4).update(cause=s.booked(3)["cause"]), "each cause has one row"),
    "another cause": (lambda s: s.booked(4)["detail"].update(adjustmentId="a-3"), "a cause is what it names"),
    "an unknown kind": (lambda s: s.booked(3).update(kind="correction"), "transfers are of known kinds"),
    "acknowledged and gone": (lambda s: s.tables["transfer"].pop(3), "what was acknowledged is in the database"),
    "done twice": (
        lambda s: setattr(s.asked("adjustment")[1], "replayed", False),
        "done once, replayed ever after",
    ),
    "an answer that is not the record": (
        lambda s: s.asked("adjustment")[0].body["lots"][0].update(kind="paid"),
        "the answer is the record",
    ),
    "another amount": (
        lambda s: s.asked("adjustment")[0].wanted.update(amount=-63),
        "adjustments are what was asked for",
    ),
    "another currency": (
        lambda s: s.asked("adjustment")[0].wanted.update(currency=GEM),
        "adjustments are what was asked for",
    ),
    "another note": (lambda s: s.booked(3)["detail"].update(note="n"), "adjustments are what was asked for"),
    "refused, but there was enough": (
        lambda s: s.ask_adjustment("a-9", -305, _too_few(305, 304), "insufficient_bells"),
        "a refusal is true",
    ),
    "refused with the balance of the past": (
        lambda s: s.ask_adjustment("a-9", -500, _too_few(500, 364), "insufficient_bells"),
        "a refusal is true",
    ),
    "refused, and done": (
        lambda s: s.ask_adjustment("a-1", -64, _too_few(64, 0), "insufficient_bells"),
        "a refusal is true",
    ),
    "full, but not": (lambda s: s.ask_adjustment("a-9", 1, {}, "wallet_full"), "a refusal is true"),
    "a credit too many, but not": (
        lambda s: s.ask("deposit", {**s.deposit, "creditId": "z"}, {}, "wallet_full"),
        "a refusal is true",
    ),
    "sent before, but not": (
        lambda s: s.ask_adjustment("a-1", -64, {}, "idempotency_mismatch"),
        "a refusal is true",
    ),
    "an answer nobody knows": (lambda s: s.ask_adjustment("a-9", -1, {}, "not_found"), "a known answer"),
    "taken back from another lot": (
        lambda s: s.booked(6).update(accounts=["wallet:bonus", "clearing:paid"]),
        "a reversal takes back what was credited",
    ),
    "taken back in part": (
        lambda s: s.booked(6).update(amounts=[-6, 6], amount=-6),
        "a reversal takes back what was credited",
    ),
    "taken back to elsewhere": (
        lambda s: s.booked(6).update(accounts=["wallet:paid", "clearing:bonus"]),
        "a reversal is cleared",
    ),
    "taken back, and never given": (
        lambda s: s.booked(6)["detail"].update(creditId="z"),
        "a reversal is of a credit that was booked",
    ),
    "taken back before it was given": (_reversed_first, "a reversal is of a credit that was booked"),
    "another answer than the record": (
        lambda s: s.asked("reversal")[0].body.update(balance=1),
        "the answer is the record",
    ),
    "a reversal refused, and its lot had enough": (
        lambda s: s.ask_reversal("d", _too_few(500, 500), "insufficient_bells"),
        "a refusal is true",
    ),
    "a reversal refused with the whole balance": (
        lambda s: s.ask_reversal("d", _too_few(500, 312), "insufficient_bells"),
        "a refusal is true",
    ),
    "a reversal refused that was done": (
        lambda s: s.ask_reversal("e", _too_few(7, 0), "insufficient_bells"),
        "a refusal is true",
    ),
    "a reversal that nobody answers so": (
        lambda s: s.ask_reversal("e", {}, "idempotency_mismatch"),
        "a refusal is true",
    ),
}


def test_the_true_story_breaks_no_promise() -> None:
    assert Corrected().broken() == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    story = Corrected()
    tell, promise = LIES[lie]
    tell(story)
    assert promise in story.broken()


def test_true_refusals_are_no_lies() -> None:
    story = Corrected()
    story.ask_adjustment("a-9", -306, _too_few(306, 305), "insufficient_bells")
    story.ask_adjustment("a-9", MOST_BELLS - 304, {}, "wallet_full")
    story.ask_adjustment("a-1", -65, {}, "idempotency_mismatch")
    story.ask_reversal("d", _too_few(500, 305), "insufficient_bells")
    story.ask("deposit", {**story.deposit, "creditId": "z", "amount": MOST_BELLS}, {}, "wallet_full")
    assert story.broken() == set()
