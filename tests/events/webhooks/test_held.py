"""Of a customer one row at a time is due, the first that was not given up; what arrived or was parked is in order."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.db.pool import Connection
from lingdang.events.webhooks import held
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.held import Held, Waiting, WaitingList, Whose
from support.journal import connected

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CUSTOMERS: list[Whose] = [(0, 1), (0, 2), (1, 1)]
_DUE = """
SELECT bucket, customer, count(due_at), min(number) FILTER (WHERE due_at IS NOT NULL) = min(number)
  FROM webhook_held WHERE endpoint_id = 'main' AND parked_at IS NULL GROUP BY 1, 2
"""


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """A transaction with two endpoints, which leaves nothing behind."""
    async with connected(shared_database_url) as opened, opened.transaction(force_rollback=True):
        for endpoint_id in ("main", "other"):
            await put_endpoint(opened, endpoint_id, EndpointInput("https://hooks.example/"), 2, NOW)
        yield opened


def behind(whose: Whose, number: int) -> Held:
    return Held(*whose, number, f"evt_{number}", NOW)


def failing(whose: Whose, number: int, due: datetime) -> Held:
    return behind(whose, number)._replace(failures=1, first_failed_at=NOW, due_at=due, reason="500")


async def ids(connection: Connection, whose: Whose, most: int = 99) -> list[str]:
    return [row.event_id for row in await held.rows_of(connection, "main", whose, most)]


async def rows(connection: Connection, columns: str) -> list[Any]:
    statement = f"SELECT {columns} FROM webhook_held ORDER BY number"
    return await (await connection.execute(statement.encode())).fetchall()


@given(st.lists(st.tuples(st.sampled_from(CUSTOMERS), st.integers(-3, 3)), max_size=30))
def test_a_list_of_who_waits_counts_rows_and_knows_nobody_without_any(changes: list[tuple[Whose, int]]) -> None:
    waiting, expected = WaitingList({}), Counter[Whose]()
    for whose, by in changes:
        waiting.change(whose, by)
        expected[whose] = max(0, expected[whose] + by)
        assert {each for each in CUSTOMERS if each in waiting} == {each for each in CUSTOMERS if expected[each]}
        assert len(waiting) == expected.total()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_becomes_of_rows_the_first_one_of_each_customer_is_due_and_order_is_kept(
    connection: Connection, seed: int
) -> None:
    chance, now = random.Random(seed), NOW
    ended: dict[Whose, list[int]] = {whose: [] for whose in CUSTOMERS}
    added: dict[Whose, list[int]] = {whose: [] for whose in CUSTOMERS}
    for number in range(60):
        now += SECOND
        if number < 30:
            whose = chance.choice(CUSTOMERS)
            waits = whose in await held.waiting_of(connection, "main")
            row = behind(whose, number) if waits else failing(whose, number, now + SECOND)
            assert await held.add(connection, "main", [row], now) == [whose]
            added[whose].append(number)
        for whose in await held.due(connection, "main", now, 2):
            [first] = await held.rows_of(connection, "main", whose, 1)
            if await _end(connection, first, now, chance.choice(["arrives", "fails", "is given up"])):
                ended[whose].append(first.position)
            await held.let_next(connection, "main", [whose], now)
        due = await (await connection.execute(_DUE)).fetchall()
        assert [rest for *_, rest, _ in due] == [1] * len(due), "one row of each"
        assert all(is_first for *_, is_first in due)
        counted = {whose: len(added[whose]) - len(ended[whose]) for whose in CUSTOMERS}
        assert await held.waiting_of(connection, "main") == {whose: left for whose, left in counted.items() if left}
    assert all(added[whose][: len(ended[whose])] == ended[whose] for whose in CUSTOMERS)
    assert all(ended.values())


async def _end(connection: Connection, row: Waiting, now: datetime, how: str) -> bool:
    """Whether nothing more is tried of the row."""
    if how == "arrives":
        await held.delivered(connection, "main", [row])
    elif how == "is given up":
        await held.parked(connection, "main", row, now, "500")
    else:
        await held.failed(connection, "main", row, now, now + 2 * SECOND, "500")
    return how != "fails"


async def test_what_is_held_already_stays_as_it_is(connection: Connection) -> None:
    ann, bob, _ = CUSTOMERS
    first = [failing(ann, 1, NOW + SECOND), behind(ann, 2)]
    assert await held.add(connection, "main", first, NOW) == [ann, ann]
    before = await rows(connection, "*")
    assert await held.add(connection, "main", [failing(ann, 1, NOW), behind(ann, 2)], NOW) == []
    assert await rows(connection, "*") == before
    assert await held.add(connection, "main", [behind(ann, 2), behind(bob, 3)], NOW) == [bob]
    assert await held.add(connection, "other", [behind(ann, 2)], NOW) == [ann], "another endpoint's are its own"
    assert await held.add(connection, "main", [], NOW) == []
    assert [await ids(connection, whose) for whose in CUSTOMERS] == [["evt_1", "evt_2"], ["evt_3"], []]
    assert await ids(connection, ann, 1) == ["evt_1"]


async def test_what_was_given_up_and_fails_again_in_a_replay_is_tried_anew_before_those_behind_it(
    connection: Connection,
) -> None:
    ann, *_ = CUSTOMERS
    await held.add(connection, "main", [failing(ann, 1, NOW), behind(ann, 2)], NOW)
    [first] = await held.rows_of(connection, "main", ann, 1)
    await held.parked(connection, "main", first, NOW, "500")
    again = failing(ann, 1, NOW + SECOND)._replace(first_failed_at=NOW + SECOND, reason="503")
    assert await held.add(connection, "main", [again], NOW) == [ann]
    assert await ids(connection, ann) == ["evt_1", "evt_2"]
    [told, _] = await rows(connection, "failures, first_failed_at, due_at, parked_at, reason")
    assert told == (1, NOW + SECOND, NOW + SECOND, None, "503")


async def test_who_has_been_due_for_the_longest_is_tried_first_and_nobody_before_their_time(
    connection: Connection,
) -> None:
    ann, bob, cleo = CUSTOMERS
    dues = [failing(ann, 1, NOW + 3 * SECOND), failing(bob, 2, NOW + SECOND), failing(cleo, 3, NOW + 2 * SECOND)]
    await held.add(connection, "main", dues, NOW)
    await held.add(connection, "other", [failing(ann, 4, NOW)], NOW)
    assert [await held.due(connection, "main", NOW + each * SECOND, 9) for each in range(4)] == [
        [],
        [bob],
        [bob, cleo],
        [bob, cleo, ann],
    ]
    assert await held.due(connection, "main", NOW + 9 * SECOND, 2) == [bob, cleo]
    assert await held.first(connection, "main", 2) == [ann, bob], "whether anything of theirs is due or not"


async def test_a_row_that_fails_again_has_failed_since_the_first_time(connection: Connection) -> None:
    ann, *_ = CUSTOMERS
    await held.add(connection, "main", [behind(ann, 1)], NOW)
    for number in (1, 2):
        [row] = await held.rows_of(connection, "main", ann, 9)
        await held.failed(connection, "main", row, NOW + number * SECOND, NOW + 60 * SECOND, f"50{number}")
    columns = "failures, first_failed_at, due_at, reason"
    assert await rows(connection, columns) == [(2, NOW + SECOND, NOW + 60 * SECOND, "502")]


async def test_what_was_given_up_is_forgotten_once_a_replay_has_brought_it_and_nothing_else_is(
    connection: Connection,
) -> None:
    ann, *_ = CUSTOMERS
    for endpoint_id in ("main", "other"):
        await held.add(connection, endpoint_id, [behind(ann, 1), behind(ann, 2), behind(ann, 3)], NOW)
        first, second, _ = await held.rows_of(connection, endpoint_id, ann, 9)
        for row in (first, second):
            await held.parked(connection, endpoint_id, row, NOW, "500")
    await held.arrived(connection, "main", ["evt_1", "evt_3", "evt_9"])
    assert await rows(connection, "endpoint_id, event_id") == [
        ("main", "evt_2"),
        ("main", "evt_3"),
        *[("other", f"evt_{number}") for number in (1, 2, 3)],
    ]
