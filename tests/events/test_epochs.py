"""Restores that lost commits: every reader is told, drops what is gone, and has what the database has."""

from pathlib import Path
from typing import Any

import pytest

from lingdang.cli.epoch import Declared, declare_lost
from lingdang.journal import sealer
from lingdang.keys import Keyring
from proof.consumer import Event, books_of
from support.feed import Follower, ask
from support.happened import everything
from support.journal import deployment_of, seal_all, sql
from support.money import credit, line, open_settlement, pay
from support.nodes import new_node, run, running
from support.people import api_key
from support.shop import Shop, open_shop

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shop seals by itself: what was sealed when is each test's to say."""
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 1e6)


class Seen:
    """Every event that anybody was told, so that no id names two facts."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}

    def of(self, *followers: Follower) -> None:
        for follower in followers:
            for name, event in follower.consumer.events.items():
                assert self._events.setdefault(name, event) == event, "an id names one fact"


async def credited(url: str, *names: str) -> None:
    """A credit for each, one after the other."""
    async with open_settlement(url) as settlement:
        for name in names:
            await settlement.submit(credit(name, 70))


async def epoch_new(url: str, keyring: Keyring) -> Declared:
    """As `lingdang epoch new` does it."""
    return await declare_lost(deployment_of(url, keyring))


async def stopped(shop: Shop, key: dict[str, str]) -> None:
    answer = await ask(shop, key)
    assert (answer.status_code, answer.json()["code"]) == (503, "feed_stopped")
    assert "lingdang epoch new" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "30"


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def test_a_restore_that_the_witness_sees(tmp_path: Path, keyring: Keyring) -> None:
    """Of the kept rows some were sealed and some were not; of the lost ones likewise."""
    seen = Seen()
    with new_node(tmp_path / "shop") as node:
        await everything(node.url)
        assert await seal_all(node.url, keyring) > 0
        [(sealed_to,)] = sql(node.url, "SELECT max(position) FROM transfer")
        async with open_shop(node.url, keyring) as shop:
            key = await api_key(shop, "events:read")
            at_the_seal, at_the_copy, ahead, late = (Follower(key, limit) for limit in (200, 7, 3, 200))
            await at_the_seal.catch_up(shop)
            await credited(node.url, "ann", "bob")
            await at_the_copy.catch_up(shop)
            restored = node.copy(tmp_path / "restored")
            async with open_settlement(node.url) as settlement:
                await settlement.submit(credit("ann", 500))
                await settlement.submit(pay("cleo", line("c", 10)))
            await seal_all(node.url, keyring)
            await credited(node.url, "dan", "ann")
            await ahead.catch_up(shop)
            assert ahead.consumer.rebuilt() == books_of(node.url)
            seen.of(at_the_seal, at_the_copy, ahead)
    with running(restored):
        async with open_shop(restored.url, keyring) as shop:
            await stopped(shop, key)
            await credited(restored.url, "ann")
            await stopped(shop, key)
            declared = await epoch_new(restored.url, keyring)
            assert declared == Declared([str(sealed_to)], witnessed=True)
            async with open_settlement(restored.url) as settlement:
                await settlement.submit(credit("dan", 9))
                await settlement.submit(credit("cleo", 8))
            followers = [at_the_seal, at_the_copy, ahead, late]
            expected = books_of(restored.url)
            for follower in followers:
                await follower.catch_up(shop)
                assert follower.consumer.rebuilt() == expected
                seen.of(follower)
            assert [follower.lost for follower in followers] == [0, 1, 1, 0]
            assert types(list(late.consumer.events.values())).count("feed.reset") == 1
            [reset] = [each for each in late.consumer.events.values() if each["type"] == "feed.reset"]
            assert reset["data"] == {"lastTrue": str(sealed_to)}
            assert (reset.get("custId"), reset.get("seq")) == (None, None)
            await credited(restored.url, "ann")
            for follower in followers:
                await follower.catch_up(shop)
                assert follower.consumer.rebuilt() == books_of(restored.url)
            assert sum(follower.lost for follower in followers) == 2, "who has been told once goes on"


async def test_a_restore_that_nobody_declared(tmp_path: Path, keyring: Keyring) -> None:
    """What was lost had not been sealed, so no witness knows: who has seen it is told, and the ids are others."""
    seen = Seen()
    with new_node(tmp_path / "shop") as node:
        await everything(node.url)
        await seal_all(node.url, keyring)
        restored = node.copy(tmp_path / "restored")
        async with open_shop(node.url, keyring) as shop:
            key = await api_key(shop, "events:read")
            kept = Follower(key)
            await kept.catch_up(shop)
        await credited(node.url, "ann", "bob")
        async with open_shop(node.url, keyring) as shop:
            ahead = Follower(key)
            await ahead.catch_up(shop)
        seen.of(kept, ahead)
    with running(restored):
        async with open_shop(restored.url, keyring) as shop:
            kept.key = ahead.key = await api_key(shop, "events:read")
            await credited(restored.url, "bob", "ann", "ann")
            for follower in (kept, ahead):
                await follower.catch_up(shop)
                assert follower.consumer.rebuilt() == books_of(restored.url)
                seen.of(follower)
            assert (kept.lost, ahead.lost) == (0, 1)


async def test_a_dump_into_the_same_server(tmp_path: Path, keyring: Keyring) -> None:
    """That is no start of the server, so its epoch goes on until one is begun: what comes then has other ids."""
    seen = Seen()
    dump = tmp_path / "shop.dump"
    with new_node(tmp_path / "shop") as node:
        await everything(node.url)
        await seal_all(node.url, keyring)
        run("pg_dump", "-Fc", "-f", str(dump), node.url)
        await credited(node.url, "ann", "bob")
        await seal_all(node.url, keyring)
        async with open_shop(node.url, keyring) as shop:
            key = await api_key(shop, "events:read")
            ahead = Follower(key)
            await ahead.catch_up(shop)
        seen.of(ahead)
        sql(node.url.replace("/shop?", "/postgres?"), "CREATE DATABASE restored")
        url = node.url.replace("/shop?", "/restored?")
        run("pg_restore", "--exit-on-error", "--single-transaction", "-d", url, str(dump))
        async with open_shop(url, keyring) as shop:
            ahead.key = await api_key(shop, "events:read")
            await stopped(shop, ahead.key)
            await epoch_new(url, keyring)
            await credited(url, "ann", "bob")
            await ahead.catch_up(shop)
            assert ahead.lost == 1
            assert ahead.consumer.rebuilt() == books_of(url)
            seen.of(ahead)
