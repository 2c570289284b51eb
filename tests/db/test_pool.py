"""Connections of a pool, as whoever borrowed them before has left them."""

from collections.abc import AsyncIterator

import pytest

from lingdang.db.pool import Pool, fetch_all, make_pool


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection."""
    pool = make_pool(database_url, 1, pgbouncer=False)
    await pool.open()
    yield pool
    await pool.close()


async def test_a_connection_that_was_left_in_a_pipeline_is_not_lent_again(single: Pool) -> None:
    async with single.connection() as connection:
        await connection.pipeline().__aenter__()  # whoever is cancelled here leaves no trace but this
    async with single.connection() as other:
        assert other is not connection
    assert await fetch_all(single, "SELECT 'here'") == [("here",)]


async def test_a_connection_that_was_left_well_is_lent_again(single: Pool) -> None:
    async with single.connection() as connection, connection.pipeline():
        await connection.execute("SELECT 1")
    async with single.connection() as other:
        assert other is connection
