"""The readiness probe: its own connection, one question a second, and the truth."""

import asyncio

import psycopg

from lingdang.db.migrate import HEAD
from lingdang.db.probe import FRESH_SECONDS, Probe
from support.shop import Shop


class Hand:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def _connections(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lingdang'"
        ).fetchone()
    assert row
    return int(row[0])


def _write(url: str, revision: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


async def test_a_flood_is_one_question_on_one_connection_and_holds_for_a_second(database_url: str) -> None:
    hand = Hand()
    probe = Probe(database_url, False, hand)
    assert set(await asyncio.gather(*(probe.ready() for _ in range(500)))) == {True}
    assert _connections(database_url) == 1
    _write(database_url, "0001")
    assert await probe.ready()
    hand.at += FRESH_SECONDS
    assert set(await asyncio.gather(*(probe.ready() for _ in range(500)))) == {False}
    _write(database_url, HEAD)
    assert not await probe.ready()
    hand.at += FRESH_SECONDS
    assert await probe.ready()
    await probe.close()
    assert _connections(database_url) == 0


async def test_a_newer_database_is_ready_for_the_release_before_alone(database_url: str) -> None:
    hand = Hand()
    probe = Probe(database_url, False, hand)
    _write(database_url, "9999")
    for oldest, ready in ((HEAD, True), ("9998", False)):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE deployment SET oldest = %s", (oldest,))
        hand.at += FRESH_SECONDS
        assert await probe.ready() is ready
    await probe.close()


async def test_whoever_waits_is_answered_though_another_has_asked_anew(database_url: str) -> None:
    hand = Hand()
    probe = Probe(database_url, False, hand)

    async def again_and_again() -> list[bool]:
        answers = []
        for _ in range(3):
            hand.at += FRESH_SECONDS
            answers.append(await probe.ready())
        return answers

    assert await asyncio.gather(*(again_and_again() for _ in range(20))) == [[True] * 3] * 20
    await probe.close()


async def test_a_database_that_is_away_is_not_ready_and_is_found_again(database_url: str) -> None:
    hand = Hand()
    probe = Probe(database_url, False, hand)
    assert await probe.ready()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE alembic_version RENAME TO away")
        hand.at += FRESH_SECONDS
        assert not await probe.ready()
        connection.execute("ALTER TABLE away RENAME TO alembic_version")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lingdang'")
    hand.at += FRESH_SECONDS
    assert await probe.ready()
    await probe.close()


async def test_a_database_that_says_nothing_is_not_waited_for(database_url: str) -> None:
    probe = Probe(database_url, False)
    with psycopg.connect(database_url) as lock:
        lock.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        assert not await probe.ready()
    await probe.close()


async def test_ready_over_http(shop: Shop) -> None:
    assert (await shop.http.get("/readyz")).json() == {"status": "ok"}
