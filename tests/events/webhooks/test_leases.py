"""An endpoint is one process's at a time, until it lets go or is silent for too long."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from lingdang.db.pool import Connection
from lingdang.events.webhooks import places
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.leases import LeaseLostError, Leases
from support.journal import connected

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SILENT = "UPDATE webhook_lease SET until = clock_timestamp() - interval '1 second' WHERE endpoint_id = 'a'"


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[tuple[Connection, Connection]]:
    """Two processes' connections to a shop with the endpoints a, b and c."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(connected(database_url)) for _ in range(2)]
        for name in "abc":
            await put_endpoint(one, name, EndpointInput("https://hooks.example/"), 1, NOW)
        yield one, other


async def take(leases: Leases, connection: Connection) -> set[str]:
    async with connection.transaction():
        return (await leases.take(connection)).all


async def holds(leases: Leases, connection: Connection, endpoint_id: str) -> bool:
    try:
        async with connection.transaction():
            await leases.require(connection, endpoint_id, NOW)
    except LeaseLostError:
        return False
    return True


async def test_what_one_process_has_another_one_gets_when_the_first_is_silent_or_lets_go(
    connections: tuple[Connection, Connection],
) -> None:
    connection, _ = connections
    first, second = Leases(), Leases()
    assert not first.is_valid("a")
    assert await take(first, connection) == {"a", "b", "c"}
    await connection.execute("UPDATE webhook_lease SET until = until + interval '1 hour'")  # however slow this is
    assert await take(second, connection) == set()
    await connection.execute(SILENT)
    assert await take(second, connection) == {"a"}
    assert [await holds(first, connection, name) for name in "abc"] == [False, True, True]
    assert [await holds(second, connection, name) for name in "abc"] == [True, False, False]
    assert await take(first, connection) == {"b", "c"}
    await first.release(connection)
    assert await take(second, connection) == {"a", "b", "c"}
    assert not await holds(first, connection, "b")


async def test_a_lease_is_not_taken_from_who_is_writing_down(connections: tuple[Connection, Connection]) -> None:
    connection, other = connections
    first, second = Leases(), Leases()
    await take(first, connection)
    await connection.execute(SILENT)
    async with connection.transaction():
        await first.require(connection, "a", NOW)
        assert "a" not in await take(second, other)
    assert await take(second, other) >= {"a"}


async def test_nobody_sends_for_an_endpoint_that_is_paused_or_gone(connections: tuple[Connection, Connection]) -> None:
    connection, _ = connections
    leases = Leases()
    await places.note_gone(connection, "b", NOW)
    assert await take(leases, connection) == {"a", "c"}
    await connection.execute("DELETE FROM webhook_endpoint WHERE endpoint_id = 'c'")
    assert await take(leases, connection) == {"a"}
    assert not await holds(leases, connection, "c")


async def test_what_a_process_writes_down_takes_the_endpoint_from_nobody_and_not_from_itself(
    connections: tuple[Connection, Connection],
) -> None:
    connection, other = connections
    leases = Leases()
    await take(leases, connection)
    await connection.execute("UPDATE webhook_lease SET until = until + interval '1 hour'")  # however slow this is
    async with connection.transaction():
        await leases.require(connection, "a", NOW)
        async with other.transaction():
            leased = await leases.take(other)
    assert (leased.said, leased.new, leased.all) == ({"b", "c"}, set(), {"a", "b", "c"})
    assert leases.is_valid("a")


async def test_a_lease_of_an_endpoint_that_was_made_anew_is_another_one(
    connections: tuple[Connection, Connection],
) -> None:
    connection, _ = connections
    leases = Leases()
    await take(leases, connection)
    await connection.execute("DELETE FROM webhook_endpoint WHERE endpoint_id = 'a'")
    await put_endpoint(connection, "a", EndpointInput("https://hooks.example/"), 1, NOW + timedelta(seconds=1))
    async with connection.transaction():
        leased = await leases.take(connection)
    assert (leased.new, leased.all) == ({"a"}, {"a", "b", "c"})
    assert [await holds(leases, connection, name) for name in "ab"] == [False, True], "who began before may not write"
