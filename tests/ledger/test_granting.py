"""Rights without a payment: granted once, revoked by who has seen the grant, and never an order's right."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ledger.granting import Changed, Grant, Revoke
from lingdang.ledger.rules import Command, Result, settle
from lingdang.ledger.state import Changes, Right, State, Wallet
from support.money import credit, line, pay

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = 11
GRANT = Grant(customer=ANN, grant_id="g-1", product_id="a", reason="Gift")
REVOKE = Revoke(customer=ANN, revocation_id="v-1", product_id="a", reason="Mistake", granted_by=1)


def run(*commands: Command, state: State | None = None) -> tuple[list[Result], Changes]:
    return settle(state or State(), commands, NOW)


def codes(results: list[Result]) -> list[str]:
    return [
        result.code if isinstance(result, Problem) else "replayed" if result.replayed else "done" for result in results
    ]


def test_a_grant_is_a_row_without_bells() -> None:
    _, changes = run(GRANT)
    [row] = changes.rows
    assert (row.currency, row.amount, row.balance, row.accounts) == ("", 0, 0, [])
    assert changes.granted == [["a"]]


def test_the_same_grant_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    other = msgspec.structs.replace(GRANT, product_id="b")
    results, changes = run(GRANT, GRANT, other)
    assert codes(results) == ["done", "replayed", "idempotency_mismatch"]
    assert changes.granted == [["a"]]


def test_what_is_owned_is_not_granted_again() -> None:
    again = msgspec.structs.replace(GRANT, grant_id="g-2")
    results, changes = run(GRANT, again)
    assert codes(results) == ["done", "done"]
    assert results[1].record is None  # type: ignore[union-attr]
    assert len(changes.rows) == 1


def test_a_revocation_of_this_batch_leaves_neither_the_right_nor_its_end_to_be_written() -> None:
    results, changes = run(GRANT, REVOKE, REVOKE)
    assert codes(results) == ["done", "done", "replayed"]
    assert (changes.granted, changes.revoked) == ([[], []], [])
    assert results[1].record == Changed(product_id="a", seq=2, at=NOW)  # type: ignore[union-attr]


def test_an_older_right_is_ended() -> None:
    journal = Wallet(customer=ANN, currency="", seq=5)
    _, changes = run(REVOKE, state=State(wallets={(ANN, ""): journal}, rights={(ANN, "a"): 1}))
    assert changes.revoked == [Right(ANN, "a", 1)]


@pytest.mark.parametrize(
    ("rights", "fields"),
    [
        ({}, {}),
        ({(ANN, "a"): 7}, {}),
        ({(ANN, "a"): 1}, {"granted_by": None}),
        ({(22, "a"): 1}, {}),
        ({(ANN, "b"): 1}, {}),
    ],
)
def test_only_the_right_that_was_seen_is_ended(rights: dict[tuple[int, str], int], fields: dict[str, Any]) -> None:
    results, changes = run(msgspec.structs.replace(REVOKE, **fields), state=State(rights=dict(rights)))
    assert codes(results) == ["not_found"]
    assert not changes


def test_a_revoked_right_may_be_bought() -> None:
    order = pay(ANN, line("a", 5), expires_at=NOW + timedelta(hours=1))
    results, changes = run(credit(ANN, 5), GRANT, msgspec.structs.replace(REVOKE, granted_by=2), order)
    assert codes(results) == ["done"] * 4
    assert changes.granted[-1] == ["a"]
