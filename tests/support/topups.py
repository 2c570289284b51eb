"""Packages for sale, top-ups of a customer, and the sandbox that plays their payments."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from lingdang.ids import uuid7
from lingdang.topup.rows import TopupRow
from support.buyer import Buyer
from support.shop import PATIENCE, Shop

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ROW = TopupRow(
    customer=1,
    topup_id=uuid7(),
    bucket=0,
    package_id="six",
    name="n",
    account="wechat",
    channel="web",
    currency="BELL",
    paid=600,
    bonus=60,
    bonus_days=None,
    price=600,
    price_currency="CNY",
    created_at=AT,
    expires_at=AT + timedelta(hours=1),
)
"""One that was begun at AT, and of which nothing was told."""


SIX_YUAN: dict[str, Any] = {
    "name": "600 bells",
    "paid": 600,
    "bonus": 60,
    "bonusExpiresAfterDays": 90,
    "price": {"amount": 600, "currency": "CNY"},
}


async def sell(shop: Shop, key: dict[str, str], package_id: str = "six", **changed: Any) -> None:
    """Put a package on sale."""
    answer = await shop.http.put(f"/v1/admin/topups/packages/{package_id}", json=SIX_YUAN | changed, headers=key)
    assert answer.status_code in (200, 201), answer.text


async def try_to_begin(ann: Buyer, key: str | None = None, **changed: Any) -> httpx.Response:
    """POST /v1/topups; `key` is the Idempotency-Key."""
    body = {"packageId": "six", "provider": "sandbox", "channel": "web"} | changed
    headers = ann.headers | ({} if key is None else {"Idempotency-Key": key})
    return await ann.shop.http.post("/v1/topups", json=body, headers=headers)


async def begin(ann: Buyer, **changed: Any) -> dict[str, Any]:
    """A new top-up."""
    answer = await try_to_begin(ann, **changed)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def play(ann: Buyer, topup: dict[str, Any], outcome: str) -> httpx.Response:
    """Have a payment at the sandbox come out so."""
    return await ann.shop.http.post(urlsplit(topup["action"]["url"]).path, json={"outcome": outcome})


async def look(ann: Buyer, topup: dict[str, Any]) -> dict[str, Any]:
    """The top-up as its customer sees it."""
    told: dict[str, Any] = (await ann.get(f"/v1/topups/{topup['topupId']}")).json()
    return told


async def becomes(ann: Buyer, topup: dict[str, Any], status: str) -> dict[str, Any]:
    """The top-up once it is in this state."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while (told := await look(ann, topup))["status"] != status:
        assert asyncio.get_running_loop().time() < end, told
        await asyncio.sleep(0.02)
    return told


async def carried_out(shop: Shop) -> None:
    """Wait until the inbox has nothing that waits."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while shop.sql("SELECT 1 FROM topup_waiting"):
        assert asyncio.get_running_loop().time() < end, shop.sql("SELECT * FROM topup_waiting")
        await asyncio.sleep(0.02)


def bells(shop: Shop) -> list[tuple[Any, ...]]:
    """The wallets, and the journal's rows of top-ups."""
    return shop.sql("SELECT kind, amount, balance FROM transfer ORDER BY customer, seq")
