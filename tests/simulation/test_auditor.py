"""The auditor finds what it is there to find: a true story, and every way in which it could have been false."""

import ast
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.ledger.lots import LotKind, lot_expiry, lot_for, lot_name
from proof.simulation import audit
from proof.simulation.audit.money import lapses
from proof.simulation.audit.pricing import shares
from proof.simulation.history import FOREVER
from proof.simulation.plan import BASE, key_of
from support.story import ANN, AT, BEFORE, BOB, GEM, ORDER, SESSION, UNTIL, VOUCHER, YEARS, Story, cause_of


def _refused(code: str, **members: Any) -> Callable[[Story], Any]:
    return lambda story: story.pay(code, members)


def _flawed_but_paid(story: Story) -> None:
    story.request(3).wanted = {**story.request(3).wanted, "flaws": ["sign"]}


def _never_told(story: Story) -> None:
    for number in (2, 3):
        story.request(number).outcome, story.request(number).body = "overloaded", {}


def _late(story: Story) -> None:
    story.request(2).sent, story.request(2).answered = -2, -1
    story.request(1).sent, story.request(1).answered = -4, -3


def _stale_balance(story: Story) -> None:
    story.pay("insufficient_bells", {"required": 136, "balance": 0, "shortfall": 136})


def _voucher_shown_twice(story: Story) -> None:
    story.request(1).body["vouchers"] *= 2


def _no_voucher_offered(story: Story) -> None:
    offer = story.request(1).body
    offer["vouchers"][0].update(applied=False, saves=15)
    offer.update(discount=0, total=151)
    for line in offer["lines"]:
        line.update(discount=0, payable=line["price"])


def _second_order(story: Story) -> None:
    story.tables["transfer"].append({**story.tables["transfer"][1], "cause": "o-2", "seq": 3})


def _order_before(story: Story) -> None:
    payment = story.tables["transfer"][1]
    story.tables["transfer"].append({**payment, "cause": "o-0", "seq": 0, "detail": [payment["detail"][0], []]})


def _another_line(story: Story) -> None:
    story.tables["transfer"][1]["detail"][0][0][4] = 101


def _spent_after_it_lapsed(story: Story) -> None:
    """The lot lapses at the moment of the payment, which is later than the credit."""
    lot, detail = f"bonus@{AT}", {**story.tables["transfer"][0]["detail"], "expiresAt": AT}
    story.tables["transfer"][0].update(at=BEFORE, accounts=["clearing:bonus", f"wallet:{lot}"], detail=detail)
    story.row("transfer", accounts=[f"wallet:{lot}", 0, 1, "discount"])
    story.row("wallet", lots=[lot], next_expiry=AT)


LIES: dict[str, tuple[Callable[[Story], Any], str]] = {
    "a transfer is missing": (lambda s: s.tables["transfer"].pop(), "what is listed is what was written"),
    "a transfer of nobody": (lambda s: s.tables["customer"].clear(), "a customer is known"),
    "another name": (lambda s: s.row("customer", customer_id="bob"), "a customer is known"),
    "booked twice": (lambda s: s.row("transfer", cause=cause_of("d")), "each cause has one row"),
    "another cause": (lambda s: s.tables["transfer"][0].update(cause=cause_of("e")), "a cause is what it names"),
    "earlier than the row before": (lambda s: s.row("transfer", at=BEFORE), "a journal's time never runs backwards"),
    "read before the row before": (lambda s: s.row("transfer", position=6), "readers see a journal in its order"),
    "a gap in the journal": (lambda s: s.row("transfer", seq=3), "transfers are counted without a gap"),
    "a balance out of nothing": (lambda s: s.row("transfer", balance=365), "balance follows the one before"),
    "a leg is missing": (lambda s: s.row("transfer", amounts=[-136, 100, 51, 0]), "sums zero"),
    "another wallet balance": (lambda s: s.row("wallet", balance=365), "wallet is its transfers"),
    "another newest row": (lambda s: s.row("wallet", seq=1), "wallet knows its newest row"),
    "another moment of the newest row": (lambda s: s.row("wallet", moved_at=UNTIL), "wallet knows its newest row"),
    "another lot": (lambda s: s.row("wallet", lots=["paid"]), "wallet is its lots"),
    "an expiry unknown": (lambda s: s.row("wallet", next_expiry=UNTIL), "wallet knows its next expiry"),
    "taken from another lot": (
        lambda s: s.row("transfer", accounts=["wallet:paid", 0, 1, "discount"]),
        "bonus first, the soonest to lapse first",
    ),
    "revenue of another": (
        lambda s: s.row("transfer", accounts=["wallet:bonus", 1, 0, "discount"]),
        "revenue by publisher, less discount",
    ),
    "spent after it lapsed": (_spent_after_it_lapsed, "what has lapsed is not spent"),
    "an order listed with another balance": (
        lambda s: s.row("orders", balance=0),
        "what is listed is what was written",
    ),
    "an order listed with other lines": (
        lambda s: s.row("orders", lines=[]),
        "what is listed is what was written",
    ),
    "a credit listed twice": (
        lambda s: s.tables["credit"].append(s.tables["credit"][0]),
        "what is listed is what was written",
    ),
    "a credit listed otherwise": (lambda s: s.row("credit", reason="s"), "what is listed is what was written"),
    "an order that nobody was offered": (_second_order, "an order was offered"),
    "another total than offered": (lambda s: s.row("transfer", amount=-137), "an order is as offered"),
    "another line than offered": (_another_line, "lines as offered"),
    "a total that does not add up": (_another_line, "an order adds up"),
    "paid too late": (lambda s: s.row("transfer", at=UNTIL), "an offer is paid before it expires"),
    "a right without a payment": (
        lambda s: s.tables["entitlement"].append({**s.tables["entitlement"][0], "product_id": "c"}),
        "entitlement <=> payment",
    ),
    "a right by another row": (lambda s: s.row("entitlement", granted_by=1), "entitlement <=> payment"),
    "a payment without its right": (lambda s: s.tables["entitlement"].pop(), "entitlement <=> payment"),
    "bought twice": (_second_order, "nothing is bought twice"),
    "a voucher used twice": (_second_order, "vouchers are used once"),
    "a voucher not used up": (
        lambda s: s.row("voucher", used_by=None, used_at=None, saved=None),
        "a voucher is used <=> an order paid with it",
    ),
    "bells that are not missing": (
        lambda s: s.request(1).body["wallet"].update(shortfall=5, sufficient=False),
        "shortfall is right",
    ),
    "a claim not counted": (lambda s: s.row("coupon", claimed=0), "claims are counted"),
    "more vouchers than there are": (
        lambda s: s.tables["voucher"].append({**s.tables["voucher"][0], "voucher_id": "v-2"}),
        "limits are kept",
    ),
    "a voucher good for ever": (
        lambda s: s.row("voucher", expires_at=UNTIL),
        "a voucher is good as long as its coupon says",
    ),
    "a voucher used too late": (lambda s: s.row("voucher", used_at=YEARS), "a voucher is used before it expires"),
    "a voucher used at another moment": (
        lambda s: s.row("voucher", used_at=BEFORE),
        "a voucher is used when its order is paid",
    ),
    "not the first purchase": (_order_before, "a first-purchase voucher pays the first order above 0"),
    "another price": (lambda s: s.request(1).body["lines"][0].update(price=99), "prices are the shop's"),
    "another share": (
        lambda s: [line.update(discount=d) for line, d in zip(s.request(1).body["lines"], (9, 6), strict=True)],
        "a discount is spread by largest remainder",
    ),
    "a voucher saves more": (
        lambda s: s.request(1).body["vouchers"][0].update(saves=16),
        "a voucher saves what it says",
    ),
    "a better combination": (_no_voucher_offered, "the best combination is offered"),
    "a voucher shown twice": (_voucher_shown_twice, "each voucher is shown once"),
    "acknowledged and gone": (lambda s: s.tables["transfer"].pop(), "what was acknowledged is in the database"),
    "a credit acknowledged and gone": (
        lambda s: s.tables["transfer"].pop(0),
        "what was acknowledged is in the database",
    ),
    "done twice": (lambda s: setattr(s.request(3), "replayed", False), "done once, replayed ever after"),
    "another answer later": (lambda s: s.request(3).body.update(balance=1), "no answer is taken back"),
    "an answer that is not the record": (lambda s: s.request(2).body.update(paid=1), "the answer is the record"),
    "a credit of another amount": (lambda s: s.request(0).wanted.update(amount=1), "a credit is what was asked for"),
    "a credit of another currency": (
        lambda s: s.request(0).wanted.update(currency=GEM),
        "a credit is what was asked for",
    ),
    "paid with a wrong signature": (_flawed_but_paid, "a flawed request is refused as the contract says"),
    "a good request called flawed": (_refused("sign_invalid"), "a good request is not called flawed"),
    "an accident": (_refused("internal_error"), "no answer is an accident"),
    "never answered": (
        lambda s: setattr(s.request(4), "outcome", "overloaded"),
        "without faults every request is answered",
    ),
    "overloaded, and done all the same": (_never_told, "refused is not done"),
    "acknowledged first, booked second": (_late, "what is acknowledged comes first"),
    "a refusal taken back": (_refused("token_expired"), "a final refusal is final"),
    "expired before its time": (_refused("token_expired"), "a refusal is true"),
    "already owned, but not": (_refused("already_owned", productIds=["z"]), "a refusal is true"),
    "unavailable, but on sale": (_refused("product_unavailable", productIds=["a"]), "a refusal is true"),
    "a used voucher that was not": (
        _refused("voucher_unusable", reasons={VOUCHER: {"code": "used"}}),
        "a refusal is true",
    ),
    "a balance of the past": (_stale_balance, "a refusal is true"),
    "signed out, but not": (_refused("unauthenticated"), "a refusal is true"),
    "an answer nobody knows": (_refused("not_found"), "a known answer"),
    "paid what was withdrawn": (lambda s: s.happens("withdrawn", "a", True), "nothing is paid against the world"),
    "paid with what was recalled": (lambda s: s.happens("recalled", "k", True), "nothing is paid against the world"),
    "paid in an ended session": (lambda s: s.happens("ended", SESSION, True), "an ended session is refused"),
    "claimed, and not in hand": (lambda s: s.row("voucher", customer=key_of(BOB)), "a claimed voucher is in hand"),
    "crashed": (lambda s: setattr(s.request(1), "outcome", "crashed"), "no answer is an accident"),
}


def test_a_true_story() -> None:
    assert Story().broken() == set()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    story = Story()
    tell, promise = LIES[lie]
    tell(story)
    assert promise in story.broken()


def test_a_true_story_in_two_currencies() -> None:
    story = Story()
    story.add_gems()
    assert story.broken() == set()


LIES_ABOUT_GEMS: dict[str, tuple[Callable[[Story], Any], str]] = {
    "counted by wallet": (lambda s: s.row("transfer", seq=1), "transfers are counted without a gap"),
    "earlier than a row of the other": (
        lambda s: s.row("transfer", at=BEFORE),
        "a journal's time never runs backwards",
    ),
    "one balance of both": (lambda s: s.row("transfer", balance=371), "balance follows the one before"),
    "the other's newest row": (lambda s: s.row("wallet", seq=2), "wallet knows its newest row"),
    "refused with the other's balance": (
        lambda s: s.pay("insufficient_bells", {"required": 136, "balance": 7, "shortfall": 129}),
        "a refusal is true",
    ),
    "one credit in both": (
        lambda s: s.tables["transfer"][-1]["detail"].update(creditId="d"),
        "each cause has one row",
    ),
}


@pytest.mark.parametrize("lie", LIES_ABOUT_GEMS)
def test_a_lie_about_two_currencies_is_found(lie: str) -> None:
    story = Story()
    story.add_gems()
    tell, promise = LIES_ABOUT_GEMS[lie]
    tell(story)
    assert promise in story.broken()


def test_rows_are_decided_by_a_clock_that_may_have_gone_back() -> None:
    """The journal's time stays where it was; what was good by the clock was good."""
    story = Story()
    story.monotone = False
    for table, name in (("transfer", "at"), ("credit", "credited_at"), ("orders", "paid_at"), ("wallet", "moved_at")):
        for row in story.tables[table]:
            row[name] = UNTIL
    for request in story.history.requests:
        request.latest = BASE + timedelta(hours=1)
        request.body = json.loads(json.dumps(request.body).replace(f'dAt": "{AT}', f'dAt": "{UNTIL}'))
    assert story.broken() == set()
    story.row("voucher", used_at=YEARS)
    assert "a voucher is used when its order is paid" in story.broken()
    story.row("voucher", used_at=AT)
    story.tables["transfer"][0]["at"] = AT
    assert "an offer is paid before it expires" in story.broken()


def test_true_refusals_are_no_lies() -> None:
    story = Story()
    story.happens("ended", SESSION)
    story.pay("unauthenticated", {})
    lost = story.pay("lost", {})
    lost.answered = FOREVER
    assert story.broken() == set()


def test_what_was_refused_may_be_done_twice_over_when_it_is_sent_again() -> None:
    """A disk that stalls breaks a batch after the faults, too: its own second run finds it done, and says so."""
    story = Story()
    _never_told(story)
    story.history.stood.remove((ANN, ORDER))
    assert story.broken() == set()


def test_shares() -> None:
    assert shares(10, [1, 1, 1]) == [4, 3, 3]
    assert shares(15, [100, 51]) == [10, 5]
    assert shares(0, [0, 0]) == [0, 0]


def test_the_auditor_shares_no_code_with_what_it_audits() -> None:
    for path in Path(audit.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "lingdang"], path.name


@given(
    count=st.integers(190, 600),
    chance=st.randoms(use_true_random=False),
    kind=st.sampled_from(["paid", "bonus"]),
    asked=st.integers(0, 800 * 86400),
)
def test_the_auditor_s_own_rule_of_lots_says_the_same(count: int, chance: Random, kind: LotKind, asked: int) -> None:
    """In a simulation no wallet has so many lots."""
    start = datetime(2026, 12, 15, tzinfo=UTC)
    kinds: tuple[LotKind, LotKind] = ("paid", "bonus")
    names = tuple(lot_name(kinds[n % 2], start + timedelta(seconds=n)) for n in chance.sample(range(20 * 86400), count))
    until = start + timedelta(seconds=asked)
    assert lapses(names, kind, until) == lot_expiry(lot_for((names, (1,) * len(names)), kind, until))
