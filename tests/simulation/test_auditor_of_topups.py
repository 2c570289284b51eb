"""The auditor runs top-ups and take-backs again, from their rows alone: it agrees with the ledger, and finds lies."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from lingdang.errors import Problem
from lingdang.ledger.adjusting import Adjust
from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.refunding import Refund
from lingdang.ledger.rules import Command
from proof.simulation.audit.evidence import evidence_of
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.money import audit_money
from proof.simulation.plan import RefundPolicy, key_of
from support.ledger import NOW, Ledger, take_back, topup
from support.money import credit, line, pay
from support.story import ANN, PLAN
from support.tables import Tables, tables_of

KEY = key_of(ANN)
POLICY = RefundPolicy(days=1)
END = NOW + timedelta(days=9)


def broken(tables: Tables) -> set[str]:
    findings = Findings()
    audit_money(POLICY, evidence_of(PLAN, tables), findings)
    return {violation.promise for violation in findings.violations}


class Life:
    """Whatever may happen to a wallet with two top-ups, drawn."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.ledger = Ledger(KEY)
        self.orders: list[Any] = []
        self.number = 2

    def live(self) -> Ledger:
        for number in (1, 2):
            self.ledger.settle(self._topup(number))
        for _ in range(25):
            self.number += 1
            self.ledger.settle(self._command())
        return self.ledger

    def _topup(self, number: int) -> Command:
        random = self.random
        return topup(
            number, random.randint(1, 90), random.randint(0, 30), price=random.randint(1, 40), ends=END, customer=KEY
        )

    def _command(self) -> Command:
        random, name = self.random, str(self.number)
        self.ledger.now += timedelta(hours=random.randint(0, 12))
        what = random.randrange(9)
        amount = random.randint(1, 60)
        if what == 0:
            return credit(KEY, amount, credit_id=name)
        if what == 1:
            end = self.ledger.now + timedelta(days=3)
            return Redeem(customer=KEY, gift_id=name, campaign="C", currency="BELL", amount=amount, expires_at=end)
        if what == 2:
            change = amount - 30 or 1
            return Adjust(customer=KEY, adjustment_id=name, currency="BELL", amount=change, reason="R", note=None)
        if what in (3, 4):
            order = pay(KEY, line(name, amount), expires_at=self.ledger.now + timedelta(minutes=1))
            self.orders.append(order)
            return order
        if what == 5 and self.orders:
            return self._refund(self.orders[random.randrange(len(self.orders))])
        return take_back(random.randint(1, 2), random.randint(0, 45), random.randint(0, 45), customer=KEY)

    def _refund(self, order: Any) -> Command:
        days = POLICY.extend_days
        return Refund(
            customer=KEY,
            order_id=order.order_id,
            refund_id=str(self.number),
            by="operator",
            ordered=tuple(order.rights),
            reason="other",
            extend=None if days is None else timedelta(days=days),
        )


@pytest.mark.parametrize("seed", range(40))
def test_it_agrees_with_the_ledger(seed: int) -> None:
    assert broken(tables_of(Life(seed).live())) == set()


def told() -> Ledger:
    """A top-up of which 60 bells are spent; half of the rest is disputed, then all is taken back; a credit pays 20 of
    the debt, and half of the money comes again.
    """
    ledger = Ledger(KEY)
    commands: list[Command] = [
        topup(1, 100, 10, ends=END, customer=KEY),
        credit(KEY, 5, credit_id="before", kind="bonus"),
        pay(KEY, line("a", 60), expires_at=END),
        take_back(1, 10, 40, customer=KEY),
        take_back(1, 100, customer=KEY),
        credit(KEY, 20, credit_id="after"),
        take_back(1, 40, customer=KEY),
        take_back(1, 40, 60, customer=KEY),
        take_back(1, 40, 0, customer=KEY),
        Redeem(customer=KEY, gift_id="g", campaign="C", currency="BELL", amount=5, expires_at=END),
    ]
    for command in commands:
        [result] = ledger.settle(command)
        assert not isinstance(result, Problem), result
    return ledger


def row(tables: Tables, kind: str, number: int = 0) -> dict[str, Any]:
    return [each for each in tables["transfer"] if each["kind"] == kind][number]


def leg(tables: Tables, kind: str, account: str, more: int, number: int = 0) -> None:
    found = row(tables, kind, number)
    found["amounts"][found["accounts"].index(account)] += more


LIES: dict[str, tuple[Callable[[Tables], Any], str]] = {
    "more bells than were paid for": (
        lambda t: row(t, "topup")["detail"].update(paid=99),
        "a top-up is what was paid for",
    ),
    "into another lot": (
        lambda t: row(t, "topup")["accounts"].__setitem__(2, "wallet:bonus"),
        "a top-up goes into its lots",
    ),
    "cleared elsewhere": (lambda t: row(t, "topup")["accounts"].__setitem__(0, "breakage"), "a top-up is cleared"),
    "less taken back than the money": (
        lambda t: row(t, "takeback")["detail"].update(refunded=20),
        "bells follow their money",
    ),
    "taken back again": (lambda t: row(t, "takeback", 1)["detail"].update(refunded=10), "bells follow their money"),
    "frozen beyond what is disputed": (
        lambda t: row(t, "freeze")["detail"].update(disputed=39),
        "bells follow their money",
    ),
    "counted against another part": (
        lambda t: row(t, "takeback")["detail"]["of"][0].__setitem__(0, "bonus"),
        "bells follow their money",
    ),
    "frozen bells that stay": (lambda t: row(t, "takeback", 1)["detail"].pop("thawed"), "what is frozen goes first"),
    "a debt that is clamped": (
        lambda t: (leg(t, "takeback", "debt", 5, 1), leg(t, "takeback", "clearing:paid", -5, 1)),
        "what is missing is owed",
    ),
    "a debt that is forgotten": (lambda t: t["wallet"][0].update(debt=1), "a debt is its transfers"),
    "a credit that pays too little": (
        lambda t: (leg(t, "credit", "debt", -1, 1), leg(t, "credit", "wallet:paid", 1, 1)),
        "what comes in pays a debt first",
    ),
    "given back where it was not": (
        lambda t: row(t, "giveback")["detail"].update(refunded=41),
        "bells follow their money",
    ),
    "released into another lot": (
        lambda t: row(t, "release", 0)["accounts"].__setitem__(-1, "wallet:bonus"),
        "they come from where they may, and go where they were",
    ),
    "left out": (lambda t: row(t, "takeback", 1)["detail"].update(number=2), "the rows of a top-up are counted"),
    "told of another top-up": (
        lambda t: row(t, "freeze")["detail"].update(topupId="00000000-0000-0000-0000-000000000009"),
        "bells follow their money",
    ),
    "another cause": (lambda t: row(t, "giveback").update(cause=row(t, "freeze")["cause"]), "a cause is what it names"),
    "a gift of paid bells": (
        lambda t: row(t, "gift")["accounts"].__setitem__(1, "wallet:paid"),
        "a gift goes into its lot",
    ),
    "a gift from elsewhere": (lambda t: row(t, "gift")["accounts"].__setitem__(0, "revenue:"), "a gift is cleared"),
}


def test_the_true_story_breaks_no_promise() -> None:
    ledger = told()
    kinds = [each.kind for each in ledger.rows]
    assert kinds == [
        *(
            "topup",
            "credit",
            "payment",
            "takeback",
            "freeze",
            "takeback",
            "credit",
            "giveback",
            "freeze",
            "release",
            "gift",
        )
    ]
    assert broken(tables_of(ledger)) == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    tell, promise = LIES[lie]
    tables = tables_of(told())
    tell(tables)
    assert promise in broken(tables)
