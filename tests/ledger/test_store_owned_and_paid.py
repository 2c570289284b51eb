"""What a customer owns and has paid is asked about when their journal has grown since the checkout, not otherwise."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.flush import Statement
from lingdang.errors import Problem
from lingdang.ledger import store
from lingdang.ledger.paying import Pay
from lingdang.ledger.rules import Command
from lingdang.ledger.settlement import Settlement
from support.customers import key_of
from support.money import add_products, credit, line, open_settlement, pay


@pytest.fixture
def asked(database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The customers whose purchases were looked up, batch by batch."""
    add_products(database_url, "book-1", "book-2", "book-3")
    seen: list[list[int]] = []
    look_up = store._found

    def noted(bucket: int, commands: Sequence[Command]) -> list[Statement]:
        if payers := [command.customer for command in commands if isinstance(command, Pay)]:
            seen.append(payers)
        return look_up(bucket, commands)

    monkeypatch.setattr(store, "_found", noted)
    return seen


def paying(cust_id: str, book: str, transfers: int | None) -> Pay:
    return msgspec.structs.replace(pay(cust_id, line(book)), transfers=transfers)


async def outcome(settlement: Settlement, command: Pay) -> str:
    try:
        return "replayed" if (await settlement.submit(command)).replayed else "paid"
    except Problem as problem:
        return problem.code


async def test_nobody_is_asked_whose_journal_stands_still(database_url: str, asked: list[list[int]]) -> None:
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(name, 500)) for name in ("ann", "bob")))
        assert [await outcome(settlement, paying("ann", f"book-{n}", n)) for n in (1, 2, 3)] == ["paid"] * 3
        assert not asked
        assert await outcome(settlement, paying("bob", "book-1", 0)) == "paid"
        assert await outcome(settlement, paying("bob", "book-2", None)) == "paid"
    assert asked == [[key_of("bob")], [key_of("bob")]]


async def test_only_they_are_asked_whose_journal_has_grown(database_url: str, asked: list[list[int]]) -> None:
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(name, 500)) for name in ("ann", "bob", "cem")))
        await settlement.submit(credit("bob", 1))
        first = asyncio.ensure_future(settlement.submit(credit("dan", 1)))
        await asyncio.sleep(0)
        commands = [paying(name, "book-1", 1) for name in ("ann", "bob", "cem")]
        assert await asyncio.gather(*(outcome(settlement, each) for each in commands)) == ["paid"] * 3
        await first
    assert asked == [[key_of("bob")]]


async def test_an_older_checkout_of_the_same_book_is_refused(database_url: str, asked: list[list[int]]) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 500))
        order, other = paying("ann", "book-1", 1), paying("ann", "book-1", 1)
        assert await outcome(settlement, order) == "paid"
        assert await outcome(settlement, other) == "already_owned"
        assert await outcome(settlement, order) == "replayed"
        together = [paying("ann", "book-2", 2) for _ in range(8)]
        assert sorted(await asyncio.gather(*(outcome(settlement, each) for each in together))) == [
            *["already_owned"] * 7,
            "paid",
        ]


async def test_a_paid_order_is_answered_after_its_offer_ended(database_url: str, asked: list[list[int]]) -> None:
    now = system_clock()
    async with open_settlement(database_url, clock=lambda: now) as settlement:
        await settlement.submit(credit("ann", 100))
        order = paying("ann", "book-1", 1)
        assert await outcome(settlement, order) == "paid"
        now += timedelta(hours=1)
        assert await outcome(settlement, order) == "replayed"
        assert await outcome(settlement, paying("ann", "book-2", 2)) == "token_expired"


async def test_a_count_that_is_wrong_is_found_out(database_url: str, asked: list[list[int]]) -> None:
    """A database that was put back to an earlier day: its journals may have come to the same count another way."""
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(name, 500)) for name in ("ann", "bob")))
        order = paying("ann", "book-1", 1)
        assert await outcome(settlement, order) == "paid"
        beside = [paying("bob", "book-1", 1), paying("ann", "book-1", 2), msgspec.structs.replace(order, transfers=2)]
        answers = await asyncio.gather(*(outcome(settlement, each) for each in beside))
        assert answers == ["paid", "already_owned", "replayed"]
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT customer_id, balance, seq FROM wallet JOIN customer USING (customer) ORDER BY 1"
        )
        assert found.fetchall() == [("ann", 400, 2), ("bob", 400, 2)]


async def test_transfers_are_counted_over_all_currencies(database_url: str, asked: list[list[int]]) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 500))
        await settlement.submit(msgspec.structs.replace(credit("ann", 500), currency="GEM"))
        assert await outcome(settlement, paying("ann", "book-1", 2)) == "paid"
        assert not asked
        assert await outcome(settlement, paying("ann", "book-2", 2)) == "paid"
    assert asked == [[key_of("ann")]]
