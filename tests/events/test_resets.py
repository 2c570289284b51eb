"""Declaring what a restore has lost: where readers resume, also where something below what is there is gone."""

import pytest

from lingdang.cli.epoch import Declared, declare_lost
from lingdang.journal import sealer
from lingdang.keys import Keyring
from proof.consumer import Consumer, books_of
from proof.webhooks.receiver import receiving
from support.consumer import read_all
from support.customers import key_of, make_known
from support.feed import Follower, ask, page_of
from support.happened import everything
from support.hooks import platform_of
from support.journal import connected, deployment_of, seal_all, sql, write
from support.money import credit, open_settlement
from support.people import api_key
from support.shop import Shop
from support.tabs import until

EARLIER = "UPDATE seal_checkpoint SET made_at = '2000-01-01'"
"""As if the server had been started after these were made."""
STARTED_ANEW = "UPDATE journal_epoch SET started = started - interval '1 day'"


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shop seals by itself: what was sealed when is each test's to say."""
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 1e6)


@pytest.fixture
async def key(shop: Shop) -> dict[str, str]:
    return await api_key(shop, "events:read")


def lose(database_url: str, name: str) -> None:
    """A customer's only row is gone, as if it had not been committed."""
    for table in ("transfer", "wallet"):
        sql(database_url, f"DELETE FROM {table} WHERE customer = {key_of(name)}")


async def test_what_is_gone_below_what_is_there(shop: Shop, key: dict[str, str], keyring: Keyring) -> None:
    """A restore ends between the commits of two settlements: a later position may be there, an earlier one not."""
    url = shop.database_url
    make_known(url, "ann", "bob", "cleo")
    async with connected(url) as writer:
        await write(writer, [credit("ann", 1)])
        await seal_all(url, keyring)
        await write(writer, [credit("bob", 2)])
        await write(writer, [credit("cleo", 3)])
    follower = Follower(key)
    await follower.catch_up(shop)
    lose(url, "bob")
    sql(url, EARLIER)
    sql(url, STARTED_ANEW)
    [(last_true,)] = sql(url, f"SELECT position FROM transfer WHERE customer = {key_of('ann')}")
    declared = await declare_lost(deployment_of(url, keyring))
    assert declared == Declared([str(last_true)], witnessed=False)
    await follower.catch_up(shop)
    assert follower.lost == 1
    assert follower.consumer.rebuilt() == books_of(url)
    assert {event.get("custId") for event in follower.consumer.events.values()} == {None, "ann", "cleo"}
    async with open_settlement(url) as settlement:
        await settlement.submit(credit("bob", 2))
    await follower.catch_up(shop)
    assert follower.lost == 1
    assert follower.consumer.rebuilt() == books_of(url)


async def test_the_feed_says_so_at_its_place(shop: Shop, key: dict[str, str], keyring: Keyring) -> None:
    """Behind the last true position, before what stands there again."""
    url = shop.database_url
    make_known(url, "ann")
    async with connected(url) as writer:
        await write(writer, [credit("ann", 1)])
        await seal_all(url, keyring)
        await write(writer, [credit("ann", 2)])
        sql(url, EARLIER)
        await declare_lost(deployment_of(url, keyring))
        await write(writer, [credit("ann", 3)])
    events = await read_all(url)
    assert [event["type"] for event in events] == [
        "wallet.credited",
        "feed.reset",
        "wallet.credited",
        "wallet.credited",
    ]
    assert events[1]["data"] == {"lastTrue": events[0]["position"]}
    assert [int(event["position"]) for event in events] == sorted(int(event["position"]) for event in events)
    before, _, after, new = events
    assert len({event["id"] for event in events}) == 4
    assert before["position"] < after["position"] < new["position"]
    assert sql(url, "SELECT count(*) FROM journal_epoch") == [(2,)]


async def test_nothing_was_sealed(shop: Shop, key: dict[str, str], keyring: Keyring) -> None:
    """Then nothing is known to be true, and all is read again."""
    url = shop.database_url
    await everything(url)
    follower = Follower(key)
    await follower.catch_up(shop)
    assert await declare_lost(deployment_of(url, keyring)) == Declared(["0"], witnessed=False)
    await follower.catch_up(shop)
    assert follower.lost == 1
    assert follower.consumer.rebuilt() == books_of(url)
    assert (await read_all(url))[0]["type"] == "feed.reset"


async def test_it_may_be_declared_again(shop: Shop, key: dict[str, str], keyring: Keyring) -> None:
    """Each time readers are told once; who missed several is told of the earliest."""
    url = shop.database_url
    make_known(url, "ann")
    follower, slow = Follower(key), Follower(key)
    await follower.catch_up(shop)
    async with connected(url) as writer:
        await write(writer, [credit("ann", 1)])
        await slow.catch_up(shop)
        for number in (2, 3):
            await follower.catch_up(shop)
            await declare_lost(deployment_of(url, keyring))
            await write(writer, [credit("ann", number)])
    for each in (follower, slow):
        await each.catch_up(shop)
        assert each.consumer.rebuilt() == books_of(url)
    assert (follower.lost, slow.lost) == (2, 1)
    assert sql(url, "SELECT count(*) FROM journal_epoch") == [(3,)]


async def test_the_feed_stops_while_the_witness_misses_something(
    shop: Shop, key: dict[str, str], keyring: Keyring
) -> None:
    """Whatever is asked for, until it is declared; the witness's file is left as it is."""
    url = shop.database_url
    await everything(url)
    await seal_all(url, keyring)
    witness = keyring.path.with_name("witness.jws")
    kept = witness.read_bytes()
    sql(url, "DELETE FROM seal_checkpoint")
    for params in ({}, {"after": "latest"}, {"wait": 20}):
        answer = await ask(shop, key, **params)
        assert (answer.status_code, answer.json()["code"]) == (503, "feed_stopped")
    assert (await declare_lost(deployment_of(url, keyring))).witnessed
    assert (await page_of(shop, key))["items"]
    assert witness.read_bytes() == kept
    assert not (await declare_lost(deployment_of(url, keyring))).witnessed


async def test_nobody_settles_meanwhile(shop: Shop, keyring: Keyring) -> None:
    """What is under way ends first, in its own epoch; a reader has it all, in one order."""
    url = shop.database_url
    make_known(url, "ann", "bob")
    async with open_settlement(url) as settlement:
        for number in range(30):
            await settlement.submit(credit("ann" if number % 2 else "bob", 1))
            if number % 10 == 5:
                await declare_lost(deployment_of(url, keyring))
    events = [event for event in await read_all(url) if "seq" in event]
    for name in ("ann", "bob"):
        assert [event["seq"] for event in events if event["custId"] == name] == list(range(1, 16))


async def test_endpoints_of_webhooks_are_told(database_url: str, keyring: Keyring) -> None:
    """They are sent what they had from the last true position on, behind a reset, with the ids that it had."""
    async with receiving() as receiver, platform_of(database_url, keyring, receiver) as platform:
        await platform.put(receiver)
        await platform.happen("ann", "bob")
        await until(lambda: len(receiver.events) == 2)
        await seal_all(database_url, keyring)
        sql(database_url, EARLIER)
        await platform.happen("ann", "ann")
        await until(lambda: len(receiver.events) == 4)
        before = receiver.events
        await declare_lost(deployment_of(database_url, keyring))
        await platform.happen("bob")
        await until(lambda: len(receiver.events) == 8)
        reset, *again = receiver.events[4:]
        assert (reset["type"], reset["data"]) == ("feed.reset", {"lastTrue": before[1]["position"]})
        assert [event for event in again if event["custId"] == "ann"] == before[2:]
        assert [(event["custId"], event["seq"]) for event in again if event not in before] == [("bob", 2)]
        consumer = Consumer()
        consumer.take(receiver.events)
        assert consumer.rebuilt() == books_of(database_url)
