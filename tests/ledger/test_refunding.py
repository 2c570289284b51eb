"""Refunding, decided: which lines, into which lots, what lapses, and what is refused with the book as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.lots import lot_name
from lingdang.ledger.refunding import Refund, Refunded
from lingdang.ledger.rules import Command, Result, settle
from lingdang.ledger.state import Changes, State, Wallet
from support.money import line, pay

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANN = 11
ORDER = uuid7()
BONUS = lot_name("bonus", NOW + DAY)


def paid(*names: str, vouchers: tuple[UsedVoucher, ...] = (), discount: int = 0) -> Command:
    lines = [line(name, 100, discount) for name in names]
    return msgspec.structs.replace(
        pay(ANN, *lines, order_id=ORDER, expires_at=NOW + timedelta(hours=1)), vouchers=vouchers
    )


def refund(*names: str, **fields: Any) -> Refund:
    asked: dict[str, Any] = {
        "refund_id": "r-1",
        "by": "operator",
        "ordered": ("a", "b", "c"),
        "product_ids": names or None,
        "reason": "other",
    }
    return Refund(customer=ANN, order_id=ORDER, **(asked | fields))


def held() -> State:
    """60 bells that end tomorrow and 1,000 that do not."""
    wallet = Wallet(
        customer=ANN,
        currency="BELL",
        balance=1060,
        seq=5,
        moved_at=NOW,
        lots=(BONUS, "paid"),
        remaining=(60, 1000),
        next_expiry=NOW + DAY,
    )
    return State(wallets={(ANN, "BELL"): wallet})


def run(*commands: Command, state: State | None = None, now: datetime = NOW) -> tuple[list[Result], Changes]:
    return settle(state or held(), commands, now)


def codes(results: list[Result]) -> list[str]:
    return [r.code if isinstance(r, Problem) else "replayed" if r.replayed else "done" for r in results]


def of(result: Result) -> Refunded:
    assert not isinstance(result, Problem), result.code
    assert isinstance(result.record, Refunded)
    return result.record


def test_bells_go_back_to_their_lots_the_last_taken_first() -> None:
    (_, first, rest), changes = run(paid("a", "b", "c"), refund("a"), refund(refund_id="r-2"))
    assert of(first).lots == [("paid", 100)]
    assert (of(rest).lots, of(rest).refunded) == ([("paid", 140), (BONUS, 60)], 200)
    wallet = changes.wallets[ANN, "BELL"]
    assert (wallet.balance, wallet.lots, wallet.remaining) == (1060, (BONUS, "paid"), (60, 1000))
    assert all(sum(row.amounts) == 0 for row in changes.rows)
    assert changes.granted == [[], [], []]


@pytest.mark.parametrize(
    ("extend", "lots", "balance"),
    [(None, [("paid", 240)], 1000), (30 * DAY, [("paid", 240), (lot_name("bonus", NOW + 32 * DAY), 60)], 1060)],
)
def test_bells_whose_end_is_past(extend: timedelta | None, lots: list[tuple[str, int]], balance: int) -> None:
    later = NOW + 2 * DAY - timedelta(milliseconds=1)
    _, before = run(paid("a", "b", "c"))
    state = State(
        wallets=dict(before.wallets), rows=list(before.rows), rights=dict.fromkeys([(ANN, n) for n in "abc"], 6)
    )
    [result], changes = run(refund(extend=extend), state=state, now=later)
    assert (of(result).lots, of(result).balance) == (lots, balance)
    [row] = changes.rows
    assert ("breakage" in row.accounts) == (extend is None)
    assert sum(row.amounts) == 0


@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), max_size=4))
def test_no_line_comes_back_twice_and_never_more_than_was_paid(parts: list[set[str]]) -> None:
    refunds = [refund(*sorted(part), refund_id=f"r-{number}") for number, part in enumerate(parts)]
    results, changes = run(paid("a", "b", "c"), *refunds)
    done = [of(result) for result in results[1:] if not isinstance(result, Problem)]
    gone = [name for one in done for name, _ in one.lines]
    assert len(gone) == len(set(gone))
    assert set(codes(results[1:])) <= {"done", "already_refunded"}
    assert changes.wallets[ANN, "BELL"].balance == 760 + 100 * len(gone)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (refund("z"), "not_found"),
        (refund("a", "z"), "not_found"),
        (msgspec.structs.replace(refund(), order_id=UUID(int=1)), "not_found"),
        (msgspec.structs.replace(refund(), customer=22), "not_found"),
        (refund(offered=False), "refund_not_allowed"),
        (refund(within=timedelta(seconds=-1)), "refund_not_allowed"),
    ],
)
def test_what_is_refused_changes_nothing(asked: Refund, code: str) -> None:
    results, changes = run(paid("a", "b", "c"), asked)
    assert codes(results) == ["done", code]
    assert len(changes.rows) == 1
    assert changes.granted == [["a", "b", "c"]]


def test_a_repeat_must_ask_the_same() -> None:
    asked = refund("a", "b", note="N")
    other_order = msgspec.structs.replace(asked, product_ids=("b", "a"))
    results, _ = run(
        paid("a", "b", "c"),
        asked,
        asked,
        other_order,
        msgspec.structs.replace(asked, note=None),
        msgspec.structs.replace(asked, reason="fraud"),
        msgspec.structs.replace(asked, by="customer"),
    )
    assert codes(results) == [
        "done",
        "done",
        "replayed",
        "replayed",
        "idempotency_mismatch",
        "idempotency_mismatch",
        "already_refunded",
    ]


def test_an_order_with_vouchers_comes_back_whole_and_so_does_the_voucher() -> None:
    order = paid("a", "b", "c", vouchers=(UsedVoucher("v-1", 30),), discount=10)
    results, changes = run(order, refund("a"), refund(refund_id="r-2"))
    assert codes(results) == ["done", "refund_not_allowed", "done"]
    assert of(results[2]).vouchers == ["v-1"]
    assert [use.saves for use in changes.used] == [30, None]
    assert changes.wallets[ANN, "BELL"].balance == 1060


@pytest.mark.parametrize("fields", [{"reason": "fraud"}, {"vouchers_back": False}])
def test_a_voucher_may_stay_used(fields: dict[str, Any]) -> None:
    order = paid("a", "b", "c", vouchers=(UsedVoucher("v-1", 30),), discount=10)
    (_, result), changes = run(order, refund(**fields))
    assert of(result).vouchers == []
    assert [use.saves for use in changes.used] == [30]


def test_only_a_customers_own_refund_asks_what_was_opened() -> None:
    state = held()
    state.opened.add((ANN, "b"))
    results, _ = run(paid("a", "b", "c"), refund(by="customer"), refund("a", by="customer"), refund("b"), state=state)
    assert codes(results) == ["done", "refund_not_allowed", "done", "done"]
    refused = results[1]
    assert isinstance(refused, Problem)
    assert refused.members["reasons"] == {"b": "opened"}
