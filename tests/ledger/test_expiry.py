"""Tens of thousands of lots that end together: several workers share them, none is booked out twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.ledger import expiry
from lingdang.ledger.expiry import SHARES, ExpirySweep
from lingdang.ledger.reconcile import reconcile
from support.money import open_settlement

MANY = 6_000

# As ledger_write leaves a bonus of two bells that has lapsed since.
_FILL = """
WITH gift AS (
    SELECT n AS customer, 'bonus@2020-01-01T00:00:00.000Z' AS lot FROM generate_series(1, %(many)s) AS n),
known AS (
    INSERT INTO customer (customer, customer_id, created_at)
    SELECT customer, 'c' || customer, '2019-01-01 00:00Z' FROM gift),
moved AS (
    INSERT INTO transfer (amount, balance, at, position, customer, seq, bucket, currency, kind, amounts, accounts,
                          cause, detail)
    SELECT 2, 2, '2019-01-01 00:00Z', 1, customer, 1, 0, 'BELL', 'credit', '{-2, 2}',
           json_build_array('clearing:bonus', 'wallet:' || lot),
           encode('\\x00' || substr(sha256(convert_to(customer || ' credit gift', 'UTF8')), 1, 15), 'hex')::uuid,
           json_build_object('creditId', 'gift', 'kind', 'bonus', 'reason', 'a gift',
                             'expiresAt', '2020-01-01T00:00:00Z')
      FROM gift)
INSERT INTO wallet (next_expiry, customer, bucket, currency, lots, remaining, balance, moved_at, seq)
SELECT '2020-01-01 00:00Z', customer, 0, 'BELL', ARRAY[lot], '{2}', 2, '2019-01-01 00:00Z', 1 FROM gift
"""


def fill(database_url: str, many: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_FILL, {"many": many})


def rows(database_url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(sql.encode()).fetchall()


@asynccontextmanager
async def workers(database_url: str, count: int) -> AsyncIterator[list[ExpirySweep]]:
    """As many workers, each with its pool and its settlement."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            pool = await stack.enter_async_context(Pool(database_url, 2, False))
            settlement = await stack.enter_async_context(open_settlement(database_url))
            made.append(ExpirySweep(pool, settlement, system_clock, lambda: 0.0))
        yield made


async def test_two_workers_share_a_mass_expiry(database_url: str) -> None:
    fill(database_url, MANY)
    async with workers(database_url, 2) as sweeps:
        while any(await asyncio.gather(*(sweep.run() for sweep in sweeps))):
            pass
        assert sum(sweep.wallets for sweep in sweeps) == MANY, "none is given to both"
        assert min(sweep.wallets for sweep in sweeps) >= MANY // 10, "and both have worked"
    assert rows(database_url, "SELECT count(*), sum(balance), max(seq) FROM wallet") == [(MANY, 0, 2)]
    booked = "SELECT count(*), sum(amount) FROM transfer WHERE kind = 'expiry'"
    assert rows(database_url, booked) == [(MANY, -2 * MANY)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert reconcile(connection).differences == []


async def test_a_share_that_another_is_at_is_passed_over(database_url: str) -> None:
    fill(database_url, 500)
    taken = [f"SELECT pg_advisory_xact_lock(hashtextextended('expiry', {share}))" for share in range(SHARES // 2)]
    left = f"SELECT count(*) FROM wallet WHERE balance > 0 AND customer % {SHARES}"
    async with workers(database_url, 1) as [sweep]:
        with psycopg.connect(database_url) as other:
            for lock in taken:
                other.execute(lock.encode())
            assert await sweep.run() is False
            assert rows(database_url, f"{left} >= {SHARES // 2}") == [(0,)]
            [(others,)] = rows(database_url, f"{left} < {SHARES // 2}")
            assert sweep.wallets == 500 - int(str(others)) < 500
        assert await sweep.run() is False
    assert sweep.wallets == 500


async def test_a_round_ends_in_time_and_says_that_work_is_left(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database_url, 50)
    async with workers(database_url, 1) as [sweep]:
        monkeypatch.setattr(expiry, "ROUND_SECONDS", 0.0)
        assert await sweep.run() is True
        monkeypatch.setattr(expiry, "ROUND_SECONDS", 3600.0)
        assert await sweep.run() is False
        assert await sweep.run() is False, "there is nothing any more"
    assert sweep.wallets == 50


async def test_what_finds_no_room_is_left_and_found_again(database_url: str) -> None:
    fill(database_url, 1000)
    left = "SELECT count(*) FROM wallet WHERE balance > 0"
    async with Pool(database_url, 2, False) as pool, open_settlement(database_url, queue_limit=10) as narrow:
        sweep = ExpirySweep(pool, narrow, system_clock, lambda: 0.0)
        await sweep.run()
        assert rows(database_url, left) == [(1000 - sweep.wallets,)]
        assert 0 < sweep.wallets < 1000
        while rows(database_url, left) != [(0,)]:
            await sweep.run()
    assert sweep.wallets == 1000
