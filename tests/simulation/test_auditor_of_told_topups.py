"""The auditor holds what clients were told of top-ups, take-backs and gift codes against the journal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.rules import Command
from proof.simulation.audit import audit
from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.evidence import evidence_of
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.pricing import _missing
from proof.simulation.history import History, Request
from proof.simulation.plan import MOST_BELLS, key_of
from support.ledger import NOW, Ledger, take_back, topup
from support.money import line, pay
from support.story import ANN, BOB, PLAN, Story
from support.tables import Tables, tables_of

KEY = key_of(ANN)
END = NOW + timedelta(days=9)
CAMPAIGN = "C"
TOPUP = topup(1, 100, 10, ends=END, price=600, customer=KEY)
GIFT = Redeem(customer=KEY, gift_id="g", campaign=CAMPAIGN, currency="BELL", amount=5, expires_at=END)
WANTED = {
    "id": (str(TOPUP.topup_id),),
    "paid": 100,
    "bonus": 10,
    "currency": "BELL",
    "price": {"amount": 600, "currency": TOPUP.price_currency},
    "test": False,
}


class Told:
    """A top-up, told twice; a third of its money goes back, and half is disputed; a gift code that two redeem."""

    def __init__(self) -> None:
        self.ledger = Ledger(KEY)
        self.history = History()
        self.codes: list[dict[str, Any]] = [
            {
                "campaign": CAMPAIGN,
                "currency": "BELL",
                "amount": 5,
                "expires_at": END.isoformat(),
                "customer": KEY,
                "claimed_at": NOW.isoformat(),
                "redeemed_at": NOW.isoformat(),
            }
        ]
        self.done("topup", WANTED, TOPUP)
        self.done("topup", WANTED, TOPUP).replayed = True
        self.takeback(200, 300)
        gift = {"id": ("g",), "campaign": CAMPAIGN}
        self.done("gift", gift, GIFT)
        self.refused("gift", gift, "gift_code_unusable", {"reasons": {"G": {"code": "code_used"}}}, BOB)
        self.tables = tables_of(self.ledger)

    def done(self, kind: str, wanted: dict[str, Any], command: Command) -> Request:
        record = msgspec.json.decode(msgspec.json.encode(self.ledger.do(command)))
        return self._asked(kind, wanted, "ok", record, ANN)

    def takeback(self, refunded: int, disputed: int) -> Request:
        wanted = {"topupId": WANTED["id"][0], "refunded": refunded, "disputed": disputed}
        return self.done("takeback", wanted, take_back(1, refunded, disputed, customer=KEY))

    def refused(
        self, kind: str, wanted: dict[str, Any], outcome: str, body: dict[str, Any] | None = None, who: str = ANN
    ) -> Request:
        return self._asked(kind, wanted, outcome, body or {}, who)

    def _asked(self, kind: str, wanted: dict[str, Any], outcome: str, body: dict[str, Any], who: str) -> Request:
        request = Request(kind, who, None, 0, self.history.tick(), NOW, dict(wanted))
        request.answered, request.latest, request.outcome, request.body = self.history.tick(), NOW, outcome, body
        self.history.requests.append(request)
        return request

    def broken(self) -> set[str]:
        tables: Tables = {**self.tables, "gift_code": [dict(code) for code in self.codes]}
        evidence = evidence_of(replace(PLAN, coupons=()), tables)
        return {found.promise for found in audit(replace(PLAN, coupons=()), self.history, evidence)}

    def told(self, number: int, **changes: Any) -> None:
        """0 and 1: the top-up, 2: what was taken back, 3: the gift, 4: its refusal."""
        self.history.requests[number].body = {**self.history.requests[number].body, **changes}


def test_the_true_story_breaks_no_promise() -> None:
    assert Told().broken() == set()


def _before(told: Told, kind: str, outcome: str, **wanted: Any) -> None:
    """A refusal that came before everything."""
    request = told.refused(
        kind, {**WANTED, "topupId": WANTED["id"][0], "refunded": 0, "disputed": 0, **wanted}, outcome
    )
    request.sent, request.answered = 0, 0


def _code_of(told: Told, **changes: Any) -> None:
    told.codes[0] |= changes


TRUE: dict[str, Callable[[Told], Any]] = {
    "another top-up of this id": lambda t: t.refused("topup", WANTED | {"paid": 99}, "idempotency_mismatch"),
    "no top-up yet": lambda t: _before(t, "takeback", "not_found"),
    "a code that has ended": lambda t: (
        t.told(4, reasons={"G": {"code": "expired"}}),
        setattr(t.history.requests[4], "latest", END),
    ),
}
LIES: dict[str, tuple[Callable[[Told], Any], str]] = {
    "the same top-up called another": (
        lambda t: t.refused("topup", WANTED, "idempotency_mismatch"),
        "a refusal is true",
    ),
    "another top-up credited": (
        lambda t: t.history.requests[1].wanted.update(paid=99),
        "a top-up is what was asked for",
    ),
    "room called full": (
        lambda t: _before(t, "topup", "wallet_full", id=("x",), paid=MOST_BELLS - 10),
        "a refusal is true",
    ),
    "a top-up acknowledged and lost": (
        lambda t: t.tables["transfer"].pop(0),
        "what was acknowledged is in the database",
    ),
    "another balance": (lambda t: t.told(0, balance=109), "the answer is the record"),
    "a top-up that is there called none": (
        lambda t: t.refused("takeback", {"topupId": WANTED["id"][0], "refunded": 0, "disputed": 0}, "not_found"),
        "a refusal is true",
    ),
    "a take-back of none": (
        lambda t: t.history.requests[2].wanted.update(topupId="x"),
        "what is taken back was there",
    ),
    "less taken than the money": (lambda t: t.told(2, taken=35), "bells follow their money"),
    "more frozen than is disputed": (lambda t: t.told(2, frozen=56), "bells follow their money"),
    "another debt": (lambda t: t.told(2, debt=1), "a take-back is told as it stood"),
    "a code of another's": (lambda t: _code_of(t, customer=key_of(BOB)), "a gift code is one customer's"),
    "a code redeemed twice": (
        lambda t: t.tables["transfer"].append(
            {**t.tables["transfer"][-1], "customer": key_of(BOB), "seq": 1, "cause": "another"}
        ),
        "a gift code is redeemed once",
    ),
    "another amount": (lambda t: _code_of(t, amount=6), "a gift is its code's"),
    "after its end": (lambda t: _code_of(t, claimed_at=END.isoformat()), "a gift code ends"),
    "done with, and never credited": (lambda t: t.tables["transfer"].pop(), "a code that is done was credited"),
    "a free code called used": (lambda t: _code_of(t, customer=None), "a refusal is true"),
    "a good code called ended": (lambda t: t.told(4, reasons={"G": {"code": "expired"}}), "a refusal is true"),
    "an unknown reason": (lambda t: t.told(4, reasons={"G": {"code": "unknown_code"}}), "a refusal is true"),
    "room for a gift called full": (
        lambda t: setattr(t.history.requests[4], "outcome", "wallet_full"),
        "a refusal is true",
    ),
}


@pytest.mark.parametrize("what", TRUE)
def test_a_true_refusal_is_believed(what: str) -> None:
    told = Told()
    TRUE[what](told)
    assert told.broken() == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    tell, promise = LIES[lie]
    told = Told()
    tell(told)
    assert promise in told.broken()


def test_a_debt_that_nobody_has_refuses_no_payment() -> None:
    story = Story()
    story.pay("wallet_in_debt", {"debt": 5})
    assert story.broken() == {"a refusal is true"}


@pytest.mark.parametrize(
    ("balance", "shortfall", "right"),
    [(0, 7, True), (0, 67, True), (0, 66, False), (0, 0, False), (5, 2, True), (5, 62, False)],
)
def test_what_is_owed_is_missing_from_an_order(balance: int, shortfall: int, right: bool) -> None:
    """Before the order's 7 bells were asked for, or after, 60 of a top-up were spent and all of its money went back."""
    ledger = Ledger(KEY)
    for command in (TOPUP, pay(KEY, line("a", 60), expires_at=END), take_back(1, 600, customer=KEY)):
        ledger.do(command)
    assert ledger.wallet().debt == 60
    findings, history = Findings(), History()
    request = Request("checkout", ANN, None, 0, 1, NOW, {})
    request.body = {"total": 7, "currency": "BELL", "wallet": {"balance": balance, "shortfall": shortfall}}
    request.body["wallet"]["sufficient"] = shortfall == 0
    _missing(request, Chronicle(history, evidence_of(PLAN, tables_of(ledger))), findings)
    assert bool(findings.violations) != right
