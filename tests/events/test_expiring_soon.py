"""Bells are told of before they lapse: each lot once, whatever is asked how often and by whom."""

import asyncio
from datetime import timedelta

import pytest

from lingdang.clock import system_clock
from lingdang.events import expiring_soon
from support.consumer import read_all
from support.customers import key_of
from support.hands import Hands
from support.journal import sql
from support.money import credit, open_settlement
from support.soon import tell_soon

DAY = 86_400


async def told(database_url: str) -> list[tuple[str, int, str]]:
    """Of whom, how many bells and of which kind the feed says that they will lapse."""
    events = [event for event in await read_all(database_url) if event["type"] == "wallet.expiring"]
    assert len({event["id"] for event in events}) == len(events)
    return [(event["custId"], event["data"]["amount"], event["data"]["kind"]) for event in events]


async def test_each_lot_is_told_of_once(database_url: str) -> None:
    clock = Hands()
    now = system_clock()
    async with open_settlement(database_url) as settlement:
        for name, amount, days in (("ann", 10, 3), ("ann", 20, 9), ("bob", 30, 20), ("cleo", 40, 2)):
            await settlement.submit(credit(name, amount, kind="bonus", expires_at=now + timedelta(days=days)))
        await settlement.submit(credit("dan", 50))
    assert await tell_soon(database_url, clock, days=7) == 2
    assert sorted(await told(database_url)) == [("ann", 10, "bonus"), ("cleo", 40, "bonus")]
    assert await tell_soon(database_url, clock, days=7) == 0
    clock.forward(2.5 * DAY)
    assert await tell_soon(database_url, clock, days=7) == 1, "another lot of a wallet whose first was told of"
    assert (await told(database_url))[2:] == [("ann", 20, "bonus")]
    clock.forward(20 * DAY)
    assert await tell_soon(database_url, clock, days=7) == 0, "what has lapsed is too late to tell of"


async def test_more_than_a_batch_and_wallets_with_one_end(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring_soon, "_NEXT", expiring_soon._NEXT.replace("LIMIT 500", "LIMIT 2"))
    end = system_clock() + timedelta(days=1)
    names = [f"cust-{number}" for number in range(7)]
    async with open_settlement(database_url) as settlement:
        for name in names:
            await settlement.submit(credit(name, 1, expires_at=end))
    assert await tell_soon(database_url) == 7
    assert sorted(await told(database_url)) == [(name, 1, "paid") for name in names]


async def test_workers_that_look_at_once_tell_once(database_url: str) -> None:
    end = system_clock() + timedelta(days=1)
    async with open_settlement(database_url) as settlement:
        for number in range(5):
            await settlement.submit(credit(f"cust-{number}", 1, expires_at=end))
    counts = await asyncio.gather(*(tell_soon(database_url) for _ in range(4)))
    assert sum(counts) == 5
    assert len(await told(database_url)) == 5


async def test_no_days_tell_nothing(database_url: str) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 1, expires_at=system_clock() + timedelta(hours=1)))
    assert await tell_soon(database_url, days=0) == 0
    assert sql(database_url, "SELECT count(*) FROM notice") == [(0,)]


async def test_each_bucket_is_looked_through(database_url: str) -> None:
    end = system_clock() + timedelta(days=1)
    names = [f"cust-{number}" for number in range(6)]
    async with open_settlement(database_url, buckets=2) as settlement:
        for name in names:
            await settlement.submit(credit(name, 1, expires_at=end))
    assert await tell_soon(database_url, buckets=2) == 6
    for bucket in range(2):
        expected = {name for name in names if key_of(name) % 2 == bucket}
        events = [event for event in await read_all(database_url, bucket=bucket) if "seq" not in event]
        assert {event["custId"] for event in events} == expected
