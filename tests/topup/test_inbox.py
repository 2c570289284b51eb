"""The inbox: rows are added, forged ones up to a bound, and forgotten when they are old and carried out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from lingdang.db.pool import Pool
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.topup import inbox
from lingdang.topup.inbox import LARGEST_FORGED, MOST_FORGED, PROBE, Inbox, Place
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Notification, Standing

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def notification(name: str = "n1") -> Notification:
    paid = Standing(topup_id=uuid7(NOW), reference="p1", state="paid", at=NOW, received=Money(600, "CNY"))
    return Notification(id=name, type="paid", at=NOW, standing=paid)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


def rows(database_url: str, sql: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(sql.encode()).fetchall()


async def test_a_notification_waits_until_it_is_carried_out_and_a_repeat_is_none(
    pool: Pool, keyring: Keyring, database_url: str
) -> None:
    kept, told = Inbox(pool, keyring), notification()
    taken = await kept.take("shop", told, {"x-sign": "s"}, b"body", NOW)
    assert taken is not None
    place, _ = taken
    assert await kept.take("shop", told, {}, b"another body", NOW) is None
    waiting = await kept.waits(place)
    assert waiting is not None
    assert told.standing is not None
    assert waiting.standing == msgspec.structs.replace(told.standing, returns=[], differs=[])
    [(kid, sealed)] = rows(database_url, "SELECT kid, sealed FROM topup_notification")
    assert b"body" not in bytes(sealed)
    plain = inbox.opened(keyring, place, kid, bytes(sealed))
    assert plain is not None
    assert b"body" in plain
    assert b"x-sign" in plain


async def test_of_another_account_the_same_name_is_another_notification(pool: Pool, keyring: Keyring) -> None:
    kept, told = Inbox(pool, keyring), notification()
    assert await kept.take("one", told, {}, b"", NOW) is not None
    assert await kept.take("two", told, {}, b"", NOW) is not None


async def test_an_entry_is_claimed_when_it_is_due_and_later_each_time_it_fails(pool: Pool, keyring: Keyring) -> None:
    kept = Inbox(pool, keyring, delay=timedelta(seconds=10))
    taken = await kept.take("shop", notification(), {}, b"", NOW)
    assert taken is not None
    place, _ = taken
    assert await kept.claim(NOW + timedelta(seconds=9), ["shop"], 10) == []
    assert await kept.claim(NOW + timedelta(seconds=10), ["shop"], 10) == [place]
    assert await kept.claim(NOW + timedelta(seconds=11), ["shop"], 10) == [], "somebody is at it"
    assert await kept.claim(NOW + timedelta(seconds=40), ["shop"], 10, others=True) == [], "it is not of the others"
    await kept.later(place, NOW)
    await kept.later(place, NOW)
    assert await kept.claim(NOW + timedelta(seconds=19), ["shop"], 10) == []
    assert await kept.claim(NOW + timedelta(seconds=20), ["shop"], 10) == [place]
    assert await kept.claim(NOW + timedelta(seconds=50), ["other"], 10) == []
    assert await kept.claim(NOW + timedelta(seconds=50), ["other"], 10, others=True) == [place]


async def test_forged_ones_are_kept_up_to_a_bound_and_counted_beyond(
    pool: Pool, keyring: Keyring, database_url: str
) -> None:
    kept = Inbox(pool, keyring)
    for number in range(MOST_FORGED + 5):
        await kept.refuse("shop", "signature", {}, b"%d" % number, NOW)
    await kept.refuse("other", "signature", {}, b"1", NOW)
    await kept.refuse("shop", "signature", {}, b"later", NOW + timedelta(hours=1, seconds=1))
    assert kept.forged == MOST_FORGED + 7
    counted = "SELECT account, count(*) FROM topup_notification GROUP BY 1 ORDER BY 1"
    assert rows(database_url, counted) == [("other", 1), ("shop", MOST_FORGED + 1)]
    assert rows(database_url, "SELECT 1 FROM topup_waiting") == [], "nothing is made of them"


async def test_of_probes_one_a_minute_is_kept_and_none_for_a_forged_one(
    pool: Pool, keyring: Keyring, database_url: str
) -> None:
    kept = Inbox(pool, keyring)
    for number in range(MOST_FORGED + 5):
        await kept.refuse("shop", PROBE, {}, b"%d" % number, NOW + timedelta(seconds=number))
    await kept.refuse("shop", "signature", {}, b"1", NOW)
    assert kept.forged == MOST_FORGED + 6
    counted = "SELECT verdict, count(*) FROM topup_notification GROUP BY 1 ORDER BY 1"
    assert rows(database_url, counted) == [("forged: signature", 1), ("probe", 2)]


async def test_of_a_large_forged_body_the_beginning_is_kept(pool: Pool, keyring: Keyring, database_url: str) -> None:
    await Inbox(pool, keyring).refuse("shop", "not utf-8", {}, b"\xff" * 10 * LARGEST_FORGED, NOW)
    [(length, verdict)] = rows(database_url, "SELECT octet_length(sealed), verdict FROM topup_notification")
    assert LARGEST_FORGED <= length < LARGEST_FORGED + 200
    assert verdict == "forged: not utf-8"


async def test_old_ones_are_forgotten_but_not_before_they_are_carried_out(
    pool: Pool, keyring: Keyring, database_url: str
) -> None:
    kept = Inbox(pool, keyring)
    waits = await kept.take("shop", notification("waits"), {}, b"", NOW)
    done = await kept.take("shop", notification("done"), {}, b"", NOW)
    await kept.take("shop", notification("new"), {}, b"", NOW + timedelta(days=2))
    assert waits is not None
    assert done is not None
    async with pool.connection() as connection:
        await inbox.done(connection, done[0])
    assert await kept.forget(NOW + timedelta(days=1)) is False
    left = rows(database_url, "SELECT entry FROM topup_notification ORDER BY entry")
    assert left == [("told new",), ("told waits",)]


def test_what_was_sealed_under_a_retired_key_is_lost_and_said_so(keyring: Keyring) -> None:
    assert inbox.opened(keyring, Place("shop", "told 1"), "no-such-key", b"x" * 40) is None
