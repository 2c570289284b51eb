"""What was told decides when the provider is asked next."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.topup.advancing import advanced, next_ask
from lingdang.topup.inbox import Told
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import TopupRow
from support import topups
from support.topups import AT

LATER = AT + timedelta(minutes=1)
ROW = msgspec.structs.replace(topups.ROW, next_ask_at=AT + timedelta(seconds=30))
PAID = Standing(topup_id=ROW.topup_id, reference="p1", state="paid", at=AT, received=Money(600, "CNY"))
BACK = Standing(topup_id=ROW.topup_id, reference="p1", state="paid", at=AT, refunded=100)


def after(row: TopupRow, told: Told) -> TopupRow:
    return advanced(row, told, AT, tester=False)


def test_a_payment_that_was_told_is_asked_for_no_more_unless_something_was_told_before_it() -> None:
    paid = after(ROW, Told(source="notification", type="paid", standing=PAID))
    assert paid.next_ask_at is None
    paid = after(ROW, Told(source="notification", type="paid", standing=PAID, ask=True))
    assert paid.next_ask_at == AT
    lost = msgspec.structs.replace(PAID, lost=600)
    answered = after(paid, Told(source="answer", type="answer", standing=lost, seen=paid.version))
    assert (answered.status, answered.next_ask_at) == ("lost", None)


def test_who_was_not_told_all_asks_and_a_payment_that_comes_then_does_not_end_that() -> None:
    """A refund that came before its payment: only an answer tells that nothing is missing."""
    told = after(ROW, Told(source="notification", type="refund", standing=BACK, ask=True))
    assert (told.status, told.next_ask_at) == ("pending", AT)
    paid = after(told, Told(source="notification", type="paid", standing=PAID))
    assert (paid.status, paid.next_ask_at) == ("paid", AT)
    whole = msgspec.structs.replace(PAID, refunded=100)
    answered = after(paid, Told(source="answer", type="answer", standing=whole, seen=paid.version))
    assert (answered.status, answered.next_ask_at) == ("partly_refunded", None)


@pytest.mark.parametrize("paid_first", [True, False])
def test_an_answer_that_is_owed_is_waited_for_whatever_else_is_told(paid_first: bool) -> None:
    """The provider did not answer, and is asked again later; a word that tells nothing of it does not end that."""
    payment = Told(source="notification", type="paid", standing=PAID)
    disputed = Told(source="notification", type="dispute", standing=BACK, ask=True)
    row = ROW
    for told in (payment, disputed) if paid_first else (disputed, payment):
        row = after(row, told)
        row = msgspec.structs.replace(row, next_ask_at=LATER)  # it was asked, and did not answer
    for told in (payment, msgspec.structs.replace(disputed, ask=False), payment):
        row = after(row, told)
    assert (row.paid_at, row.next_ask_at) == (AT, LATER)
    listed = Told(source="answer", type="list", standing=PAID)
    assert after(row, listed).next_ask_at == LATER, "a list need not tell all"
    answered = after(row, Told(source="answer", type="answer", standing=PAID, seen=row.version))
    assert (answered.next_ask_at, after(answered, payment).next_ask_at) == (None, None)


def test_an_answer_that_nobody_has_paid_yet_is_not_the_one_that_is_owed() -> None:
    """What came back is told before its payment, and the provider answers that it knows of none."""
    told = after(ROW, Told(source="notification", type="refund", standing=BACK))
    opened = Standing(topup_id=ROW.topup_id, reference="p1", state="open", at=AT)
    row = after(told, Told(source="answer", type="answer", standing=opened, seen=told.version))
    row = msgspec.structs.replace(row, next_ask_at=LATER)
    assert after(row, Told(source="notification", type="paid", standing=PAID)).next_ask_at == LATER


@pytest.mark.parametrize("told", [{"differs": ("merchant",)}, {"at": AT - timedelta(seconds=1)}])
def test_a_sum_that_is_not_counted_has_the_provider_asked(told: dict[str, Any]) -> None:
    paid = after(ROW, Told(source="notification", type="paid", standing=msgspec.structs.replace(PAID, refunded=0)))
    standing = msgspec.structs.replace(BACK, **told)
    row = after(paid, Told(source="notification", type="refund", standing=standing))
    assert (row.refunded, row.next_ask_at) == (0, AT)
    listed = after(paid, Told(source="answer", type="list", standing=standing))
    assert (listed.refunded, listed.next_ask_at) == (0, None)
    answered = Told(source="answer", type="answer", standing=BACK, seen=row.version)
    assert (after(row, answered).refunded, after(row, answered).next_ask_at) == (100, None)


def test_an_answer_of_before_a_change_has_it_asked_once_more() -> None:
    told = Told(source="answer", type="answer", standing=PAID, seen=ROW.version - 1)
    assert after(ROW, told).next_ask_at == AT


def test_questions_come_less_and_less_often_and_once_when_it_expires() -> None:
    asked = [next_ask(msgspec.structs.replace(ROW, asks=asks), AT) - AT for asks in (0, 3, 5, 9)]
    assert asked == [timedelta(seconds=30), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=1)]
