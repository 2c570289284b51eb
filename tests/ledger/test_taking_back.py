"""Taking back: bells follow the money of their top-up, whatever came in between, and in whatever order it is told."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.ids import MAX_AMOUNT
from lingdang.ledger import taken
from lingdang.ledger.done import Done
from lingdang.ledger.refunding import Refund
from lingdang.ledger.taking_back import TakenBack
from support.ledger import ANN, NOW, Ledger, take_back, topup
from support.money import credit, line, pay

END = NOW + timedelta(days=9)
BONUS = "bonus@2026-05-10T12:00:00.000Z"


def spend(ledger: Ledger, amount: int, book: str = "a") -> UUID:
    order = pay(ANN, line(book, amount), expires_at=ledger.now + timedelta(minutes=15))
    ledger.do(order)
    return order.order_id


def give_back(ledger: Ledger, order_id: UUID, book: str = "a") -> None:
    refund = Refund(customer=ANN, order_id=order_id, refund_id=book, by="operator", ordered=(book,), reason="other")
    ledger.do(refund)


def standing(ledger: Ledger, number: int = 1, refunded: int = 0, disputed: int = 0) -> tuple[int, int, int, int]:
    record: TakenBack = ledger.do(take_back(number, refunded, disputed))
    return record.taken, record.frozen, record.balance, record.debt


@pytest.mark.parametrize(
    ("refunded", "bells"),
    [(0, 0), (1, 1), (7, 7), (50, 53), (99, 105), (100, 107), (101, 107), (10**15, 107)],
)
def test_paid_and_bonus_count_alike_and_are_rounded_down(refunded: int, bells: int) -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 7, price=100))
    assert standing(ledger, refunded=refunded) == (bells, 0, 107 - bells, 0)


def test_what_is_left_of_it_goes_first_then_other_bells_paid_before_bonus_then_debt() -> None:
    ledger = Ledger()
    ledger.do(credit(ANN, 5, kind="bonus"))
    ledger.do(credit(ANN, 20))
    ledger.do(topup(1, 100, 10, ends=END))
    ledger.do(credit(ANN, 3, kind="paid", expires_at=END))
    spend(ledger, 10 + 5 + 3 + 70)  # bonus first: 10 of the top-up's own; then paid bells, the oldest first
    assert ledger.lots() == {"paid": 50}
    ledger.do(credit(ANN, 4, kind="bonus", expires_at=END))
    assert standing(ledger, refunded=100) == (110, 0, 0, 56)
    assert ledger.legs() == {
        "wallet:paid": -50,
        f"wallet:{BONUS}": -4,
        "debt": -56,
        "clearing:paid": 100,
        "clearing:bonus": 10,
    }
    detail = taken.detail_of(ledger.rows[-1])
    assert (detail.of, detail.number, detail.refunded) == ([("paid", 100), (BONUS, 10)], 1, 100)


def test_what_may_take_only_what_is_left_takes_all_of_it_or_nothing() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(credit(ANN, 20, kind="bonus"))
    spend(ledger, 60)  # 40 of them the top-up's
    too_much = msgspec.structs.replace(take_back(1, 61), left_only=True)
    assert ledger.refused(too_much).code == "refund_not_allowed"
    for _ in range(2):
        record: TakenBack = ledger.do(msgspec.structs.replace(too_much, refunded=60))
        assert (record.taken, record.balance, record.debt) == (60, 0, 0)


def test_another_currency_is_not_touched() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(msgspec.structs.replace(credit(ANN, 500), currency="GEM"))
    spend(ledger, 100)
    assert standing(ledger, refunded=100) == (100, 0, 0, 100)
    assert ledger.wallet("GEM").balance == 500


def test_a_part_at_a_time_comes_to_the_same() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 7, price=30))
    for refunded in (1, 2, 3, 10, 29, 30):
        assert standing(ledger, refunded=refunded)[0] == 107 * refunded // 30
    assert ledger.wallet().lots == ()


@pytest.mark.parametrize("again", [0, 1, 2])
def test_the_same_again_posts_nothing(again: int) -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    commands = [take_back(1, 50, 20)] * (again + 1)
    results = ledger.settle(*commands)
    assert [isinstance(each, Done) and each.replayed for each in results] == [False, *[True] * again]
    assert [row.kind for row in ledger.rows] == ["topup", "takeback", "freeze"]
    assert len({str(each) for each in results}) <= 2


def test_a_reversal_gives_back_into_the_same_lots_and_pays_what_is_owed() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 10, ends=END))
    spend(ledger, 60)
    assert standing(ledger, refunded=100) == (110, 0, 0, 60)
    assert standing(ledger, refunded=40) == (44, 0, 6, 0)
    assert ledger.legs() == {
        "clearing:bonus": -10,
        "clearing:paid": -56,
        "wallet:paid": 6,
        f"wallet:{BONUS}": 0,
        "debt": 60,
    }
    assert ledger.lots() == {"paid": 6}
    assert standing(ledger) == (0, 0, 50, 0)
    assert [row.kind for row in ledger.rows[2:]] == ["takeback", "giveback", "giveback"]
    assert [taken.detail_of(row).number for row in ledger.rows[2:]] == [1, 2, 3]


def test_what_comes_back_into_a_lot_whose_end_is_past_lapses() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 10, ends=END))
    standing(ledger, refunded=100)
    ledger.now = END
    assert standing(ledger) == (0, 0, 100, 0)
    assert [(row.kind, row.amount) for row in ledger.rows[2:]] == [("giveback", 110), ("expiry", -10)]


def test_a_dispute_freezes_what_is_left_and_nothing_else() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 10, ends=END))
    ledger.do(credit(ANN, 500))
    spend(ledger, 60)
    assert standing(ledger, disputed=100) == (0, 50, 500, 0)
    assert ledger.legs() == {"wallet:paid": -50, "frozen": 50}
    assert standing(ledger, disputed=100) == (0, 50, 500, 0), "the 60 that were spent are not looked for elsewhere"


def test_what_is_refunded_while_it_is_disputed_is_frozen_when_it_is_told_again() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    order_id = spend(ledger, 60)
    assert standing(ledger, disputed=100) == (0, 40, 0, 0)
    give_back(ledger, order_id)
    assert standing(ledger, disputed=100) == (0, 100, 0, 0)


def test_a_dispute_won_releases_it_into_the_same_lots() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 10, ends=END))
    standing(ledger, disputed=50)
    assert ledger.lots() == {BONUS: 10, "paid": 45}
    assert standing(ledger, disputed=100) == (0, 110, 0, 0)
    assert standing(ledger) == (0, 0, 110, 0)
    assert ledger.lots() == {BONUS: 10, "paid": 100}
    assert ledger.legs() == {"frozen": -110, f"wallet:{BONUS}": 10, "wallet:paid": 100}


def test_a_full_wallet_takes_back_what_was_frozen_and_no_credit_then() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, 10))
    assert standing(ledger, disputed=100) == (0, 110, 0, 0)
    ledger.do(credit(ANN, MAX_AMOUNT))
    assert standing(ledger, disputed=0) == (0, 0, MAX_AMOUNT + 110, 0)
    assert ledger.refused(credit(ANN, 1)).code == "wallet_full"


def test_a_dispute_lost_takes_what_is_frozen_first() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    spend(ledger, 30)
    standing(ledger, disputed=100)
    ledger.do(credit(ANN, 20))
    assert standing(ledger, refunded=100) == (100, 0, 0, 10)
    assert ledger.legs() == {"frozen": -70, "wallet:paid": -20, "debt": -10, "clearing:paid": 100}
    detail = taken.detail_of(ledger.rows[-1])
    assert (detail.of, detail.thawed) == ([("paid", 100)], [("paid", 70)])


def test_a_part_is_refunded_and_the_rest_disputed() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    assert standing(ledger, refunded=40, disputed=100) == (40, 60, 0, 0)
    assert standing(ledger, refunded=40, disputed=10) == (40, 10, 50, 0)
    assert standing(ledger, refunded=95, disputed=10) == (95, 5, 0, 0)
    assert standing(ledger, refunded=0, disputed=0) == (0, 0, 100, 0)


def test_what_is_released_pays_what_is_owed() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(topup(2, 50))
    spend(ledger, 50)  # of the first
    assert standing(ledger, 1, disputed=100) == (0, 50, 50, 0)
    spend(ledger, 50, "b")
    assert standing(ledger, 2, refunded=50) == (50, 0, 0, 50), "what is frozen of another top-up stays"
    assert standing(ledger, 1) == (0, 0, 0, 0)
    assert ledger.legs() == {"frozen": -50, "wallet:paid": 0, "debt": 50}


def test_a_top_up_that_is_not_there_is_not_found() -> None:
    ledger = Ledger()
    ledger.do(credit(ANN, 5))
    assert ledger.refused(take_back(1, 100)).code == "not_found"


def test_it_is_found_in_the_batch_that_made_it() -> None:
    ledger = Ledger()
    results = ledger.settle(topup(1, 100), topup(2, 50), take_back(1, 100), take_back(2, 0, 50), credit(ANN, 5))
    assert all(isinstance(each, Done) for each in results)
    assert [row.kind for row in ledger.rows] == ["topup", "topup", "takeback", "freeze", "credit"]
    assert ledger.lots() == {"paid": 5}


def test_bells_that_cost_nothing_are_never_taken_back() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100, price=0))
    assert standing(ledger, refunded=5, disputed=5) == (0, 0, 100, 0)


STEPS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6)


@given(
    paid=st.integers(1, 30), bonus=st.integers(0, 9), price=st.integers(1, 12), spent=st.integers(0, 39), steps=STEPS
)
def test_where_it_stands_follows_from_the_last_word_alone(
    paid: int, bonus: int, price: int, spent: int, steps: list[tuple[int, int]]
) -> None:
    """Whatever was told before; without a dispute the wallet too."""
    ledger, direct = Ledger(), Ledger()
    spent = min(spent, paid + bonus)
    for each in (ledger, direct):
        each.do(topup(1, paid, bonus, price=price))
        if spent:
            spend(each, spent)
    for refunded, disputed in steps:
        ledger.do(take_back(1, refunded, disputed))
    refunded = steps[-1][0] if steps else 0
    one, other = standing(ledger, refunded=refunded), standing(direct, refunded=refunded)
    assert one == other
    assert one[0] == (paid + bonus) * min(refunded, price) // price
    assert standing(ledger) == (0, 0, paid + bonus - spent, 0), "all that was taken can come back"
