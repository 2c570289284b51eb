"""The sandbox plays every outcome, and its notifications are verified as any other provider's."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from lingdang.keys import Keyring
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Forged, Notification, Refused
from lingdang.topup.providers.sandbox import LATE_SECONDS, OUTCOMES, SIGNATURE, TIME, Sandbox
from support.providers import NOW, order

PAID = Money(600, "CNY")


class Hands:
    """A clock that a test moves."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def sandbox(database_url: str, keyring: Keyring, hands: Hands) -> Sandbox:
    return Sandbox("sandbox", database_url, keyring, "https://shop.example", clock=hands)


def begun(sandbox: Sandbox) -> UUID:
    """A payment that waits for its payer."""
    made = order(topup_id=uuid4())
    sandbox.begin(made)
    return made.topup_id


def told(sandbox: Sandbox, topup_id: UUID, outcome: str) -> Notification:
    """What the shop reads of an outcome."""
    [sending, *_] = sandbox.play(topup_id, outcome) or []
    return sandbox.read(sending.headers, sending.body, NOW + timedelta(seconds=sending.seconds))


def amounts(sandbox: Sandbox, topup_id: UUID) -> tuple[int | None, int | None, int | None, int | None]:
    """What was received, went back, is held by disputes, was lost to them."""
    found = sandbox.ask(topup_id, None)
    assert found is not None
    return found.received and found.received.amount, found.refunded, found.disputed, found.lost


def test_a_payment_is_opened_at_a_page_of_the_shop_once(sandbox: Sandbox) -> None:
    made = order()
    first, again = sandbox.begin(made), sandbox.begin(made)
    assert first == again
    assert (first.action.kind, first.action.url) == ("redirect", f"https://shop.example/sandbox/{made.topup_id}")
    standing = sandbox.ask(made.topup_id, first.reference)
    assert standing is not None
    assert (standing.state, standing.received, standing.reference) == ("open", None, first.reference)
    assert sandbox.ask(uuid4(), None) is None


@pytest.mark.parametrize(
    ("outcome", "state", "received", "sent"),
    [
        ("pay", "paid", PAID, 1),
        ("twice", "paid", PAID, 2),
        ("late", "paid", PAID, 1),
        ("never", "paid", PAID, 0),
        ("wrong_amount", "paid", Money(601, "CNY"), 1),
        ("wrong_currency", "paid", Money(600, "EUR"), 1),
        ("fail", "closed", None, 1),
    ],
)
def test_an_open_payment_comes_out_as_it_is_told_once(
    sandbox: Sandbox, outcome: str, state: str, received: Money | None, sent: int
) -> None:
    topup_id = begun(sandbox)
    sendings = sandbox.play(topup_id, outcome)
    assert sendings is not None
    assert [each.seconds for each in sendings] == [LATE_SECONDS if outcome == "late" else 0] * sent
    standing = sandbox.ask(topup_id, None)
    assert standing is not None
    assert (standing.state, standing.received) == (state, received)
    for each in sendings:
        read = sandbox.read(each.headers, each.body, NOW + timedelta(seconds=each.seconds))
        assert read.standing is not None
        assert (read.standing.topup_id, read.standing.state, read.standing.received) == (topup_id, state, received)
    assert len({each.body for each in sendings}) <= 1, "a repeat is the same"
    with pytest.raises(Refused, match="impossible"):
        sandbox.play(topup_id, outcome)


def test_disputes_hold_what_is_there_until_they_are_won_or_lost(sandbox: Sandbox) -> None:
    topup_id = begun(sandbox)
    for outcome in ("dispute", "dispute_won", "dispute_lost", "refund:1"):
        with pytest.raises(Refused, match="impossible"):
            sandbox.play(topup_id, outcome)
    seen = []
    for outcome in ("pay", "refund:100", "dispute", "dispute_won", "dispute", "dispute_lost"):
        assert told(sandbox, topup_id, outcome).ask == outcome.startswith("dispute")
        seen.append(amounts(sandbox, topup_id))
    assert seen == [
        (600, 0, 0, 0),
        (600, 100, 0, 0),
        (600, 100, 500, 0),
        (600, 100, 0, 0),
        (600, 100, 500, 0),
        (600, 100, 0, 500),
    ]
    assert set(OUTCOMES) > {"dispute", "dispute_won", "dispute_lost"}


def test_of_no_payment_nothing_is_played(sandbox: Sandbox) -> None:
    assert sandbox.play(uuid4(), "pay") is None
    assert sandbox.close(uuid4(), None) is None


def test_what_is_closed_is_not_paid_any_more_and_what_is_paid_is_not_closed(sandbox: Sandbox) -> None:
    closed, paid = begun(sandbox), begun(sandbox)
    told(sandbox, paid, "pay")
    states = [sandbox.close(each, None) for each in (closed, closed, paid)]
    assert [each and each.state for each in states] == ["closed", "closed", "paid"]
    with pytest.raises(Refused, match="impossible"):
        sandbox.play(closed, "pay")


def test_a_refund_goes_back_once_for_each_id_and_no_more_than_there_is(sandbox: Sandbox) -> None:
    topup_id = begun(sandbox)
    with pytest.raises(Refused, match="no_payment"):
        sandbox.refund(topup_id, "", "r-1", Money(100, "CNY"), PAID)
    told(sandbox, topup_id, "pay")
    for refund_id, refunded in (("r-1", 100), ("r-1", 100), ("r-2", 200)):
        given = sandbox.refund(topup_id, "", refund_id, Money(100, "CNY"), PAID)
        assert (given.state, given.standing.refunded) == ("done", refunded)
    with pytest.raises(Refused, match="too_much"):
        sandbox.refund(topup_id, "", "r-3", Money(401, "CNY"), PAID)


def test_what_is_altered_or_made_elsewhere_is_forged(sandbox: Sandbox) -> None:
    sending = sandbox.signed(b"{}")
    for headers, body in (
        (sending.headers, b"{ }"),
        (sending.headers | {SIGNATURE: "0" * 64}, sending.body),
        (sending.headers | {TIME: str(int(sending.headers[TIME]) + 1)}, sending.body),
        (sending.headers | {"sandbox-key": "k9"}, sending.body),
        ({}, sending.body),
    ):
        with pytest.raises(Forged, match="signature"):
            sandbox.read(headers, body, NOW)
    with pytest.raises(Forged, match="timestamp"):
        sandbox.read(sending.headers | {TIME: "soon"}, sending.body, NOW)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_what_is_too_old_or_too_new_is_not_believed(sandbox: Sandbox, seconds: int, is_taken: bool) -> None:
    [sending] = sandbox.play(begun(sandbox), "pay") or []
    now = NOW + timedelta(seconds=seconds)
    if is_taken:
        assert sandbox.read(sending.headers, sending.body, now).type == "pay"
    else:
        with pytest.raises(Forged, match="timestamp: 301 s off"):
            sandbox.read(sending.headers, sending.body, now)


def test_a_day_lists_what_was_paid_in_it(sandbox: Sandbox, hands: Hands) -> None:
    paid, _ = begun(sandbox), begun(sandbox)
    sandbox.play(paid, "never")
    hands.now = NOW + timedelta(days=1)
    sandbox.play(next_day := begun(sandbox), "never")
    days = [[each.topup_id for each in sandbox.list_day((NOW + timedelta(days=n)).date())] for n in (-1, 0, 1, 2)]
    assert days == [[], [paid], [next_day], []]
