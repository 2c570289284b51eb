"""A worker's connections are parted by purpose: whoever fills one share keeps nobody out of another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager

import psycopg
import pytest

from lingdang.bulkheads import LEAST, LIMITS, shares
from lingdang.db.pool import Connection, Pool, fetch_all, transaction
from lingdang.errors import Problem
from lingdang.keys import Keyring
from lingdang.owner import fetch_as, transaction_as
from lingdang.settings import Settings
from support.buyer import give, stock
from support.customers import owner_of
from support.people import api_key, login, open_session
from support.shop import open_shop
from support.tabs import until

FOR_EVER = "SELECT pg_sleep(3600)"
_HANGING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'product'::regclass"
WHO = "SELECT pg_backend_pid()"
ANN = owner_of("ann")


@pytest.mark.parametrize("connections", [LEAST, LEAST + 1, Settings().pool_size, 200])
def test_the_shares_are_all_connections_and_none_is_without(connections: int) -> None:
    sizes = shares(connections)
    assert sizes.keys() == LIMITS.keys()
    assert sum(sizes.values()) == connections
    assert min(sizes.values()) >= 1


@pytest.fixture(params=[False, True], ids=["direct", "pgbouncer"])
async def narrow(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    """A pool of one connection, whose statements may take a fifth of a second."""
    async with Pool(database_url, 1, request.param, waiting=1, statement_seconds=0.2) as pool:
        yield pool


async def test_a_statement_that_takes_too_long_is_stopped(narrow: Pool) -> None:
    for stopped in (
        fetch_all(narrow, FOR_EVER),
        fetch_as(narrow, ANN, FOR_EVER),
        _in(transaction(narrow)),
        _in(transaction_as(narrow, ANN)),
    ):
        await _is_refused(stopped)
        assert len(await fetch_as(narrow, ANN, WHO)) == 1


async def test_a_transaction_that_was_stopped_leaves_its_connection_as_it_was(narrow: Pool) -> None:
    before = await fetch_all(narrow, WHO)
    for stopped in (_in(transaction(narrow)), _in(transaction_as(narrow, ANN))):
        await _is_refused(stopped)
        assert await fetch_all(narrow, WHO) == before


async def _is_refused(stopped: Awaitable[object]) -> None:
    with pytest.raises(Problem) as refused:
        await stopped
    assert (refused.value.code, refused.value.headers) == ("overloaded", {"Retry-After": "5"})
    assert isinstance(refused.value.__cause__, psycopg.errors.QueryCanceled)


async def _in(opened: AbstractAsyncContextManager[Connection]) -> None:
    async with opened as connection:
        await connection.execute(FOR_EVER)


async def test_a_statement_takes_one_core(narrow: Pool) -> None:
    shown = "SHOW max_parallel_workers_per_gather"
    assert await fetch_all(narrow, shown) == [("0",)]
    async with transaction(narrow) as connection:
        assert await (await connection.execute(shown)).fetchone() == ("0",)


async def test_behind_pgbouncer_a_limit_ends_with_its_transaction(database_url: str) -> None:
    async with Pool(database_url, 1, True, statement_seconds=0.2) as pool:
        await fetch_all(pool, "SELECT")
        async with pool.connection() as connection:
            assert await (await connection.execute("SHOW statement_timeout")).fetchone() == ("0",)


async def test_what_yields_no_rows_is_run_too(narrow: Pool) -> None:
    assert await fetch_all(narrow, "DELETE FROM session_end") == []
    assert await fetch_all(narrow, "SELECT 1 WHERE false") == []


async def test_of_many_that_wait_the_first_are_served_and_the_rest_refused(narrow: Pool) -> None:
    async with transaction(narrow):
        calls = [asyncio.create_task(fetch_all(narrow, "SELECT 7")) for _ in range(5)]
        refused, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < 4:
            refused, waiting = await asyncio.wait(calls, timeout=0.01)
    assert [await call for call in waiting] == [[(7,)]]
    for call in refused:
        with pytest.raises(Problem, match="overloaded"):
            await call


async def test_searches_that_hang_keep_nobody_from_reading_signing_in_and_the_probe(
    database_url: str, keyring: Keyring
) -> None:
    """The catalogue is locked away, so that every search waits, and many more of them wait than there is room for."""
    async with open_shop(database_url, keyring) as shop:
        ann = await login(shop)
        stock(shop, "book-1")
        await give(shop, "ann", 100)
        assert (await ann.buy("book-1")).status_code == 200
        operator = await api_key(shop)
        async with await psycopg.AsyncConnection.connect(database_url) as lock:
            await lock.execute("LOCK TABLE product IN ACCESS EXCLUSIVE MODE")
            searches = [asyncio.create_task(ann.get("/v1/products", query="a")) for _ in range(150)]
            await until(lambda: bool(shop.sql(_HANGING)))
            assert (await ann.get("/v1/access", productId="book-1")).status_code == 204
            assert (await open_session(shop)).status_code == 201
            assert (await shop.http.get("/readyz")).status_code == 200
            assert (await ann.get("/v1/wallet")).status_code == 200
            assert (await ann.get("/v1/wallet/statement")).status_code == 200
            orders = await shop.http.get("/v1/admin/orders", params={"custId": "ann"}, headers=operator)
            assert (orders.status_code, len(orders.json()["items"])) == (200, 1)
            for answer in await asyncio.gather(*searches):
                assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
                assert int(answer.headers["Retry-After"]) >= 1
        assert (await ann.get("/v1/products", query="title")).json()["items"] == []
        assert (await ann.get("/v1/products")).json()["items"][0]["productId"] == "book-1"
