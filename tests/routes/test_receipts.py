"""The list of revoked receipts."""

import json
from math import inf

import pytest

from lingdang.jose import from_base64url
from lingdang.library import receipts
from support.buyer import Buyer
from support.refunds import ann_among_books, bought, desk_of, refund
from support.shop import Shop


@pytest.fixture(autouse=True)
def no_list_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine one may, and the next one is then made later."""
    monkeypatch.setattr(receipts, "_LONG_SECONDS", inf)


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return await ann_among_books(shop)


async def test_a_receipts_rid_is_listed_when_its_right_ends(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b")
    receipt = (await ann.get("/v1/entitlements/a")).json()["receipt"]
    rid = json.loads(from_base64url(receipt.encode().split(b".")[1]))["rid"]
    assert len(rid) == 32

    async def revoked() -> list[str]:
        jws = (await shop.http.get("/v1/receipts/revoked")).text
        listed: list[str] = json.loads(from_base64url(jws.encode().split(b".")[1]))["rids"]
        return listed

    assert await revoked() == []
    await refund(shop, desk, order_id, productIds=["a"])
    assert await revoked() == [rid]


async def test_the_list_of_revoked_receipts_is_not_sent_twice(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b")
    await refund(shop, desk, order_id, productIds=["a"])
    first = await shop.http.get("/v1/receipts/revoked")
    known = {"If-None-Match": first.headers["etag"]}
    again = await shop.http.get("/v1/receipts/revoked", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    await refund(shop, desk, order_id, "r-2")
    changed = await shop.http.get("/v1/receipts/revoked", headers=known)
    assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)
