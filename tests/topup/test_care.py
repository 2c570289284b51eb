"""Each account has healers of its own: one whose provider hangs holds up nobody else."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from lingdang.db.pool import Pool
from lingdang.deployment import make_topups
from lingdang.keys import Keyring
from lingdang.topup import accounts, parts
from lingdang.topup.accounts import Account
from lingdang.topup.providers.provider import Standing
from lingdang.topup.providers.sandbox import Sandbox
from support.buyer import Buyer, buyer
from support.hands import Hands
from support.journal import deployment_of
from support.money import open_settlement
from support.people import api_key
from support.shop import PATIENCE, Shop, open_shop
from support.stores import PRODUCT, Store
from support.tabs import until
from support.topups import becomes, begin, bells, look, sell


class HangingSandbox(Sandbox):
    """It answers no question before it is let go."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked, self.let_go = threading.Event(), threading.Event()

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        self.asked.set()
        self.let_go.wait(PATIENCE)
        return super().ask(topup_id, reference)


class HangingStore(Store):
    """It takes nothing that it is told before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def finish(self, reference: str) -> None:
        self.let_go.wait(PATIENCE)
        super().finish(reference)

    def tell_consumed(self, evidence: str, consumed: int) -> None:
        self.let_go.wait(PATIENCE)
        super().tell_consumed(evidence, consumed)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def hanging(database_url: str, keyring: Keyring) -> Iterator[HangingSandbox]:
    made = HangingSandbox("hanging", database_url, keyring, "")
    yield made
    made.let_go.set()


@pytest.fixture
def store() -> Iterator[HangingStore]:
    made = HangingStore()
    yield made
    made.let_go.set()


@pytest.fixture
async def shop(
    database_url: str,
    keyring: Keyring,
    hands: Hands,
    hanging: HangingSandbox,
    store: HangingStore,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shop]:
    """With an account at each that hangs, for as long as it likes, and two that are well."""
    monkeypatch.setattr(accounts, "CALL_SECONDS", PATIENCE)
    providers = {
        "hanging": hanging,
        "store": store,
        "well": Sandbox("well", database_url, keyring, ""),
        "shelf": Store(),
    }
    monkeypatch.setattr(
        parts, "make_accounts", lambda *_: {name: Account(name, each) for name, each in providers.items()}
    )
    async with open_shop(database_url, keyring, clock=hands) as opened:
        await sell(opened, await api_key(opened), storeProducts={"store": PRODUCT, "shelf": PRODUCT})
        yield opened


async def test_a_shop_without_accounts_asks_for_their_work_seldom(database_url: str, keyring: Keyring) -> None:
    deployment = deployment_of(database_url, keyring)
    async with Pool(database_url, 1, False) as pool, open_settlement(database_url) as settlement:
        care = make_topups(deployment, pool, settlement).care(pool)
    assert care.healers.keys() == {"inbox", "gifts", "accepted", "forgetting", "counting"}
    assert min(healer.pause for healer in care.healers.values()) >= 30


@pytest.fixture
def ann(shop: Shop) -> Buyer:
    return buyer(shop)


async def test_one_that_does_not_answer_holds_up_no_question_to_another(
    shop: Shop, ann: Buyer, hands: Hands, hanging: HangingSandbox, database_url: str, keyring: Keyring
) -> None:
    stuck, well = [await begin(ann, provider=name) for name in ("hanging", "well")]
    hanging.play(UUID(stuck["topupId"]), "never")
    Sandbox("well", database_url, keyring, "").play(UUID(well["topupId"]), "never")
    hands.forward(31)
    await until(hanging.asked.is_set)
    await becomes(ann, well, "paid")
    assert (await look(ann, stuck))["status"] == "pending"
    hanging.let_go.set()
    await becomes(ann, stuck, "paid")
    assert [row[:2] for row in bells(shop)] == [("topup", 660)] * 2


async def bought(ann: Buyer, store: str) -> str:
    """A purchase at a store that is credited: its top-up."""
    topup = await begin(ann, provider=store, channel="store")
    body = {"purchaseToken": f"good {topup['topupId']}"}
    done = await ann.shop.http.post(f"/v1/topups/{topup['topupId']}/purchase", json=body, headers=ann.headers)
    assert done.json()["status"] == "paid", done.text
    name: str = topup["topupId"]
    return name


async def test_a_store_that_takes_no_answer_holds_up_no_other_purchase(
    shop: Shop, ann: Buyer, store: HangingStore
) -> None:
    stuck = [await bought(ann, "store") for _ in range(6)]
    for name in stuck:
        assert (await shop.http.post("/v1/topups/notify/store", content=f"evidence {name}")).status_code == 200
    well = await bought(ann, "shelf")
    assert (await shop.http.post("/v1/topups/notify/shelf", content=f"evidence {well}")).status_code == 200
    await until(lambda: shop.sql("SELECT DISTINCT account FROM topup WHERE finished") == [("shelf",)])
    await until(lambda: shop.sql("SELECT DISTINCT account FROM topup_waiting") == [("store",)])
    assert (store.finished, store.told) == ([], [])
    store.let_go.set()
    await until(lambda: sorted(set(store.finished)) == sorted(f"store-{name}" for name in stuck))
    await until(lambda: shop.sql("SELECT 1 FROM topup_waiting") == [])
