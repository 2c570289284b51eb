"""The store against PostgreSQL: what it refuses to read and to write, and the epoch that positions need."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection, connect_options
from lingdang.errors import Problem
from lingdang.ledger import store
from lingdang.ledger.reconcile import reconcile
from lingdang.ledger.rules import Command, settle
from lingdang.ledger.state import Changes, Right
from support.customers import key_of, make_known
from support.money import add_products, credit, line, open_settlement, pay

ANN = key_of("ann")
LOAD = "SELECT ledger_load(0::smallint, now(), '{}', '{}', '{}', '{}', '{}', '{}')"
HOUR = timedelta(hours=1)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection that has begun nothing, to a database in which nothing was begun on this start of the server."""
    make_known(database_url, "ann")
    add_products(database_url, "a", "b")
    async with await Connection.connect(database_url, **connect_options(False)) as opened:
        yield opened


async def decide(connection: Connection, *commands: Command) -> Changes:
    """Load and decide a batch; it is not saved yet."""
    state, now = await store.load(connection, 0, commands, system_clock, Memory())
    return settle(state, commands, now)[1]


def rows(database_url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as asking:
        cursor = asking.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def money(database_url: str) -> list[tuple[Any, ...]]:
    return rows(
        database_url,
        "SELECT 'w' || w FROM wallet w UNION ALL SELECT 't' || t FROM transfer t UNION ALL"
        " SELECT 'e' || e FROM entitlement e ORDER BY 1",
    )


# What is loaded


async def test_a_transaction_that_has_written_loads_nothing(connection: Connection) -> None:
    """Readers of the journal tell a settlement by its lock, which must be there before the transaction's id."""
    await connection.execute("BEGIN")
    await connection.execute(LOAD.encode())
    await connection.execute(LOAD.encode())
    await connection.execute("CREATE TABLE written (a integer)")
    with pytest.raises(psycopg.errors.RaiseException, match="the transaction has written before"):
        await connection.execute(LOAD.encode())
    await connection.execute("ROLLBACK")
    await connection.execute(LOAD.encode())


async def test_a_savepoint_that_has_written_loads_nothing_either(connection: Connection) -> None:
    await connection.execute("BEGIN")
    await connection.execute("SAVEPOINT inside")
    await connection.execute("CREATE TABLE written (a integer)")
    await connection.execute("ROLLBACK TO SAVEPOINT inside")
    with pytest.raises(psycopg.errors.RaiseException, match="the transaction has written before"):
        await connection.execute(LOAD.encode())
    await connection.execute("ROLLBACK")


# The epoch


async def test_nothing_is_saved_without_an_epoch(connection: Connection, database_url: str) -> None:
    assert rows(database_url, "SELECT * FROM journal_epoch") == []
    changes = await decide(connection, credit(ANN, 100))
    with pytest.raises(psycopg.errors.CannotConnectNow, match="no epoch was begun"):
        await store.save(connection, 0, changes)
    await connection.rollback()
    assert money(database_url) == []
    await connection.execute(store.begin(0).encode())
    await store.save(connection, 0, await decide(connection, credit(ANN, 100)))
    assert rows(database_url, "SELECT balance, seq FROM wallet") == [(100, 1)]


async def test_a_new_connection_of_a_lane_begins_the_epoch_once(connection: Connection, database_url: str) -> None:
    asked = "SELECT bucket, started = pg_postmaster_start_time(), first - shift <= pg_current_xact_id()::text::bigint"
    for _ in range(2):
        lane = Lane(database_url, False, begin=store.begin(0))
        await lane.connection()
        await lane.close()
    assert rows(database_url, f"{asked} FROM journal_epoch") == [(0, True, True)]
    without = Lane(database_url, False)
    await without.connection()
    await without.close()
    assert rows(database_url, "SELECT count(*) FROM journal_epoch") == [(1,)]


async def test_a_settlement_that_finds_no_epoch_connects_anew_and_begins_one(
    connection: Connection, database_url: str
) -> None:
    """As on a standby that was promoted behind PgBouncer: the connection is the same, the server another."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit(ANN, 100))
        rows(database_url, "DELETE FROM journal_epoch")
        assert (await settlement.submit(credit(ANN, 100))).record.balance == 200
    assert rows(database_url, "SELECT count(*) FROM journal_epoch") == [(1,)]
    assert rows(database_url, "SELECT balance, seq FROM wallet") == [(200, 2)]


async def test_a_new_epoch_begins_above_all_that_is_there(connection: Connection, database_url: str) -> None:
    """Positions go on rising, whatever the server's ids and clock have come to."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit(ANN, 1))
    far = 2**62
    rows(database_url, f"UPDATE transfer SET position = {far}")
    rows(database_url, "UPDATE journal_epoch SET started = started - interval '1 day'")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit(ANN, 1))
    [(first, second)] = rows(database_url, "SELECT min(position), max(position) FROM transfer WHERE seq IN (1, 2)")
    assert first == far < second
    [(after, begun)] = rows(database_url, "SELECT after, first FROM journal_epoch ORDER BY started DESC LIMIT 1")
    assert after == far
    assert far + 2**32 <= begun <= far + 2**33, "above whatever a restore may have taken from here"


# What is saved


async def test_currencies_share_a_count_and_a_time_that_is_never_set_back(
    connection: Connection, database_url: str
) -> None:
    """By several workers, each with another clock, and each of which reads what the one before has left."""
    start = system_clock()
    moments: list[datetime] = []
    for hours, currency in ((0, "BELL"), (-3, "GEM"), (-9, "BELL"), (2, "GEM"), (1, "BELL")):
        now = start + hours * HOUR
        async with open_settlement(database_url, clock=lambda now=now: now) as settlement:
            done = await settlement.submit(msgspec.structs.replace(credit(ANN, 5), currency=currency))
            moments.append(done.record.credited_at)
    assert moments == [start, start, start, start + 2 * HOUR, start + 2 * HOUR]
    assert rows(database_url, "SELECT seq, currency, balance, at FROM transfer ORDER BY seq") == [
        (1, "BELL", 5, moments[0]),
        (2, "GEM", 5, moments[1]),
        (3, "BELL", 10, moments[2]),
        (4, "GEM", 10, moments[3]),
        (5, "BELL", 15, moments[4]),
    ]
    assert rows(database_url, "SELECT currency, seq, moved_at FROM wallet ORDER BY currency") == [
        ("BELL", 5, moments[4]),
        ("GEM", 4, moments[3]),
    ]
    with psycopg.connect(database_url, autocommit=True) as books:
        assert reconcile(books).differences == []


async def test_a_payment_is_replayed_whose_journal_has_moved_on(connection: Connection, database_url: str) -> None:
    """By a worker that knows nothing of it, though the offer has ended and the count is another."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit(ANN, 500))
        paid = msgspec.structs.replace(pay(ANN, line("a")), transfers=1)
        first = await settlement.submit(paid)
        await settlement.submit(msgspec.structs.replace(credit(ANN, 5), currency="GEM"))
        await settlement.submit(pay(ANN, line("b")))
    before = money(database_url)
    async with open_settlement(database_url, clock=lambda: system_clock() + 9 * HOUR) as settlement:
        again = await settlement.submit(paid)
    assert (first.replayed, again.replayed, again.record) == (False, True, first.record)
    assert money(database_url) == before


async def test_another_customers_order_id_is_refused_and_changes_nothing(
    connection: Connection, database_url: str
) -> None:
    make_known(database_url, "bob")
    async with open_settlement(database_url) as settlement:
        for name in ("ann", "bob"):
            await settlement.submit(credit(name, 500))
        paid = pay("ann", line("a"))
        await settlement.submit(paid)
        before = money(database_url)
        with pytest.raises(Problem) as refused:
            await settlement.submit(msgspec.structs.replace(paid, customer=key_of("bob")))
        assert refused.value.code == "internal_error"
        assert money(database_url) == before


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        ("UPDATE wallet SET seq = 7", "0 of 1 wallets written"),
        ("DELETE FROM wallet", "0 of 1 wallets written"),
    ],
)
async def test_a_wallet_that_is_not_as_it_was_read_is_not_written(
    connection: Connection, database_url: str, meanwhile: str, message: str
) -> None:
    await connection.execute(store.begin(0).encode())
    await store.save(connection, 0, await decide(connection, credit(ANN, 100)))
    changes = await decide(connection, credit(ANN, 100))
    rows(database_url, meanwhile)
    before = money(database_url)
    with pytest.raises(psycopg.errors.RaiseException, match=message):
        await store.save(connection, 0, changes)
    await connection.rollback()
    assert money(database_url) == before


async def test_a_right_is_revoked_by_the_row_that_granted_it(connection: Connection, database_url: str) -> None:
    await connection.execute(store.begin(0).encode())
    await store.save(connection, 0, await decide(connection, credit(ANN, 500), pay(ANN, line("a"), line("b"))))
    assert rows(database_url, "SELECT product_id, granted_by FROM entitlement ORDER BY 1") == [("a", 2), ("b", 2)]
    before = money(database_url)
    for wrong in (Right(ANN, "a", 1), Right(ANN, "c", 2), Right(key_of("bob"), "a", 2)):
        with pytest.raises(psycopg.errors.RaiseException, match="1 of 2 rights revoked"):
            await store.save(connection, 0, Changes(system_clock(), revoked=[Right(ANN, "b", 2), wrong]))
        await connection.rollback()
        assert money(database_url) == before
    await store.save(connection, 0, Changes(system_clock(), revoked=[Right(ANN, "b", 2)]))
    assert rows(database_url, "SELECT product_id, granted_by FROM entitlement ORDER BY 1") == [("a", 2)]
