"""What a courier writes down of its endpoint is what it, or the next one, reads again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lingdang.db.pool import Connection
from lingdang.events.webhooks import places
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.figures import Attempt, Delays, Figures
from lingdang.events.webhooks.places import Endpoint
from lingdang.events.webhooks.secrets import Secrets
from lingdang.keys import Keyring
from support.journal import connected

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """A transaction with an endpoint, which leaves nothing behind."""
    async with connected(shared_database_url) as opened, opened.transaction(force_rollback=True):
        await put_endpoint(opened, "main", EndpointInput("https://hooks.example/", ("order.paid",)), 2, NOW)
        yield opened


async def load(connection: Connection, now: datetime = NOW) -> Endpoint:
    found = await places.load(connection, "main", now)
    assert found is not None
    return found


async def add_replay(connection: Connection, replay_id: UUID, bucket: int, asked: datetime) -> None:
    await connection.execute(
        "INSERT INTO webhook_replay (endpoint_id, replay_id, bucket, position, upto, requested_at)"
        " VALUES ('main', %s, %s, 10, 90, %s)",
        (replay_id, bucket, asked),
    )


async def test_only_an_active_endpoint_is_there_for_its_courier(connection: Connection) -> None:
    found = await load(connection)
    assert (found.url, found.types, found.batched, found.is_replayed) == (
        "https://hooks.example/",
        ["order.paid"],
        False,
        False,
    )
    assert await places.load(connection, "other", NOW) is None
    await put_endpoint(connection, "main", EndpointInput("https://hooks.example/", batch=2, active=False), 2, NOW)
    assert await places.load(connection, "main", NOW) is None
    await put_endpoint(connection, "main", EndpointInput("https://hooks.example/", batch=2), 2, NOW)
    assert ((await load(connection)).types, (await load(connection)).batched) == (None, True)


async def test_its_secrets_are_those_that_sign_now(connection: Connection, shared_keyring: Keyring) -> None:
    secrets = Secrets(shared_keyring)
    await secrets.add(connection, "main", NOW)
    await secrets.add(connection, "main", NOW, HOUR)
    assert [(await load(connection, NOW + passed)).secrets for passed in (0 * HOUR, HOUR)] == [[1, 2], [2]]


async def test_a_cursor_that_was_put_elsewhere_meanwhile_stays_there(connection: Connection) -> None:
    await connection.execute("UPDATE webhook_cursor SET position = 50")
    await places.move(connection, "main", 1, 50, 70)
    await connection.execute("UPDATE webhook_cursor SET position = 20 WHERE bucket = 0")
    await places.move(connection, "main", 0, 50, 70)
    assert [await places.cursor_of(connection, "main", bucket) for bucket in (0, 1)] == [20, 70]


async def test_an_endpoint_fails_since_its_first_failure_until_something_arrives(connection: Connection) -> None:
    await places.note_failing(connection, "main", NOW, 1, NOW + HOUR)
    await places.note_failing(connection, "main", NOW + HOUR, 2, NOW + 3 * HOUR)
    found = await load(connection)
    assert (found.failing_since, found.failures, found.next_try_at) == (NOW, 2, NOW + 3 * HOUR)
    await places.note_recovered(connection, "main")
    found = await load(connection)
    assert (found.failing_since, found.failures, found.next_try_at) == (None, 0, None)


async def test_who_wants_nothing_more_has_wanted_so_since_it_said_so_first(connection: Connection) -> None:
    await connection.execute("UPDATE webhook_cursor SET position = 50")
    for moment in (NOW, NOW + HOUR):
        await places.note_gone(connection, "main", moment)
    rows = await connection.execute("SELECT active, gone_at, position FROM webhook_endpoint, webhook_cursor LIMIT 1")
    assert await rows.fetchall() == [(False, NOW, 50)]
    assert await places.load(connection, "main", NOW) is None


async def test_figures_are_read_as_they_were_written(connection: Connection) -> None:
    assert await places.read_figures(connection, "main") == Figures()
    refused = Attempt("evt_1", NOW, 3, None, 15_000, "", 'no "answer" within 15 s: 呀')
    figures = Figures([refused, Attempt("evt_0", NOW - HOUR, 1, 204, 7, "ok", None)], Delays(5, 900))
    await places.write_figures(connection, "main", NOW, figures)
    assert await places.read_figures(connection, "main") == figures
    assert await places.read_figures(connection, "other") == Figures()


async def test_replays_are_done_one_after_the_other_bucket_by_bucket_to_their_ends(connection: Connection) -> None:
    assert await places.next_replay(connection, "main") is None
    await add_replay(connection, FIRST, 0, NOW + HOUR)
    for bucket in (1, 0):
        await add_replay(connection, SECOND, bucket, NOW)
    assert (await load(connection)).is_replayed
    done = []
    for position, more in [(40, True), (90, True), (60, False), (89, True), (95, True)]:
        replay = await places.next_replay(connection, "main")
        assert replay is not None
        done.append((replay.replay_id, replay.bucket, replay.position))
        await places.move_replay(connection, "main", replay, position, more)
    assert done == [(SECOND, 0, 10), (SECOND, 0, 40), (SECOND, 1, 10), (FIRST, 0, 10), (FIRST, 0, 89)]
    assert await places.next_replay(connection, "main") is None
    assert not (await load(connection)).is_replayed
