"""Readers of the journal see each row once, in one order, however settlements end; others do not hold them back."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.db.pool import Connection
from lingdang.journal.positions import RowsAfter, read_on
from lingdang.ledger import store
from lingdang.ledger.rules import Command
from lingdang.ledger.settlement import Settlement
from support.customers import key_of, make_known
from support.journal import connected, in_flight, sql, write
from support.money import credit, open_settlement
from support.tabs import until

ANN, BOB = key_of("ann"), key_of("bob")


async def settle_one(database_url: str, command: Command) -> None:
    """Settle a command through a settlement of its own."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(command)


def names(read: RowsAfter) -> list[tuple[int, int]]:
    return [(place.customer, place.seq) for place in read.places]


async def test_a_reader_waits_for_a_settlement_that_began_before(database_url: str) -> None:
    make_known(database_url, "ann", "bob")
    async with in_flight(database_url, credit(ANN, 100)) as slow, connected(database_url) as reader:
        await settle_one(database_url, credit(BOB, 100))
        nothing = await read_on(reader, 0, 0, 100)
        assert (nothing.places, nothing.cursor, nothing.more) == ([], 0, False)
        await slow.execute("COMMIT")
        both = await read_on(reader, 0, nothing.cursor, 100)
        assert names(both) == [(ANN, 1), (BOB, 1)]
        assert names(await read_on(reader, 0, both.cursor, 100)) == []


async def test_what_came_before_a_settlement_in_flight_is_there(database_url: str) -> None:
    await settle_one(database_url, credit(BOB, 100))
    make_known(database_url, "ann")
    async with in_flight(database_url, credit(ANN, 100)), connected(database_url) as reader:
        await settle_one(database_url, credit(BOB, 100))
        assert names(await read_on(reader, 0, 0, 100)) == [(BOB, 1)]


async def test_a_settlement_that_was_undone_leaves_no_gap(database_url: str) -> None:
    make_known(database_url, "ann", "bob")
    async with in_flight(database_url, credit(ANN, 100)) as slow, connected(database_url) as reader:
        async with open_settlement(database_url) as settlement:
            await settlement.submit(credit(BOB, 100))
            await slow.execute("ROLLBACK")
            await settlement.submit(credit(ANN, 100))
        assert names(await read_on(reader, 0, 0, 100)) == [(BOB, 1), (ANN, 1)]


async def test_a_settlement_whose_backend_was_killed_leaves_no_gap(database_url: str) -> None:
    make_known(database_url, "ann", "bob")
    async with connected(database_url) as reader:
        with suppress(psycopg.OperationalError):
            async with in_flight(database_url, credit(ANN, 100)) as slow:
                await settle_one(database_url, credit(BOB, 100))
                sql(database_url, f"SELECT pg_terminate_backend({slow.info.backend_pid}, 60000)")
        assert names(await read_on(reader, 0, 0, 100)) == [(BOB, 1)]


async def test_a_settlement_that_only_waits_holds_no_reader_back(database_url: str) -> None:
    """It has the lock that all settlements share and no id yet: the one it gets is above what is read."""
    make_known(database_url, "ann")
    async with connected(database_url) as waiting, connected(database_url) as reader:
        await store.load(waiting, 0, [credit(ANN, 100)], system_clock, Memory())
        await settle_one(database_url, credit(BOB, 100))
        assert names(await read_on(reader, 0, 0, 100)) == [(BOB, 1)]


IMPORT = ("CREATE TABLE imported (a integer)",)
OF_ANOTHER_DATABASE = ("SELECT pg_current_xact_id()",)
SETTLING_IN_ANOTHER_DATABASE = ("SELECT pg_advisory_xact_lock_shared(7308319, 2)", *OF_ANOTHER_DATABASE)
WITH_A_SAVEPOINT = ("CREATE TABLE imported (a integer)", "SAVEPOINT s", "CREATE TABLE another (a integer)")


@pytest.mark.parametrize(
    ("elsewhere", "statements"),
    [
        (False, IMPORT),
        (False, WITH_A_SAVEPOINT),
        (True, OF_ANOTHER_DATABASE),
        (True, SETTLING_IN_ANOTHER_DATABASE),
    ],
    ids=["import", "import with a savepoint", "another database", "a settlement of another database"],
)
async def test_another_writer_holds_no_reader_back(
    database_url: str, postgres: str, elsewhere: bool, statements: Sequence[str]
) -> None:
    async with connected(postgres if elsewhere else database_url) as other, connected(database_url) as reader:
        await other.execute("BEGIN")
        for statement in statements:
            await other.execute(statement.encode())
        await settle_one(database_url, credit(ANN, 100))
        assert names(await read_on(reader, 0, 0, 100)) == [(ANN, 1)]
        await other.execute("ROLLBACK")


async def test_a_page_ends_with_a_whole_transaction(database_url: str) -> None:
    make_known(database_url, "ann", "bob")
    async with connected(database_url) as writer:
        await write(writer, [credit(ANN, 1), credit(BOB, 1), credit(ANN, 1)])
        await write(writer, [credit(BOB, 1)])
        for most in (1, 2, 3):
            first = await read_on(writer, 0, 0, most)
            assert names(first) == [(ANN, 1), (ANN, 2), (BOB, 1)], "one transaction, by customer and seq"
            assert first.more
        assert names(await read_on(writer, 0, 0, 4)) == [*names(first), (BOB, 2)]
        for _ in range(2):
            second = await read_on(writer, 0, first.cursor, 1)
            assert names(second) == [(BOB, 2)], "a cursor read again gives the same, and nothing twice"
        end = await read_on(writer, 0, second.cursor, 1)
        assert (end.places, end.cursor, end.more) == ([], second.cursor, False)


async def test_each_bucket_has_a_journal_of_its_own(database_url: str) -> None:
    async with open_settlement(database_url, buckets=2) as settlement, connected(database_url) as reader:
        keys = [key_of(f"cust-{number}") for number in range(12)]
        for key in keys:
            await settlement.submit(credit(key, 1))
        for bucket in range(2):
            expected = [(key, 1) for key in keys if key % 2 == bucket]
            assert names(await read_on(reader, bucket, 0, 100)) == expected


async def test_a_new_start_of_the_server_goes_on_above(database_url: str) -> None:
    """Before its first settlement the journal is what earlier starts left; what comes then is above it."""
    async with connected(database_url) as reader:
        assert await read_on(reader, 0, 0, 100) == RowsAfter([], 0, False)
        await settle_one(database_url, credit(ANN, 100))
        sql(database_url, "UPDATE journal_epoch SET started = started - interval '1 day'")
        left = await read_on(reader, 0, 0, 100)
        assert names(left) == [(ANN, 1)]
        await settle_one(database_url, credit(ANN, 100))
        assert names(await read_on(reader, 0, left.cursor, 100)) == [(ANN, 2)]
        [(gap,)] = sql(database_url, "SELECT max(position) - min(position) FROM transfer")
        assert isinstance(gap, int)
        assert gap > 0
        assert sql(database_url, "SELECT count(*) FROM journal_epoch") == [(2,)]


async def test_a_reader_misses_nothing_of_the_first_settlements(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They begin after it has asked for the horizon: one is over before it reads, and one that began earlier is not."""
    make_known(database_url, "ann", "bob")
    async with connected(database_url) as reader, AsyncExitStack() as stack:
        execute = reader.execute
        began: list[Connection] = []

        async def slowly(query: Any, *rest: Any, **more: Any) -> Any:
            answer = await execute(query, *rest, **more)
            if not began:
                began.append(await stack.enter_async_context(in_flight(database_url, credit(ANN, 100))))
                await settle_one(database_url, credit(BOB, 100))
            return answer

        monkeypatch.setattr(reader, "execute", slowly)
        first = await read_on(reader, 0, 0, 100)
        assert names(first) == []
        await began[0].execute("COMMIT")
        assert names(await read_on(reader, 0, first.cursor, 100)) == [(ANN, 1), (BOB, 1)]


SLOW_COMMITS = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.01 * random());
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON wallet DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
CREATE CONSTRAINT TRIGGER dawdles_too AFTER UPDATE ON wallet DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
"""Transactions end in another order than they began to write in."""

KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND query ~ 'ledger_(load|save)|^COMMIT' LIMIT 1
"""


async def test_a_reader_beside_settlements_misses_nothing(database_url: str) -> None:
    """Two workers settle for the same customers; an import holds an id, and a worker's connection is killed."""
    customers = [key_of(f"cust-{number}") for number in range(6)]
    sql(database_url, SLOW_COMMITS)
    seen: list[tuple[int, int]] = []

    async def credit_on(settlement: Settlement, first: int) -> None:
        for number in range(first, 120, 4):
            await settlement.submit(credit(customers[number % 6], 1, credit_id=f"{os.getpid()}-{number}"))

    async def read_until(settled: "asyncio.Future[list[None]]") -> int:
        cursor = 0
        async with connected(database_url) as reader:
            while True:
                over = settled.done()
                page = await read_on(reader, 0, cursor, 5)
                assert [place.position for place in page.places] == sorted(place.position for place in page.places)
                seen.extend(names(page))
                cursor = page.cursor
                if over and not page.more:
                    return cursor
                await asyncio.sleep(0)

    async with (
        connected(database_url) as importing,
        open_settlement(database_url) as one,
        open_settlement(database_url) as two,
    ):
        await importing.execute("BEGIN")
        await importing.execute("CREATE TABLE imported (a integer)")
        settled = asyncio.gather(*(credit_on((one, two)[first % 2], first) for first in range(4)))
        reading = asyncio.create_task(read_until(settled))
        await asyncio.sleep(0.2)
        await until(lambda: sql(database_url, KILL) == [(True,)])
        await settled
        cursor = await reading
        await importing.execute("ROLLBACK")
    assert len(seen) == len(set(seen)) == 120
    for customer in customers:
        assert [seq for key, seq in seen if key == customer] == list(range(1, 21)), "in the order of their own journal"
    assert sql(database_url, "SELECT max(position), count(*) FROM transfer") == [(cursor, 120)]


@contextmanager
def preparing_server(place: Path) -> Iterator[EmbeddedServer]:
    """A running server that takes prepared transactions, with an empty shop."""
    server = EmbeddedServer(place)
    try:
        sql(server.start(), "ALTER SYSTEM SET max_prepared_transactions = 2")
        server.stop()
        url = server.start()
        sql(url, "CREATE DATABASE shop")
        migrate(url.replace("/postgres?", "/shop?", 1))
        yield server
    finally:
        server.stop()


@pytest.mark.slow
async def test_what_was_prepared_holds_a_reader_back_until_it_is_over(tmp_path: Path) -> None:
    """Nobody can tell whether it is a settlement: pg_locks says of a prepared transaction only that it is there.

    It survives the server: its rows stand in the epoch in which it was prepared, below what came after it.
    """
    with preparing_server(tmp_path) as server:
        shop = server.start().replace("/postgres?", "/shop?", 1)
        await settle_one(shop, credit(BOB, 100))
        make_known(shop, "ann")
        async with in_flight(shop, credit(ANN, 100)) as slow, connected(shop) as reader:
            await slow.execute("PREPARE TRANSACTION 'later'")
            await settle_one(shop, credit(BOB, 100))
            first = await read_on(reader, 0, 0, 100)
            assert names(first) == [(BOB, 1)]
            await reader.execute("COMMIT PREPARED 'later'")
            second = await read_on(reader, 0, first.cursor, 100)
            assert names(second) == [(ANN, 1), (BOB, 2)]
        async with in_flight(shop, credit(ANN, 100)) as slow:
            await slow.execute("PREPARE TRANSACTION 'much later'")
            await settle_one(shop, credit(BOB, 100))
        server.stop()
        shop = server.start().replace("/postgres?", "/shop?", 1)
        async with connected(shop) as reader:
            assert names(await read_on(reader, 0, second.cursor, 100)) == [], (
                "before the first settlement of this start"
            )
            await settle_one(shop, credit(BOB, 100))
            assert names(await read_on(reader, 0, second.cursor, 100)) == [], "and after it"
            await reader.execute("COMMIT PREPARED 'much later'")
            assert names(await read_on(reader, 0, second.cursor, 100)) == [(ANN, 2), (BOB, 3), (BOB, 4)]
