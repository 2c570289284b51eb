"""What is known of a payment, by what was told of it: in any sequence, however often."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.ids import MAX_AMOUNT, uuid7
from lingdang.topup.merging import is_another, is_doubtful, merged
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.rows import TopupRow
from support.topups import AT, ROW

STORE = msgspec.structs.replace(ROW, channel="store", store_product="bells.600")


def standing(state: Any = "paid", seconds: int = 0, **told: Any) -> Standing:
    told = {"received": Money(600, "CNY") if state == "paid" else None} | told
    return Standing(topup_id=ROW.topup_id, reference="wx1", state=state, at=AT + timedelta(seconds=seconds), **told)


def after(row: TopupRow, *told: Standing, exact: bool = False, tester: bool = False) -> TopupRow:
    for each in told:
        row = merged(row, each, AT, exact=exact, tester=tester)
    return row


def sums(row: TopupRow) -> tuple[int, int, int, int]:
    return row.received, row.refunded, row.disputed, row.lost


def test_money_that_is_as_agreed_is_due() -> None:
    row = after(ROW, standing())
    assert (sums(row), row.differs, row.reference, row.is_credit_due) == ((600, 0, 0, 0), (), "wx1", True)


@pytest.mark.parametrize(
    ("told", "differs"),
    [
        ({"received": Money(599, "CNY")}, ("amount",)),
        ({"received": Money(600_00, "CNY")}, ("amount",)),
        ({"received": Money(600, "USD")}, ("currency",)),
        ({"differs": ("merchant",)}, ("merchant",)),
        ({"test": True}, ("test",)),
        ({"received": Money(0, "CNY")}, ("amount",)),
    ],
)
def test_money_that_is_not_is_not_due(told: dict[str, Any], differs: tuple[str, ...]) -> None:
    row = after(ROW, standing(**told))
    assert (row.differs, row.is_credit_due, row.status) == (differs, False, "review")


@pytest.mark.parametrize(
    ("told", "differs"),
    [
        ({}, ()),
        ({"received": None}, ()),
        ({"received": Money(99, "USD")}, ()),
        ({"store_product": "other"}, ("product",)),
        ({"quantity": 2}, ("quantity",)),
        ({"payer_account": str(uuid7())}, ("account",)),
        ({"payer_account": str(ROW.topup_id)}, ()),
    ],
)
def test_at_a_store_the_product_is_compared_and_no_price(told: dict[str, Any], differs: tuple[str, ...]) -> None:
    row = after(STORE, standing(**({"store_product": "bells.600"} | told)))
    assert (row.differs, row.is_credit_due) == (differs, not differs)


def test_play_money_is_a_testers() -> None:
    row = after(ROW, standing(test=True), tester=True)
    assert (row.differs, row.test, row.is_credit_due) == ((), True, True)


def test_a_payment_of_which_nobody_told_the_amount_is_not_believed() -> None:
    row = after(ROW, standing(received=None, refunded=600))
    assert (sums(row), row.status) == ((0, 0, 0, 0), "pending")
    assert sums(after(row, standing(refunded=0))) == (600, 0, 0, 0), "what came before it is not kept against it"


def test_what_was_received_is_received_once() -> None:
    assert sums(after(ROW, standing(), standing(received=Money(700, "CNY")))) == (600, 0, 0, 0)
    assert after(ROW, standing(), standing(received=Money(700, "CNY"))).differs == ()


def test_an_older_word_changes_nothing_and_of_two_as_old_the_greater_holds() -> None:
    late, early = standing(refunded=0, seconds=9), standing(refunded=600, seconds=5)
    assert sums(after(ROW, standing(), early, late)) == sums(after(ROW, standing(), late, early)) == (600, 0, 0, 0)
    one, other = standing(refunded=100, seconds=5), standing(refunded=300, seconds=5)
    assert sums(after(ROW, one, other)) == sums(after(ROW, other, one)) == (600, 300, 0, 0)


@pytest.mark.parametrize("told", [{"refunded": 600}, {"disputed": 600}, {"lost": 600}])
@pytest.mark.parametrize("differs", ["merchant", "environment"])
def test_what_is_not_ours_takes_nothing_from_what_was_paid(told: dict[str, int], differs: str) -> None:
    """Somebody else's payment, or one of play money, may have our number."""
    foreign = standing(seconds=9, differs=(differs,), **told)
    assert after(ROW, standing(), foreign) == after(ROW, standing())
    assert sum(sums(after(ROW, standing(), foreign, exact=True))) == 1200, "the provider was asked about ours"


def test_what_was_not_ours_when_it_was_paid_goes_back_as_any_other() -> None:
    row = after(ROW, standing(differs=("merchant",)), standing(seconds=9, differs=("merchant",), refunded=600))
    assert (sums(row), row.status) == ((600, 600, 0, 0), "refunded")


@pytest.mark.parametrize(
    ("seconds", "refunded", "expected"), [(299, 600, True), (0, 600, True), (-1, 600, False), (299, 100, False)]
)
def test_a_sum_that_is_only_a_little_older_is_in_doubt(seconds: int, refunded: int, expected: bool) -> None:
    """An answer has the time of our clock, which may be ahead of the provider's."""
    row = after(ROW, standing(refunded=100, seconds=300))
    assert is_doubtful(row, standing(refunded=refunded, seconds=seconds)) == expected


def test_an_answer_is_the_truth() -> None:
    row = after(ROW, standing(refunded=300, seconds=5))
    assert after(row, standing(refunded=100, seconds=5), exact=True).refunded == 100
    assert after(row, standing(refunded=None, seconds=6), exact=True).refunded == 300, "what it does not tell stays"


def test_single_refunds_are_added_up_by_their_ids() -> None:
    one, two = Return(reference="r1", amount=100), Return(reference="r2", amount=50)
    row = after(ROW, standing(), standing(returns=(one,)), standing(returns=(two,)), standing(returns=(one,)))
    assert row.refunded == 150
    assert after(row, standing(returns=(Return(reference="r2", amount=0),))).refunded == 100, "it failed"


@given(st.permutations(range(3)), st.lists(st.integers(0, 2), max_size=6))
def test_a_refund_that_is_told_before_its_payment_is_not_lost(order: list[int], again: list[int]) -> None:
    """As WeChat Pay tells one: without what was received."""
    told = [
        standing(seconds=1),
        standing(seconds=2, received=None, returns=(Return(reference="r1", amount=100),)),
        standing(seconds=3, received=None, returns=(Return(reference="r2", amount=50),)),
    ]
    row = after(ROW, *(told[each] for each in [*order, *again]))
    assert sums(row) == (600, 150, 0, 0)


def test_money_that_failed_to_go_back_before_the_payment_was_told_is_none() -> None:
    assert sums(after(ROW, back(100, None), back(0, None), standing())) == (600, 0, 0, 0)


def back(amount: int, at: datetime | None, name: str = "r1") -> Standing:
    return standing(received=None, returns=(Return(reference=name, amount=amount, at=at),))


@pytest.mark.parametrize(
    ("known", "told", "expected"),
    [
        ((600, 3), (0, 1), 600),
        ((0, 3), (600, 1), 0),
        ((600, 1), (0, 3), 0),
        ((0, 1), (600, 3), 600),
        ((600, 3), (0, 3), 600),
        ((0, 3), (600, 3), 600),
        ((600, None), (0, 1), 0),
        ((0, 1), (600, None), 0),
        ((600, None), (0, None), 0),
    ],
)
def test_a_refund_is_as_it_was_last_whatever_comes_late(
    known: tuple[int, int | None], told: tuple[int, int | None], expected: int
) -> None:
    """One that is under way has no time, and holds until something is told that has one."""
    both = [back(amount, None if hours is None else AT + timedelta(hours=hours)) for amount, hours in (known, told)]
    assert after(ROW, standing(), *both).refunded == after(ROW, *both, standing()).refunded == expected


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=10))
def test_every_sequence_of_single_refunds_leads_to_the_same(order: list[int], again: list[int]) -> None:
    told = [
        standing(),
        back(200, None),
        back(0, AT + timedelta(hours=1)),
        back(200, AT + timedelta(hours=2)),
        back(100, AT + timedelta(hours=1), "r2"),
    ]
    row = after(ROW, *(told[each] for each in [*order, *again]))
    assert sums(row) == (600, 300, 0, 0)


def test_single_refunds_that_are_told_later_do_not_lower_the_sum_and_add_what_it_lacks() -> None:
    row = after(ROW, standing(refunded=500))

    for name, amount, expected in (("second", 200, 500), ("first", 300, 500), ("third", 50, 550)):
        row = after(row, back(amount, None, name))
        assert row.refunded == expected


def test_no_more_goes_back_than_came() -> None:
    row = after(ROW, standing(refunded=500, disputed=500, lost=500))
    assert sums(row) == (600, 500, 0, 100)


@pytest.mark.parametrize(("now", "closed"), [(AT, "failed"), (AT + timedelta(hours=1), "expired")])
def test_one_that_is_closed_failed_or_expired_and_late_money_makes_it_paid(now: datetime, closed: str) -> None:
    row = merged(ROW, standing("closed"), now, exact=False, tester=False)
    assert row.status == closed
    assert after(row, standing()).status == "paid"
    assert after(row, standing(), standing("closed")).status == "paid"


def test_a_second_payment_is_another() -> None:
    other = msgspec.structs.replace(standing(), reference="wx2")
    assert not is_another(ROW, other)
    paid = after(ROW, standing())
    assert is_another(paid, other)
    assert not is_another(paid, standing())
    assert not is_another(paid, msgspec.structs.replace(other, state="open"))


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=10))
def test_every_sequence_leads_to_the_same(order: list[int], again: list[int]) -> None:
    told = [
        standing(seconds=1),
        standing(seconds=2, refunded=100),
        standing(seconds=3, refunded=300, disputed=200),
        standing(seconds=4, refunded=300, disputed=0, lost=200),
        standing(seconds=5, refunded=250, disputed=0, lost=200),
    ]
    row = after(ROW, *(told[each] for each in [*order, *again]))
    assert sums(row) == (600, 250, 0, 200)


@pytest.mark.parametrize(
    ("told", "refunded"),
    [(Money(99, "USD"), 33), (Money(60_000, "JPY"), 60_000), (Money(600, "CNY"), 200), (Money(1, "USD"), 1)],
)
def test_a_price_that_a_store_tells_late_is_never_mixed_with_the_agreed_one(told: Money, refunded: int) -> None:
    """A third of it, or all."""
    bought = standing(received=None, refunded=0, store_product="bells.600")
    row = after(STORE, bought, standing(seconds=1, received=told, refunded=refunded))
    assert sums(row) == (600, 600 * refunded // told.amount, 0, 0)


def test_what_a_store_gives_back_of_nothing_takes_all_bells() -> None:
    free = standing(received=Money(0, "USD"), refunded=0, store_product="bells.600")
    row = after(STORE, free, standing(seconds=1, received=Money(0, "USD"), refunded=MAX_AMOUNT))
    assert sums(row) == (600, 600, 0, 0)
