"""Secrets sign until their end, open in their own row alone, and outlive the keyring's version that sealed them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.secrets import OVERLAP, LostSecretError, Secrets
from lingdang.keys import Keyring, retire, rotate
from support.journal import connected, sql
from support.tabs import until

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def connection(shared_database_url: str) -> AsyncIterator[Connection]:
    """A transaction with two endpoints, which leaves nothing behind."""
    async with connected(shared_database_url) as opened, opened.transaction(force_rollback=True):
        for endpoint_id in ("main", "other"):
            await put_endpoint(opened, endpoint_id, EndpointInput("https://hooks.example/"), 1, NOW)
        yield opened


@pytest.fixture
def secrets(keyring: Keyring) -> Secrets:
    return Secrets(keyring)


async def signing(secrets: Secrets, connection: Connection, now: datetime, endpoint_id: str = "main") -> list[bytes]:
    return [each.octets for each in await secrets.in_use(connection, endpoint_id, now)]


async def stored(connection: Connection) -> list[Any]:
    rows = await connection.execute(
        "SELECT endpoint_id, number, kid, sealed FROM webhook_secret ORDER BY 1, 2", binary=True
    )
    return await rows.fetchall()


def rotate_now(keyring: Keyring) -> None:
    now = system_clock()
    rotate(keyring.path, now, now)
    assert len(keyring.versions()) == 2, "it is read at once"


def retire_the_first(keyring: Keyring) -> None:
    retire(keyring.path, 1, system_clock())
    assert [version.kid for version in keyring.versions()] == ["k2"]


async def test_the_newest_signs_first_and_the_one_before_until_the_overlap_ends(
    secrets: Secrets, connection: Connection
) -> None:
    first = (await secrets.add(connection, "main", NOW)).octets
    second = (await secrets.add(connection, "main", NOW)).octets
    other = (await secrets.add(connection, "other", NOW)).octets
    assert len({first, second, other}) == 3
    end = NOW + OVERLAP
    assert await signing(secrets, connection, end - timedelta(microseconds=1)) == [second, first]
    assert await signing(secrets, connection, end) == [second]
    assert await signing(secrets, connection, end, "other") == [other]


async def test_a_rotation_never_has_a_secret_sign_for_longer_than_it_would_have(
    secrets: Secrets, connection: Connection
) -> None:
    made = [(await secrets.add(connection, "main", NOW, overlap)).octets for overlap in (HOUR, HOUR, 5 * HOUR)]
    assert await signing(secrets, connection, NOW) == made[::-1]
    assert await signing(secrets, connection, NOW + HOUR) == [made[2], made[1]]
    leaked = (await secrets.add(connection, "main", NOW, timedelta())).octets
    assert await signing(secrets, connection, NOW) == [leaked]
    assert [number for _, number, *_ in await stored(connection)] == [4], "what has ended is forgotten"


async def test_a_secret_is_sealed_and_opened_in_its_own_row_alone(secrets: Secrets, connection: Connection) -> None:
    made = await secrets.add(connection, "main", NOW)
    [(*_, sealed)] = await stored(connection)
    assert made.octets[:16] not in sealed
    assert made.octets[-16:] not in sealed
    for change in (
        "UPDATE webhook_secret SET number = 2",
        "UPDATE webhook_secret SET number = 1, endpoint_id = 'other'",
        "UPDATE webhook_secret SET endpoint_id = 'main', sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
    ):
        await connection.execute(change.encode())
        [(endpoint_id, *_)] = await stored(connection)
        with pytest.raises(LostSecretError, match=endpoint_id):
            await secrets.in_use(connection, endpoint_id, NOW)


async def test_what_an_older_version_sealed_is_sealed_anew_and_outlives_it(
    secrets: Secrets, connection: Connection, keyring: Keyring
) -> None:
    made = [(await secrets.add(connection, "main", NOW)).octets for _ in range(2)]
    rotate_now(keyring)
    await secrets.seal_anew(connection)
    assert [kid for *_, kid, _ in await stored(connection)] == ["k2", "k2"]
    before = await stored(connection)
    await secrets.seal_anew(connection)
    assert await stored(connection) == before, "once"
    retire_the_first(keyring)
    assert await signing(secrets, connection, NOW) == made[::-1]


async def test_a_secret_whose_version_was_retired_too_early_is_lost_until_there_is_another_one(
    secrets: Secrets, connection: Connection, keyring: Keyring
) -> None:
    await secrets.add(connection, "main", NOW)
    rotate_now(keyring)
    kept = (await secrets.add(connection, "other", NOW)).octets
    retire_the_first(keyring)
    before = await stored(connection)
    await secrets.seal_anew(connection)
    assert await stored(connection) == before
    with pytest.raises(LostSecretError, match="main"):
        await secrets.in_use(connection, "main", NOW)
    assert await signing(secrets, connection, NOW, "other") == [kept]
    made = (await secrets.add(connection, "main", NOW)).octets
    assert await signing(secrets, connection, NOW) == [made]


async def test_no_more_than_three_sign_and_the_oldest_ends_for_the_fourth(
    secrets: Secrets, connection: Connection
) -> None:
    made = [(await secrets.add(connection, "main", NOW)).octets for _ in range(5)]
    assert await signing(secrets, connection, NOW) == made[:1:-1]
    assert [number for _, number, *_ in await stored(connection)] == [3, 4, 5]


async def test_an_altered_secret_is_lost_alone(secrets: Secrets, connection: Connection, keyring: Keyring) -> None:
    await secrets.add(connection, "main", NOW)
    kept = (await secrets.add(connection, "other", NOW)).octets
    await connection.execute("UPDATE webhook_secret SET sealed = %s WHERE endpoint_id = 'main'", (b"short",))
    rotate_now(keyring)
    assert await secrets.sealed_by(connection, "k1") == ["other"]
    await secrets.seal_anew(connection)
    assert await secrets.sealed_by(connection, "k1") == []
    assert await secrets.sealed_by(connection, "k2") == ["other"]
    assert await signing(secrets, connection, NOW, "other") == [kept]


async def test_rotations_at_once_come_one_after_the_other(database_url: str, keyring: Keyring) -> None:
    secrets = Secrets(keyring)
    async with connected(database_url) as first:
        await put_endpoint(first, "main", EndpointInput("https://hooks.example/"), 1, NOW)

        async def rotate_it() -> bytes:
            async with connected(database_url) as opened, opened.transaction():
                return (await secrets.add(opened, "main", NOW)).octets

        async with first.transaction():
            made = [(await secrets.add(first, "main", NOW)).octets]
            others = [asyncio.create_task(rotate_it()) for _ in range(2)]
            await until(lambda: sql(database_url, WAITING) == [(2,)])
        made += await asyncio.gather(*others)
        assert set(await signing(secrets, first, NOW)) == set(made)
        assert [number for _, number, *_ in await stored(first)] == [1, 2, 3]


class Meanwhile:
    """A connection: right after its first statement has read, something else happens."""

    def __init__(self, connection: Connection, then: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._then: Callable[[], Awaitable[None]] | None = then

    async def execute(self, *arguments: Any, **named: Any) -> Any:
        read = await self._connection.execute(*arguments, **named)
        if self._then is not None:
            then, self._then = self._then, None
            await then()
        return read


async def test_a_version_that_is_retired_while_a_delivery_reads_its_secrets_leaves_it_all_of_them(
    secrets: Secrets, connection: Connection, keyring: Keyring
) -> None:
    made = [(await secrets.add(connection, "main", NOW)).octets for _ in range(2)]
    rotate_now(keyring)

    async def retire_it() -> None:
        await secrets.seal_all_anew(connection)
        retire_the_first(keyring)

    reading = cast(Connection, Meanwhile(connection, retire_it))
    assert await signing(secrets, reading, NOW) == made[::-1]
