"""Purchases in an app: the proof completes the top-up that it names, and no other; stores are told and answered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

import httpx
import pytest

from lingdang.keys import Keyring
from lingdang.topup import parts
from lingdang.topup.accounts import Account
from support.buyer import Buyer, buyers, stock
from support.people import api_key
from support.shop import Shop, open_shop
from support.stores import PRODUCT, Store
from support.tabs import until
from support.topups import begin, bells, carried_out, look, sell


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(parts, "make_accounts", lambda *_: {"apple": Account("apple", made)})
    return made


@pytest.fixture
async def shop(database_url: str, keyring: Keyring, store: Store) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring) as opened:
        await sell(opened, await api_key(opened), storeProducts={"apple": PRODUCT})
        yield opened


async def start(who: Buyer) -> dict[str, Any]:
    return await begin(who, provider="apple", channel="store")


async def show(who: Buyer, topup: dict[str, Any], proof: str) -> httpx.Response:
    place = f"/v1/topups/{topup['topupId']}/purchase"
    return await who.shop.http.post(place, json={"purchaseToken": proof}, headers=who.headers)


async def test_a_proof_completes_its_top_up_once_and_the_store_is_told(shop: Shop, store: Store) -> None:
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    store.away = True
    for _ in range(3):
        done = await show(ann, topup, f"good {topup['topupId']}")
        assert (done.status_code, done.json()["status"]) == (200, "paid"), done.text
    assert done.json()["received"] == {"amount": 99, "currency": "USD"}
    assert bells(shop) == [("topup", 660, 660)]
    assert store.finished == []
    store.away = False
    await until(lambda: store.finished == [f"store-{topup['topupId']}"])


@pytest.mark.parametrize(("state", "entries"), [("paid", 2), ("open", 5)])
async def test_a_proof_that_is_shown_again_and_again_fills_no_inbox(
    shop: Shop, store: Store, state: Literal["paid", "open"], entries: int
) -> None:
    ann, bob = buyers(shop, "ann", "bob")
    hers, his = await start(ann), await start(bob)
    store.refunded, store.state = 0, state
    for _ in range(5):
        store.clock += timedelta(seconds=1)
        for proof in (hers["topupId"], "nobody"):
            await show(ann, hers, f"good {proof}")
            await show(bob, his, f"good {proof}")
    assert shop.sql("SELECT count(*) FROM topup_notification") == [(entries,)]
    assert bells(shop) == ([("topup", 660, 660)] if state == "paid" else [])


async def test_what_a_proof_shows_later_counts_though_it_was_shown_before(shop: Shop, store: Store) -> None:
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    for refunded, balance in ((0, 660), (99, 0), (0, 660), (99, 0)):
        store.refunded, store.clock = refunded, store.clock + timedelta(hours=1)
        await show(ann, topup, f"good {topup['topupId']}")
        assert bells(shop)[-1][-1] == balance


async def test_anothers_proof_completes_theirs(shop: Shop) -> None:
    ann, bob = buyers(shop, "ann", "bob")
    hers, his = await start(ann), await start(bob)
    done = await show(bob, his, f"good {hers['topupId']}")
    assert (done.status_code, done.json()["status"]) == (200, "pending")
    assert (await look(ann, hers))["status"] == "paid"
    assert (await show(bob, hers, f"good {hers['topupId']}")).status_code == 404


async def test_a_proof_that_names_nobody_is_left_to_operators(shop: Shop) -> None:
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    assert (await show(ann, topup, "good nobody")).json()["status"] == "pending"
    assert shop.sql("SELECT customer, differs FROM topup WHERE status = 'review'") == [(0, ["unknown"])]
    assert bells(shop) == []


async def test_a_forged_proof_is_kept_and_does_nothing(shop: Shop) -> None:
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    refused = await show(ann, topup, "bad")
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "$.purchaseToken")
    assert shop.sql("SELECT verdict FROM topup_notification") == [("forged: signature",)]
    both = {"purchaseToken": "a", "signedTransaction": "b"}
    place = f"/v1/topups/{topup['topupId']}/purchase"
    assert (await shop.http.post(place, json=both, headers=ann.headers)).status_code == 400
    assert bells(shop) == []


async def test_a_store_that_asks_is_told_how_much_was_consumed(shop: Shop, store: Store) -> None:
    stock(shop, "book-1", price=165)
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    await show(ann, topup, f"good {topup['topupId']}")
    assert (await ann.buy("book-1")).status_code == 200
    question = f"evidence {topup['topupId']}"
    assert (await shop.http.post("/v1/topups/notify/apple", content=question)).status_code == 200
    await carried_out(shop)
    assert store.told == [(f"q-{topup['topupId']}", 25_000)]


async def test_purchases_that_a_store_will_not_finish_hold_up_no_newer_one(shop: Shop, store: Store) -> None:
    [ann] = buyers(shop, "ann")
    begun = [await start(ann) for _ in range(5)]
    store.unwilling = {f"store-{topup['topupId']}" for topup in begun[:4]}
    for topup in begun:
        await show(ann, topup, f"good {topup['topupId']}")
    await until(lambda: store.finished == [f"store-{begun[-1]['topupId']}"])
    tries = "SELECT count(*) FROM topup WHERE NOT finished AND finish_tries = %s AND finish_at > now()"
    await until(lambda: shop.sql(tries, (1,)) == [(4,)])
    shop.sql("UPDATE topup SET finish_at = now() WHERE NOT finished")
    await until(lambda: shop.sql(tries, (2,)) == [(4,)])
    [(longer,)] = shop.sql("SELECT min(finish_at) > now() + interval '1 minute' FROM topup WHERE NOT finished")
    assert longer


async def test_what_a_store_refuses_for_good_is_not_asked_for_again(shop: Shop, store: Store) -> None:
    [ann] = buyers(shop, "ann")
    topup = await start(ann)
    proof = f"good {topup['topupId']}"
    store.unwilling = {proof, f"q-{topup['topupId']}"}
    refused = await show(ann, topup, proof)
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
        409,
        "topup_unavailable",
        "refused",
    )
    assert (await shop.http.post("/v1/topups/notify/apple", content=f"evidence {topup['topupId']}")).status_code == 200
    await carried_out(shop)
    assert (store.told, bells(shop)) == ([], [("topup", 660, 660)])
