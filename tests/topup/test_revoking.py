"""Where the shop wants it, rights end for bells that are owed: the newest first, and no more than are needed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool, transaction
from lingdang.keys import Keyring
from lingdang.ledger.reconcile import reconcile
from lingdang.library.refunds import Policy
from lingdang.settings import Settings
from lingdang.topup.inbox import Inbox
from lingdang.topup.providers.provider import Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.revoking import AT_ONCE, Revoking
from lingdang.topup.rows import find
from support.buyer import Buyer, buyer, give, stock
from support.money import open_settlement
from support.people import api_key
from support.shop import PATIENCE, Shop, open_shop
from support.topups import becomes, begin, carried_out, play, sell


@pytest.fixture
async def shop(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, sandbox=True, topup_rights="revoke", cash_refunds="days:14") as opened:
        await sell(opened, await api_key(opened))
        yield opened
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert reconcile(connection).differences == []


@pytest.fixture
def ann(shop: Shop) -> Buyer:
    return buyer(shop)


async def paid(ann: Buyer) -> dict[str, Any]:
    """A top-up of 660 bells for 600 fen."""
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    return topup


async def bought(ann: Buyer, *orders: tuple[str, ...]) -> None:
    for products in orders:
        assert (await ann.buy(*products)).status_code == 200


def rights(shop: Shop) -> list[str]:
    return [name for (name,) in shop.sql("SELECT product_id FROM entitlement ORDER BY product_id")]


async def wallet(ann: Buyer) -> tuple[int, int]:
    """What can be spent, and what is owed."""
    [found] = (await ann.get("/v1/wallet")).json()["balances"]
    return found["balance"], found["debt"]


async def test_the_newest_right_ends_and_no_more_than_is_owed(shop: Shop, ann: Buyer) -> None:
    stock(shop, "a", "b", "c", price=200)
    topup = await paid(ann)
    await bought(ann, ("a",), ("b", "c"))
    await play(ann, topup, "refund:200")
    await becomes(ann, topup, "partly_refunded")
    assert (rights(shop), await wallet(ann)) == (["a", "b"], (40, 0)), "220 went back: 60 were left, c paid the others"
    await play(ann, topup, "refund:100")
    await carried_out(shop)
    assert (rights(shop), await wallet(ann)) == (["a"], (130, 0))
    reasons = shop.sql("SELECT detail->>'reason', detail->>'by' FROM transfer WHERE kind = 'refund'")
    assert reasons == [("other", "operator")] * 2
    await play(ann, topup, "refund:300")
    await becomes(ann, topup, "refunded")
    assert (rights(shop), await wallet(ann)) == ([], (0, 0))


async def test_a_lost_dispute_ends_rights_and_an_open_one_ends_none(shop: Shop, ann: Buyer) -> None:
    stock(shop, "a", "b", price=300)
    topup = await paid(ann)
    await bought(ann, ("a",), ("b",))
    await play(ann, topup, "dispute")
    await becomes(ann, topup, "disputed")
    assert rights(shop) == ["a", "b"]
    await play(ann, topup, "dispute_lost")
    await becomes(ann, topup, "lost")
    assert (rights(shop), await wallet(ann)) == ([], (0, 0))


async def test_what_was_bought_before_or_for_nothing_is_kept(shop: Shop, ann: Buyer) -> None:
    stock(shop, "old", price=100)
    stock(shop, "free", price=0)
    stock(shop, "new", price=500)
    await give(shop, "ann", 100)
    await bought(ann, ("old",))
    topup = await paid(ann)
    key = await api_key(shop, "wallets:adjust", name="adjusts")
    less = {"adjustmentId": "a-1", "amount": -160, "reason": "correction"}
    done = await shop.http.post("/v1/admin/wallets/ann/adjustments", json=less, headers=key)
    assert done.status_code < 300, done.text
    await bought(ann, ("new", "free"))
    await play(ann, topup, "refund:600")
    await becomes(ann, topup, "refunded")
    assert (rights(shop), await wallet(ann)) == (["free", "old"], (0, 160)), "no order explains what is still owed"


async def test_what_an_earlier_top_up_bought_ends_too_when_both_go_back(shop: Shop, ann: Buyer) -> None:
    stock(shop, "a", price=660)
    first = await paid(ann)
    await bought(ann, ("a",))
    second = await paid(ann)
    await play(ann, first, "refund:600")
    await becomes(ann, first, "refunded")
    assert (rights(shop), await wallet(ann)) == (["a"], (0, 0)), "the second one's bells paid for it"
    await play(ann, second, "refund:600")
    await becomes(ann, second, "refunded")
    assert (rights(shop), await wallet(ann)) == ([], (0, 0))


async def test_many_orders_are_gone_through(shop: Shop, ann: Buyer) -> None:
    names = [f"b{number:02}" for number in range(AT_ONCE + 2)]
    stock(shop, *names, price=30)
    topup = await paid(ann)
    await bought(ann, *((name,) for name in names))
    await play(ann, topup, "refund:600")
    await becomes(ann, topup, "refunded")
    assert (rights(shop), await wallet(ann)) == ([], (0, 0))


async def test_a_refund_that_is_only_promised_ends_none(
    shop: Shop, ann: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable

    stock(shop, "a", price=600)
    topup = await paid(ann)
    await bought(ann, ("a",))
    refund = Sandbox.refund
    monkeypatch.setattr(Sandbox, "refund", away)
    key = await api_key(shop, name="refunds")
    place = f"/v1/admin/topups/{topup['topupId']}/refunds"
    asked = await shop.http.post(place, json={"refundId": "r-1", "amount": 600}, headers=key)
    assert asked.status_code == 202
    assert (rights(shop), await wallet(ann)) == (["a"], (0, 600))
    monkeypatch.setattr(Sandbox, "refund", refund)
    shop.sql("UPDATE topup_refund SET due_at = now()")
    await becomes(ann, topup, "refunded")
    assert (rights(shop), await wallet(ann)) == ([], (0, 0))


async def test_a_wallet_that_owes_nothing_any_more_keeps_its_rights(shop: Shop, ann: Buyer) -> None:
    """Whoever read the debt a moment ago ends none: the ledger knows it."""
    stock(shop, "a", price=600)
    topup = await paid(ann)
    await bought(ann, ("a",))
    async with Pool(shop.database_url, 1, False) as pool, open_settlement(shop.database_url) as settlement:
        row = await find(pool, UUID(topup["topupId"]))
        assert row is not None
        async with transaction(pool) as connection:
            await Revoking(settlement, Policy.of(Settings())).pay(connection, row, 500)
    assert (rights(shop), await wallet(ann)) == (["a"], (60, 0))


@pytest.mark.parametrize(("point", "ended"), [("credit", 0), ("right", 1), ("rights", 2)])
async def test_a_process_that_is_killed_in_between_ends_neither_more_nor_less(
    database_url: str, keyring: Keyring, point: str, ended: int
) -> None:
    settings: dict[str, Any] = {"sandbox": True, "topup_rights": "revoke"}
    async with open_shop(database_url, keyring, background="worker", **settings) as shop:
        await sell(shop, await api_key(shop))
        ann = buyer(shop)
        stock(shop, "a", "b", "c", price=200)
        topup = await paid(ann)
        await bought(ann, ("a",), ("b", "c"))
        sandbox = Sandbox("sandbox", database_url, keyring, "")
        [sending] = sandbox.play(UUID(topup["topupId"]), "refund:360") or []
        now = system_clock()
        async with Pool(database_url, 1, pgbouncer=False) as pool:
            told = sandbox.read(sending.headers, sending.body, now)
            await Inbox(pool, keyring).take("sandbox", told, sending.headers, sending.body, now)
        command = [sys.executable, "-m", "support.killed", database_url, str(keyring.path), point]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd="tests", capture_output=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == -9, done.stderr.decode()
        assert len(rights(shop)) == 3 - ended
        assert shop.sql("SELECT status FROM topup") == [("paid",)]
        shop.sql("UPDATE topup_waiting SET due_at = now()")
    async with open_shop(database_url, keyring, **settings) as healed:
        await becomes(buyer(healed), topup, "partly_refunded")
        await carried_out(healed)
        assert (rights(healed), await wallet(buyer(healed))) == (["a"], (64, 0))
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert reconcile(connection).differences == []
