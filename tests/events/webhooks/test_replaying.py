"""A replay is the part of the past that was asked for, of what has been sent already: what is new comes by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.events.webhooks import places
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.places import Replay
from lingdang.events.webhooks.replaying import MOST_REPLAYS, Part, ask_replay
from support.journal import connected, sql
from support.tabs import until

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CURSORS = (50, 80)
END = 2**63 - 1
REPLAY = UUID(int=7)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """A transaction with two endpoints of two buckets, which leaves nothing behind."""
    async with connected(shared_database_url) as opened, opened.transaction(force_rollback=True):
        for endpoint_id in ("main", "other"):
            await put_endpoint(opened, endpoint_id, EndpointInput("https://hooks.example/"), 2, NOW)
        for bucket, position in enumerate(CURSORS):
            await opened.execute("UPDATE webhook_cursor SET position = %s WHERE bucket = %s", (position, bucket))
        yield opened


async def rows(connection: Connection) -> list[Any]:
    columns = "endpoint_id, replay_id, bucket, position, upto"
    statement = f"SELECT {columns} FROM webhook_replay ORDER BY requested_at, 1, 2, 3"
    return await (await connection.execute(statement.encode())).fetchall()


@pytest.mark.parametrize(
    ("after", "upto", "parts"),
    [
        ((0, 0), (END, END), [(0, 0, 50), (1, 0, 80)]),
        ((10, 20), (40, 60), [(0, 10, 40), (1, 20, 60)]),
        ((10, 20), (70, 90), [(0, 10, 50), (1, 20, 80)]),
        ((50, 20), (END, END), [(1, 20, 80)]),
        ((49, 90), (END, END), [(0, 49, 50)]),
        ((30, 30), (30, 29), []),
        ((50, 80), (END, END), []),
    ],
)
async def test_of_each_bucket_is_sent_again_what_was_asked_for_up_to_its_cursor(
    connection: Connection, after: tuple[int, int], upto: tuple[int, int], parts: list[tuple[int, int, int]]
) -> None:
    await ask_replay(connection, "main", REPLAY, Part(after, upto, None, None), NOW)
    assert await rows(connection) == [("main", REPLAY, *part) for part in parts]


async def test_its_courier_reads_what_was_asked_for(connection: Connection) -> None:
    await ask_replay(connection, "main", REPLAY, Part((10, 80), (40, 80), ("order.paid",), 12), NOW)
    assert await places.next_replay(connection, "main") == Replay(REPLAY, 0, 10, 40, ["order.paid"], 12)
    assert await places.next_replay(connection, "other") is None


async def test_so_many_replays_are_under_way_at_most_and_one_more_changes_nothing(connection: Connection) -> None:
    part = Part((0, 0), (END, END), None, None)
    for _ in range(MOST_REPLAYS):
        await ask_replay(connection, "main", uuid4(), part, NOW)
    before = await rows(connection)
    assert len(before) == 2 * MOST_REPLAYS
    with pytest.raises(Problem) as refused:
        await ask_replay(connection, "main", uuid4(), part, NOW)
    assert (refused.value.code, refused.value.kind.status) == ("replays_full", 409)
    assert refused.value.members == {"limit": MOST_REPLAYS}
    assert await rows(connection) == before
    await ask_replay(connection, "other", REPLAY, part, NOW)
    assert len(await rows(connection)) == len(before) + 2


async def test_replays_that_are_asked_for_at_once_are_counted_one_after_the_other(database_url: str) -> None:
    part = Part((-1,), (END,), None, None)
    async with connected(database_url) as first:
        await put_endpoint(first, "main", EndpointInput("https://hooks.example/"), 1, NOW)
        for _ in range(MOST_REPLAYS - 2):
            await ask_replay(first, "main", uuid4(), part, NOW)

        async def ask() -> str:
            async with connected(database_url) as opened:
                try:
                    async with opened.transaction():
                        await ask_replay(opened, "main", uuid4(), part, NOW)
                except Problem as problem:
                    return problem.code
            return "asked"

        async with first.transaction():
            await ask_replay(first, "main", uuid4(), part, NOW)
            others = [asyncio.create_task(ask()) for _ in range(2)]
            await until(lambda: sql(database_url, WAITING) == [(2,)])
        assert sorted(await asyncio.gather(*others)) == ["asked", "replays_full"]
        assert len(await rows(first)) == MOST_REPLAYS
