"""GET /v1/admin/events: every event from any position, at any limit, waited for by many at once."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.events import feed as feeds
from lingdang.events import kinds, notices
from lingdang.events.feed import Feed
from lingdang.events.notices import NOBODY, Notice
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring
from lingdang.paging import to_cursor
from lingdang.settings import Settings, SettingsError, load_settings
from proof.consumer import books_of
from support.consumer import read_all
from support.customers import make_known
from support.feed import FEED, Follower, ask, page_of
from support.happened import everything
from support.journal import connected, in_flight, sql, write
from support.money import credit
from support.people import api_key
from support.shop import PATIENCE, Shop, open_shop


@pytest.fixture
async def key(shop: Shop) -> dict[str, str]:
    return await api_key(shop, "events:read")


async def pages(shop: Shop, key: dict[str, str], after: str | None = None, **params: Any) -> list[dict[str, Any]]:
    """All items, page after page."""
    items: list[dict[str, Any]] = []
    while True:
        page = await page_of(shop, key, after=after, **params)
        assert len(page["items"]) <= params.get("limit", 50)
        if not page["items"]:
            assert await page_of(shop, key, after=page["next"], **params) == page, "the end stays where it is"
            return items
        items += page["items"]
        after = page["next"]


async def test_a_follower_rebuilds_the_shop(shop: Shop, key: dict[str, str]) -> None:
    await everything(shop.database_url)
    follower = Follower(key)
    await follower.catch_up(shop)
    assert follower.consumer.rebuilt() == books_of(shop.database_url)
    assert list(follower.consumer.events.values()) == await read_all(shop.database_url)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_every_limit_is_kept_and_tells_the_same(shop: Shop, key: dict[str, str], limit: int) -> None:
    """Transactions that are larger than a page too, of rows and of notices."""
    make_known(shop.database_url, "ann", "bob")
    paused = kinds.EndpointPaused(endpoint_id="main", reason="test")
    async with connected(shop.database_url) as writer:
        await write(writer, [credit("ann", 100)])
        await write(writer, [credit(name, number) for number in (1, 2, 3) for name in ("ann", "bob")])
        told = [Notice(NOBODY, kinds.PAUSED, str(number), paused) for number in range(5)]
        await notices.write(writer, 0, system_clock(), told)
        await write(writer, [credit("bob", 100)])
        [(position,)] = sql(shop.database_url, "SELECT max(position) FROM transfer")
        again = "UPDATE notice SET position = %s WHERE key IN ('3', '4')"  # as a reset may stand where rows do
        await writer.execute(again, (position,))
    expected = await read_all(shop.database_url)
    assert [event["type"] for event in expected[-3:]] == ["endpoint.paused", "endpoint.paused", "wallet.credited"]
    assert len(expected) == 13
    assert await pages(shop, key, limit=limit) == expected
    for name in ("endpoint.paused", "wallet.credited"):
        assert await pages(shop, key, limit=limit, types=name) == [each for each in expected if each["type"] == name]


async def test_a_page_goes_on_with_other_types_and_limits(shop: Shop, key: dict[str, str]) -> None:
    """A position within a transaction means the same whatever is asked for next."""
    await everything(shop.database_url)
    expected = await read_all(shop.database_url)
    first = await page_of(shop, key, limit=5, types="order.paid")
    assert [event["type"] for event in first["items"]] == ["order.paid"] * 5
    place = expected.index(first["items"][-1])
    assert await pages(shop, key, after=first["next"], limit=2) == expected[place + 1 :]


async def test_only_some_types(shop: Shop, key: dict[str, str]) -> None:
    await everything(shop.database_url)
    expected = await read_all(shop.database_url)
    for name in kinds.TYPES:
        assert await pages(shop, key, types=name, limit=2) == [each for each in expected if each["type"] == name]
    both = {"order.refunded", "entitlement.granted"}
    assert await pages(shop, key, types=",".join(both)) == [each for each in expected if each["type"] in both]


async def test_what_is_not_asked_for_is_passed_over_in_stretches(
    shop: Shop, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that found nothing in its time moves the position on."""
    await everything(shop.database_url)
    monkeypatch.setattr(feeds, "STRETCH", 1)
    monkeypatch.setattr(feeds, "LOOKING_SECONDS", 0.0)
    after, found = None, []
    for _ in range(100):
        page = await page_of(shop, key, after=after, types="entitlement.revoked")
        found += page["items"]
        if page["next"] == after:
            break
        after = page["next"]
    expected = await read_all(shop.database_url)
    assert found == [each for each in expected if each["type"] == "entitlement.revoked"]


@pytest.mark.parametrize("least", [0, 500])
async def test_low_wallets_are_told_at_any_limit(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    """However few rows are read at once, of which most tell of nothing that is sought."""
    monkeypatch.setattr(feeds, "_LEAST", least)
    await everything(database_url)
    low = {"BELL": 300}
    expected = await read_all(database_url, low=low)
    assert any(event["type"] == "wallet.low" for event in expected)
    async with open_shop(database_url, keyring, wallet_low=low) as shop:
        key = await api_key(shop, "events:read")
        for limit in (1, 2, 50):
            assert await pages(shop, key, limit=limit) == expected
        assert await pages(shop, key, limit=1, types="wallet.low") == [
            event for event in expected if event["type"] == "wallet.low"
        ]


async def test_latest_is_only_a_position(shop: Shop, key: dict[str, str]) -> None:
    before = await page_of(shop, key, after="latest")
    await everything(shop.database_url)
    page = await page_of(shop, key, after="latest", wait=20)
    assert page["items"] == []
    assert await pages(shop, key, after=page["next"]) == []
    assert await pages(shop, key, after=before["next"]) == await read_all(shop.database_url)


async def told_at_last(shop: Shop, key: dict[str, str], after: str) -> dict[str, Any]:
    """A page that is waited for, however often one has to ask on a slow machine."""
    page = await page_of(shop, key, after=after, wait=20)
    while not page["items"]:
        page = await page_of(shop, key, after=page["next"], wait=20)
    return page


async def test_an_event_is_waited_for(shop: Shop, key: dict[str, str]) -> None:
    make_known(shop.database_url, "ann")
    latest = (await page_of(shop, key, after="latest"))["next"]
    waiting = asyncio.create_task(told_at_last(shop, key, latest))
    await asyncio.sleep(0.3)
    async with in_flight(shop.database_url, credit("ann", 100)) as slow:
        assert not waiting.done()
        await slow.execute("COMMIT")
    page = await waiting
    assert [event["type"] for event in page["items"]] == ["wallet.credited"]
    others = await page_of(shop, key, after=latest, wait=1, types="order.refunded")
    assert others["items"] == []
    assert await pages(shop, key, after=others["next"]) == [], "it was passed over: another type was asked for"


async def test_hundreds_of_waiting_servers_starve_nobody(shop: Shop, key: dict[str, str]) -> None:
    """They hold no connection; whoever else asks is answered at once, and all of them are woken."""
    make_known(shop.database_url, "ann")
    other = await api_key(shop, "customers:read", name="other")
    latest = (await page_of(shop, key, after="latest"))["next"]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=shop.url, timeout=PATIENCE, limits=limits, verify=False) as many:
        await _starve_nobody(shop, replace(shop, http=many), key, other, latest)


async def _starve_nobody(shop: Shop, many: Shop, key: dict[str, str], other: dict[str, str], latest: str) -> None:
    polls = [asyncio.create_task(told_at_last(many, key, latest)) for _ in range(200)]
    for _ in range(20):
        answer = await shop.http.get("/v1/admin/customers/ann", headers=other)
        assert answer.status_code == 200, answer.text
    [(busy,)] = sql(
        shop.database_url,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'",
    )
    assert busy == 0
    async with connected(shop.database_url) as writer:
        await write(writer, [credit("ann", 1)])
    async with asyncio.timeout(PATIENCE):
        told = await asyncio.gather(*polls)
    assert {len(page["items"]) for page in told} == {1}
    assert len({page["next"] for page in told}) == 1


async def refused(shop: Shop, key: dict[str, str], path: str, **params: Any) -> str:
    """What is said of a parameter that cannot be."""
    answer = await ask(shop, key, **params)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["code"] == "invalid_request"
    [error] = problem["errors"]
    assert error["path"] == path
    return str(error["message"])


async def test_what_cannot_be_asked_is_refused(shop: Shop, key: dict[str, str]) -> None:
    for limit in (0, 201, -1, "ten", ""):
        assert "1 to 200" in await refused(shop, key, "$.limit", limit=limit)
    for wait in (-1, 21, "long", 1.5):
        await refused(shop, key, "$.wait", wait=wait)
    for types in ("order.payed", "order.paid,", "", "ORDER.PAID", "order.paid, order.refunded"):
        assert "order.paid" in await refused(shop, key, "$.types", types=types)


def forged(shop: str, *rest: str) -> str:
    return to_cursor(" ".join((shop, *rest)))


async def test_a_position_that_was_not_given_here_is_refused(shop: Shop, key: dict[str, str]) -> None:
    given = (await page_of(shop, key, after="latest"))["next"]
    name = feeds_name(given)
    wrong = [
        "",
        "x",
        "beginning",
        given[:-2],
        given + "A",
        "%00",
        "\u00e9",
        "A" * 20_000,
        forged("00000000", "0", "0", "0.0"),
        forged(name, "0", "0"),
        forged(name, "0", "1", "0.0"),
        forged(name, "0", "0", "0.0", "0.0"),
        forged(name, "0", "0", "-1.0"),
        forged(name, "0", "0", f"{2**63}.0"),
        forged(name, "0", "0", "٣.0"),
    ]
    for after in wrong:
        assert "Not a cursor" in await refused(shop, key, "$.after", after=after)
    assert (await page_of(shop, key, after=forged(name, "0", "0", "0.0")))["items"] == []


def feeds_name(given: str) -> str:
    """By which name a position says which shop it is of."""
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().split()[0]


async def test_a_position_of_another_shop_is_refused(shop: Shop, key: dict[str, str], keyring: Keyring) -> None:
    await everything(shop.database_url)
    given = (await page_of(shop, key))["next"]
    sql(shop.database_url, "UPDATE deployment SET created_at = created_at + interval '1 second'")
    async with open_shop(shop.database_url, keyring) as other:
        assert "Not a cursor" in await refused(other, key, "$.after", after=given)


async def test_a_position_that_nothing_stands_at_is_lost(shop: Shop, key: dict[str, str]) -> None:
    """It was not there, or a restore has lost it: which of the two nobody can tell."""
    await everything(shop.database_url)
    name = feeds_name((await page_of(shop, key, after="latest"))["next"])
    [(newest,)] = sql(shop.database_url, "SELECT max(position) FROM transfer")
    for position in (1, int(str(newest)) + 1, 2**63 - 1):
        answer = await ask(shop, key, after=forged(name, "0", "0", f"{position}.0"))
        assert (answer.status_code, answer.json()["code"]) == (409, "position_lost")
        resumed = await pages(shop, key, after=answer.json()["resume"])
        assert resumed == await read_all(shop.database_url)


async def test_payments_come_first(shop: Shop) -> None:
    """In a worker that settles for most of its time, a reader rests for longer than it reads."""
    await everything(shop.database_url)
    settled = {"idle": 0.0, "busy": 1.0}
    rests: dict[str, float] = {}
    for name, share in settled.items():
        async with Pool(shop.database_url, 2, False) as pool:
            seconds = partial(lambda share: share * time.monotonic(), share)
            feed = Feed(pool, 1, {}, Witness(shop.keyring.path.with_name("none.jws")), seconds)
            page = await feed.read(None, None, 200, 0)
            await asyncio.sleep(0.2)
            again = await feed.read(None, None, 200, 0)
            assert again == page
            rests[name] = feed._rested
    assert rests["idle"] == 0.0 < rests["busy"]


async def test_the_scope_is_asked_for(shop: Shop) -> None:
    other = await api_key(shop, "orders:read")
    answer = await ask(shop, other)
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_missing", "events:read")
    assert (await shop.http.get(FEED)).status_code == 401


async def test_a_row_that_is_not_known_here_stops_the_feed_before_it(shop: Shop, key: dict[str, str]) -> None:
    await everything(shop.database_url)
    sql(shop.database_url, "UPDATE transfer SET kind = 'lottery' WHERE position = (SELECT max(position) FROM transfer)")
    told = await pages(shop, key, limit=1, types="wallet.credited")
    assert told
    answer = await ask(shop, key, limit=200)
    assert answer.status_code == 500


@pytest.mark.parametrize("text", ["BELL", "BELL:", "BELL:-1", "BELL:0", "bell:5", "BELL:1,BELL:2", "BELL:1.5", ":5"])
def test_thresholds_that_cannot_be(text: str) -> None:
    with pytest.raises(SettingsError, match=r"LINGDANG_WALLET_LOW|wallet_low"):
        load_settings({"LINGDANG_WALLET_LOW": text})


def test_thresholds_by_currency() -> None:
    assert load_settings({"LINGDANG_WALLET_LOW": "BELL:100, GEM:5"}).wallet_low == {"BELL": 100, "GEM": 5}
    assert load_settings({"LINGDANG_WALLET_LOW": ""}).wallet_low == Settings().wallet_low == {}


@pytest.fixture
async def two_buckets(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    sql(database_url, "UPDATE deployment SET buckets = 2")
    async with open_shop(database_url, keyring, buckets=2) as opened:
        yield opened


async def test_buckets_take_turns(two_buckets: Shop) -> None:
    shop = two_buckets
    key = await api_key(shop, "events:read")
    await everything(shop.database_url, buckets=2)
    expected = [await read_all(shop.database_url, bucket=bucket) for bucket in range(2)]
    assert all(expected)
    for limit in (1, 3, 200):
        told = await pages(shop, key, limit=limit)
        for bucket in range(2):
            assert [each for each in told if each["position"].startswith("1:") == (bucket == 1)] == expected[bucket]
        assert len(told) == sum(map(len, expected))
