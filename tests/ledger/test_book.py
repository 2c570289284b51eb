"""The book: one count and one time for a customer's whole journal, and one row for each cause."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.crediting import Credit
from lingdang.ledger.done import Done
from lingdang.ledger.expiring import Expire
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.lots import lot_name
from lingdang.ledger.paying import Order, Pay
from lingdang.ledger.rules import Command, Result, settle
from lingdang.ledger.state import Changes, State, Wallet
from support.money import credit, line, pay

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN, BOB = 11, 22


def wallet(currency: str, seq: int, moved_at: datetime, balance: int = 500, customer: int = ANN) -> Wallet:
    return Wallet(
        customer=customer,
        currency=currency,
        balance=balance,
        seq=seq,
        moved_at=moved_at,
        lots=("paid",),
        remaining=(balance,),
    )


def lapsing(currency: str, seq: int, ends: datetime) -> Wallet:
    """Seven bells that end, and nothing else."""
    return Wallet(
        customer=ANN,
        currency=currency,
        balance=7,
        seq=seq,
        moved_at=NOW - 9 * HOUR,
        lots=(lot_name("bonus", ends),),
        remaining=(7,),
        next_expiry=ends,
    )


def holding(*wallets: Wallet) -> State:
    return State(wallets={(each.customer, each.currency): each for each in wallets})


def gems(amount: int, credit_id: str | None = None) -> Credit:
    return msgspec.structs.replace(credit(ANN, amount, credit_id=credit_id), currency="GEM")


def order(*product_ids: str, expires_at: datetime = NOW + HOUR, customer: int = ANN) -> Pay:
    return pay(customer, *(line(product_id) for product_id in product_ids), expires_at=expires_at)


def code(result: Result) -> str:
    return result.code if isinstance(result, Problem) else "replayed" if result.replayed else "done"


def after(state: State, changes: Changes) -> State:
    """What the next batch loads."""
    rights = {
        (row.customer, product_id): row.seq
        for row, products in zip(changes.rows, changes.granted, strict=True)
        for product_id in products
    }
    return State(
        wallets=state.wallets | changes.wallets, rows=[*state.rows, *changes.rows], rights=state.rights | rights
    )


def run(state: State, *commands: Command, now: datetime = NOW) -> tuple[list[str], Changes]:
    results, changes = settle(state, commands, now)
    return [code(result) for result in results], changes


# The count


def test_rows_of_all_currencies_have_one_count() -> None:
    codes, changes = run(State(), credit(ANN, 500), gems(5), order("a"), gems(6), credit(BOB, 1))
    assert codes == ["done"] * 5
    assert [(row.customer, row.currency, row.seq, row.balance) for row in changes.rows] == [
        (ANN, "BELL", 1, 500),
        (ANN, "GEM", 2, 5),
        (ANN, "BELL", 3, 400),
        (ANN, "GEM", 4, 11),
        (BOB, "BELL", 1, 1),
    ]
    assert {key: each.seq for key, each in changes.wallets.items()} == {
        (ANN, "BELL"): 3,
        (ANN, "GEM"): 4,
        (BOB, "BELL"): 1,
    }
    assert set(changes.before.values()) == {0}


def test_the_count_goes_on_from_the_newest_row_of_any_wallet() -> None:
    state = holding(wallet("GEM", 9, NOW - HOUR), wallet("BELL", 4, NOW - HOUR), wallet("BELL", 30, NOW, customer=BOB))
    _, changes = run(state, order("a"), gems(1), credit(ANN, 1))
    assert [(row.currency, row.seq) for row in changes.rows] == [("BELL", 10), ("GEM", 11), ("BELL", 12)]
    assert changes.before == {(ANN, "BELL"): 4, (ANN, "GEM"): 9}
    _, changes = run(state, msgspec.structs.replace(credit(ANN, 1), currency="ZEN"))
    assert [(row.currency, row.seq, row.balance) for row in changes.rows] == [("ZEN", 10, 1)]
    assert changes.before == {(ANN, "ZEN"): 0}


def test_what_is_refused_counts_nothing() -> None:
    codes, changes = run(holding(wallet("BELL", 4, NOW, balance=100)), order("a", "b"), order("a"), order("a"))
    assert codes == ["insufficient_bells", "done", "already_owned"]
    assert [row.seq for row in changes.rows] == [5]


# The time


@pytest.mark.parametrize("back", [timedelta(microseconds=1), HOUR, timedelta(days=400)])
def test_time_never_runs_backwards_when_the_clock_is_set_back(back: timedelta) -> None:
    state = holding(wallet("BELL", 4, NOW))
    _, changes = run(state, order("a", expires_at=NOW + HOUR), now=NOW - back)
    assert [row.at for row in changes.rows] == [NOW]
    assert changes.wallets[ANN, "BELL"].moved_at == NOW
    assert changes.now == NOW - back, "vouchers and what is decided go by the clock"


def test_the_newest_row_of_any_currency_tells_the_time() -> None:
    state = holding(wallet("BELL", 4, NOW - 5 * HOUR), wallet("GEM", 9, NOW), wallet("BELL", 1, NOW, customer=BOB))
    _, changes = run(state, order("a"), gems(1), credit(BOB, 1), now=NOW - HOUR)
    assert [(row.customer, row.seq, row.at) for row in changes.rows] == [(ANN, 10, NOW), (ANN, 11, NOW), (BOB, 2, NOW)]
    assert {each.moved_at for each in changes.wallets.values()} == {NOW}
    _, changes = run(after(state, changes), order("b", expires_at=NOW + 2 * HOUR), now=NOW + HOUR)
    assert [row.at for row in changes.rows] == [NOW + HOUR], "the clock goes on once it has caught up"


def test_one_customers_time_is_no_others() -> None:
    state = holding(wallet("BELL", 4, NOW), wallet("BELL", 2, NOW - 2 * HOUR, customer=BOB))
    _, changes = run(state, credit(ANN, 1), credit(BOB, 1), now=NOW - HOUR)
    assert {row.customer: row.at for row in changes.rows} == {ANN: NOW, BOB: NOW - HOUR}


def test_what_is_decided_goes_by_the_clock_and_not_by_the_journals_time() -> None:
    clock, ends = NOW - 2 * HOUR, NOW - HOUR
    late = msgspec.structs.replace(lapsing("BELL", 4, ends), moved_at=NOW)
    codes, changes = run(
        holding(late),
        pay(ANN, line("a", 7), expires_at=ends),
        credit(ANN, 1, kind="bonus", expires_at=ends),
        now=clock,
    )
    assert codes == ["done", "done"]
    assert [(row.kind, row.at) for row in changes.rows] == [("payment", NOW), ("credit", NOW)]
    codes, changes = run(holding(late), order("a", expires_at=ends), now=ends)
    assert codes == ["token_expired"]
    assert [(row.kind, row.amount, row.at) for row in changes.rows] == [("expiry", -7, NOW)]


# One row for each cause


def test_a_payment_is_replayed_whose_journal_has_moved_on() -> None:
    state, paid = holding(wallet("BELL", 4, NOW - HOUR)), order("a", "b")
    [first], changes = settle(state, [paid], NOW)
    assert isinstance(first, Done)
    assert isinstance(first.record, Order)
    assert (first.record.seq, first.record.balance, first.record.paid_at) == (5, 300, NOW)
    moved = after(state, changes)
    _, more = run(moved, gems(5), order("c"), credit(ANN, 70), now=NOW + HOUR)
    moved = after(moved, more)
    [again, other], nothing = settle(moved, [paid, order("b", expires_at=NOW + 3 * HOUR)], NOW + 2 * HOUR)
    assert again == Done(first.record, replayed=True), "though it has ended and its bells are spent otherwise since"
    assert code(other) == "already_owned"
    assert not nothing
    assert (nothing.wallets, nothing.granted, nothing.used) == ({}, [], [])


def test_a_command_is_replayed_within_its_batch() -> None:
    voucher = UsedVoucher("v", 0)
    paid = msgspec.structs.replace(order("a"), vouchers=(voucher,))
    given = credit(ANN, 500, credit_id="c")
    results, changes = settle(State(), [given, paid, given, paid], NOW)
    assert [code(result) for result in results] == ["done", "done", "replayed", "replayed"]
    assert [result.record for result in results[2:] if isinstance(result, Done)] == [
        result.record for result in results[:2] if isinstance(result, Done)
    ]
    assert (len(changes.rows), changes.granted, len(changes.used)) == (2, [[], ["a"]], 1)


def test_a_credit_id_belongs_to_one_credit_whatever_its_currency() -> None:
    codes, changes = run(State(), credit(ANN, 5, credit_id="c"), gems(5, "c"), credit(BOB, 5, credit_id="c"))
    assert codes == ["done", "idempotency_mismatch", "done"]
    codes, nothing = run(after(State(), changes), gems(5, "c"), credit(ANN, 6, credit_id="c"))
    assert codes == ["idempotency_mismatch"] * 2
    assert not nothing


def test_another_customers_row_is_no_answer() -> None:
    state = holding(wallet("BELL", 4, NOW))
    paid = order("a")
    _, changes = run(state, paid)
    book = Book(after(state, changes), NOW)
    assert book.row(ANN, paid.order_id) == changes.rows[0]
    assert book.row(BOB, paid.order_id) is None
    assert book.row(ANN, uuid7()) is None
    [foreign], _ = run(after(state, changes), msgspec.structs.replace(paid, customer=BOB))
    assert foreign == "insufficient_bells"


def test_a_cause_is_a_hash_of_whose_and_what_it_is() -> None:
    cause = cause_of(ANN, "credit", "first")
    assert cause == UUID("00b6745a-b72e-e83d-db6d-21eca3eb8f28")
    others = [(BOB, "credit", "first"), (ANN, "expiry", "first"), (ANN, "credit", "firsT"), (ANN, "credit", "")]
    assert len({cause, *(cause_of(*each) for each in others)}) == 5
    assert {cause_of(*each).bytes[0] for each in others} == {0}, "orders' ids come after them"
    assert cause < uuid7()
    assert credit(ANN, 1, credit_id="first").cause == cause
    assert (paid := order("a")).cause == paid.order_id
    assert Expire(customer=ANN, currency="BELL").cause is None


def test_what_lapses_has_a_row_and_a_cause_each_time() -> None:
    state = holding(lapsing("BELL", 4, NOW - HOUR), lapsing("GEM", 3, NOW - HOUR))
    lapse = [Expire(customer=ANN, currency=currency) for currency in ("BELL", "GEM")]
    codes, changes = run(state, *lapse, *lapse)
    assert codes == ["done"] * 4
    assert [(row.currency, row.seq, row.amount, row.kind) for row in changes.rows] == [
        ("BELL", 5, -7, "expiry"),
        ("GEM", 6, -7, "expiry"),
    ]
    soon = credit(ANN, 7, kind="bonus", expires_at=NOW + HOUR)
    _, given = run(after(state, changes), soon)
    _, again = run(after(after(state, changes), given), lapse[0], now=NOW + HOUR)
    assert [row.kind for row in again.rows] == ["expiry"]
    rows = [*changes.rows, *again.rows]
    assert len({row.cause for row in rows}) == len(rows) == 3


# Rights


def test_a_right_is_granted_by_the_newest_row_only() -> None:
    book = Book(holding(wallet("BELL", 4, NOW)), NOW)
    nothing, kept = msgspec.Raw(b"[[],[]]"), (("paid",), (500,))
    first, second = (
        book.post(book.wallet(ANN, "BELL"), kept, 0, "payment", uuid7(), [], [], nothing) for _ in range(2)
    )
    with pytest.raises(AssertionError):
        book.grant(first, ["a"])
    book.grant(second, ["a", "b"])
    assert book.changes.granted == [[], ["a", "b"]]
    assert book.owned(ANN, ["b", "c", "a"]) == ["b", "a"]
    assert book.owned(BOB, ["a"]) == []
