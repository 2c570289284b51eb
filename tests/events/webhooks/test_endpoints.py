"""Endpoints as they are stored: where a new one begins, what a new version keeps, and how an operator sees them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.events.webhooks import held, places
from lingdang.events.webhooks.endpoints import (
    MOST_ENDPOINTS,
    Backlog,
    EndpointInput,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    put_endpoint,
)
from lingdang.events.webhooks.held import Held
from lingdang.paging import Window
from support.customers import make_known
from support.journal import connected, in_flight, write
from support.money import credit

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GIVEN = EndpointInput("https://hooks.example/", ("order.paid",), thin=True, batch=7)
TABLES = ("endpoint", "lease", "cursor", "held", "secret", "replay")


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing behind."""
    async with connected(shared_database_url) as opened, opened.transaction(force_rollback=True):
        yield opened


async def fetch(connection: Connection, statement: str) -> list[Any]:
    return await (await connection.execute(statement.encode())).fetchall()


async def counts(connection: Connection) -> list[int]:
    """How many rows each table of webhooks has."""
    return [(await fetch(connection, f"SELECT count(*) FROM webhook_{table}"))[0][0] for table in TABLES]


def row(customer: int, number: int, **failed: Any) -> Held:
    happened = NOW + timedelta(seconds=number)
    return Held(0, customer, 1000 + number, f"evt_{number}", happened, **failed)


async def refused(connection: Connection, endpoint_id: str, given: EndpointInput) -> Problem:
    """Why it is not taken, in a transaction of its own."""
    with pytest.raises(Problem) as raised:
        async with connection.transaction():
            await put_endpoint(connection, endpoint_id, given, 1, NOW)
    return raised.value


async def test_a_new_endpoint_is_told_what_has_not_ended_yet_and_nothing_of_before(database_url: str) -> None:
    make_known(database_url, "ann", "bob")
    async with connected(database_url) as connection:
        await write(connection, [credit("ann", 1)])
        async with in_flight(database_url, credit("bob", 1)) as slow:
            assert await put_endpoint(connection, "main", GIVEN, 3, NOW)
            await slow.execute("COMMIT")
        later = "SELECT amount FROM transfer t, webhook_cursor c WHERE c.bucket = 0 AND t.position > c.position"
        [(cursor,)] = await fetch(connection, "SELECT position FROM webhook_cursor WHERE bucket = 0")
        [before, after] = await fetch(connection, "SELECT position FROM transfer ORDER BY position")
        assert before[0] <= cursor < after[0]
        assert await fetch(connection, later) == [(1,)]
        assert await counts(connection) == [1, 1, 3, 0, 0, 0]


async def test_an_endpoint_is_shown_as_it_was_written(connection: Connection) -> None:
    assert await put_endpoint(connection, "main", GIVEN, 1, NOW)
    view = await get_endpoint(connection, "main")
    assert (view.url, view.types, view.thin, view.batch, view.active) == (GIVEN.url, ["order.paid"], True, 7, True)
    assert (view.state, view.failed, view.figures.attempts) == ("delivering", [], [])
    assert (view.backlog, view.created_at, view.updated_at) == (Backlog(None, 0, 0), NOW, NOW)


async def test_a_new_version_keeps_the_position_and_has_what_failed_tried_at_once(connection: Connection) -> None:
    await put_endpoint(connection, "main", GIVEN, 1, NOW)
    await connection.execute("UPDATE webhook_cursor SET position = 77")
    first = row(1, 1, failures=1, first_failed_at=NOW, due_at=NOW + 9 * HOUR, reason="500")
    await held.add(connection, "main", [first, row(1, 2)], NOW)
    await places.note_failing(connection, "main", NOW, 3, NOW + HOUR)
    await places.note_gone(connection, "main", NOW)
    assert (await get_endpoint(connection, "main")).state == "paused"
    assert not await put_endpoint(connection, "main", EndpointInput("https://other.example/"), 1, NOW + HOUR)
    view = await get_endpoint(connection, "main")
    assert (view.url, view.types, view.thin, view.batch) == ("https://other.example/", None, False, 1)
    assert (view.state, view.gone_at, view.failing_since, view.next_try_at) == ("delivering", None, None, None)
    assert (view.created_at, view.updated_at) == (NOW, NOW + HOUR)
    assert await places.cursor_of(connection, "main", 0) == 77
    due = await fetch(connection, "SELECT event_id, due_at FROM webhook_held WHERE due_at IS NOT NULL")
    assert due == [("evt_1", NOW + HOUR)], "the first one alone, which stands before the other"


async def test_a_type_that_is_not_known_is_named_and_nothing_is_stored(connection: Connection) -> None:
    wrong = EndpointInput("https://hooks.example/", ("order.paid", "order.payed"))
    unknown = await refused(connection, "main", wrong)
    assert (unknown.code, "order.payed" in str(unknown.members["errors"])) == ("invalid_request", True)
    assert await counts(connection) == [0] * 6
    await put_endpoint(connection, "main", GIVEN, 1, NOW)
    await refused(connection, "main", wrong)
    assert (await get_endpoint(connection, "main")).types == ["order.paid"]


async def test_beyond_the_most_endpoints_none_is_made_and_those_there_are_can_be_written(
    connection: Connection,
) -> None:
    for number in range(MOST_ENDPOINTS):
        await put_endpoint(connection, f"e{number}", GIVEN, 1, NOW)
    full = await refused(connection, "other", GIVEN)
    assert (full.code, full.kind.status, full.members) == ("endpoints_full", 409, {"limit": MOST_ENDPOINTS})
    assert await counts(connection) == [MOST_ENDPOINTS] * 3 + [0] * 3
    assert not await put_endpoint(connection, "e7", GIVEN, 1, NOW)


async def test_a_list_goes_on_where_its_page_ended(connection: Connection) -> None:
    for name in ("b", "a", "C", "d", "e"):
        await put_endpoint(connection, name, GIVEN, 1, NOW)
    first = await list_endpoints(connection, Window(2, None))
    rest = await list_endpoints(connection, Window(3, first.items[-1].endpoint_id))
    assert [view.endpoint_id for view in [*first.items, *rest.items]] == ["C", "a", "b", "d", "e"]
    assert (first.next_cursor is None, rest.next_cursor) == (False, None)
    assert rest.items[0] == await get_endpoint(connection, "b")


async def test_what_failed_is_shown_newest_first_and_what_waits_behind_it_is_counted(connection: Connection) -> None:
    await put_endpoint(connection, "main", GIVEN, 1, NOW)
    await put_endpoint(connection, "other", GIVEN, 1, NOW)
    failed = {"failures": 2, "first_failed_at": NOW, "due_at": NOW + HOUR, "reason": "503 busy"}
    await held.add(connection, "main", [row(1, 1), row(1, 2), row(2, 3, **failed), row(2, 4)], NOW)
    [first, _] = await held.rows_of(connection, "main", (0, 1), 9)
    await held.parked(connection, "main", first, NOW, "404")
    view = await get_endpoint(connection, "main")
    assert view.backlog == Backlog(NOW + timedelta(seconds=2), 3, 1)
    assert [(each.event_id, each.failures, each.reason) for each in view.failed] == [
        ("evt_3", 2, "503 busy"),
        ("evt_1", 1, "404"),
    ]
    assert [(each.next_try_at, each.parked_at) for each in view.failed] == [(NOW + HOUR, None), (None, NOW)]
    assert (await get_endpoint(connection, "other")).backlog == Backlog(None, 0, 0)


async def test_an_endpoint_is_forgotten_with_what_is_its_own_alone(connection: Connection) -> None:
    for name in ("main", "other"):
        await put_endpoint(connection, name, GIVEN, 2, NOW)
        await held.add(connection, name, [row(1, 1)], NOW)
    await delete_endpoint(connection, "main")
    assert await counts(connection) == [1, 1, 2, 1, 0, 0]
    for gone in (get_endpoint, delete_endpoint):
        with pytest.raises(Problem) as raised:
            await gone(connection, "main")
        assert raised.value.code == "not_found"
    assert (await get_endpoint(connection, "other")).backlog.waiting == 1
