"""Top-ups over HTTP, from the package to the bells."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from lingdang.serving.metrics import Metrics
from lingdang.watch import Watch
from support.buyer import Buyer, buyer
from support.money import add_products, line, open_settlement, pay
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, bells, carried_out, look, play, sell, try_to_begin


@pytest.fixture
async def sandbox(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, sandbox=True) as shop:
        yield shop


@pytest.fixture
async def ann(sandbox: Shop) -> Buyer:
    await sell(sandbox, await api_key(sandbox))
    return buyer(sandbox)


async def test_bells_are_there_once_the_money_is(sandbox: Shop, ann: Buyer) -> None:
    [offer] = (await ann.get("/v1/topups/packages")).json()["items"]
    assert offer == {
        "packageId": "six",
        "name": "600 bells",
        "currency": "BELL",
        "paid": 600,
        "bonus": 60,
        "bonusExpiresAfterDays": 90,
        "price": {"amount": 600, "currency": "CNY"},
        "providers": [{"provider": "sandbox", "kind": "sandbox", "channels": ["web", "app", "jsapi"]}],
    }
    topup = await begin(ann, returnUrl="/topups")
    assert (topup["status"], topup["action"]["kind"], topup["received"]) == ("pending", "redirect", None)
    assert bells(sandbox) == []
    assert "600 bells" in (await sandbox.http.get(topup["action"]["url"])).text
    assert (await play(ann, topup, "pay")).json() == {"state": "paid"}
    paid = await becomes(ann, topup, "paid")
    assert paid["received"] == {"amount": 600, "currency": "CNY"}
    assert paid["creditedAt"] is not None
    assert bells(sandbox) == [("topup", 660, 660)]
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert (balance["paid"], balance["bonus"]) == (600, 60)
    told = await look(ann, topup)
    assert told.pop("bells") == {"debtPaid": 0, "taken": 0, "owed": 0, "frozen": 0}
    assert (await ann.get("/v1/topups")).json()["items"] == [told]


async def test_the_same_news_twice_is_one_credit(sandbox: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    await play(ann, topup, "twice")
    await becomes(ann, topup, "paid")
    await carried_out(sandbox)
    assert bells(sandbox) == [("topup", 660, 660)]
    assert sandbox.sql("SELECT verdict FROM topup_notification") == [("sound",)]


@pytest.mark.parametrize(("outcome", "differs"), [("wrong_amount", "amount"), ("wrong_currency", "currency")])
async def test_money_that_was_not_agreed_credits_nothing_by_itself(
    sandbox: Shop, ann: Buyer, outcome: str, differs: str
) -> None:
    topup = await begin(ann)
    await play(ann, topup, outcome)
    told = await becomes(ann, topup, "review")
    assert told["supportReference"].replace("-", "").lower() == told["topupId"][-12:]
    assert sandbox.sql("SELECT differs FROM topup") == [([differs],)]
    assert bells(sandbox) == []
    assert sandbox.sql("SELECT type FROM notice") == [("topup.review",)]


async def test_one_that_failed_is_told_of(sandbox: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    await play(ann, topup, "fail")
    await becomes(ann, topup, "failed")
    assert sandbox.sql("SELECT type FROM notice") == [("topup.failed",)]
    assert (await play(ann, topup, "pay")).status_code == 409


async def test_a_repeat_with_its_key_begins_nothing_more(sandbox: Shop, ann: Buyer) -> None:
    first = await try_to_begin(ann, key="one")
    again = await try_to_begin(ann, key="one")
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert sandbox.sql("SELECT count(*) FROM topup") == [(1,)]


async def test_requests_with_one_key_at_once_begin_one_top_up(sandbox: Shop, ann: Buyer) -> None:
    answers = await asyncio.gather(*(try_to_begin(ann, key="one") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sandbox.sql("SELECT count(*) FROM topup") == [(1,)]
    assert sandbox.sql("SELECT count(*) FROM sandbox_payment") == [(1,)]


async def test_a_key_of_another_wish_begins_nothing(sandbox: Shop, ann: Buyer) -> None:
    await try_to_begin(ann, key="one")
    other = await try_to_begin(ann, key="one", returnUrl="/elsewhere")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert sandbox.sql("SELECT count(*) FROM topup") == [(1,)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"packageId": "none"}, "not_found"),
        ({"provider": "other"}, "topup_unavailable"),
        ({"channel": "store"}, "topup_unavailable"),
        ({"amount": 5}, "invalid_request"),
        ({"returnUrl": "https://elsewhere.example/"}, "invalid_request"),
        ({"returnUrl": "//elsewhere.example/"}, "invalid_request"),
        ({"returnUrl": "https://[x"}, "invalid_request"),
        ({"returnUrl": " https://elsewhere.example/"}, "invalid_request"),
        ({"price": 1}, "invalid_request"),
    ],
)
async def test_what_cannot_be_bought_begins_nothing(
    sandbox: Shop, ann: Buyer, changed: dict[str, object], code: str
) -> None:
    answer = await try_to_begin(ann, **changed)
    assert answer.json()["code"] == code
    assert sandbox.sql("SELECT count(*) FROM topup") == [(0,)]


SHOWN = {
    "currency": "BELL",
    "paid": 600,
    "bonus": 60,
    "bonusExpiresAfterDays": 90,
    "price": {"amount": 600, "currency": "CNY"},
}


async def test_a_changed_price_is_told_and_its_key_is_still_free(sandbox: Shop, ann: Buyer) -> None:
    dearer = {"amount": 700, "currency": "CNY"}
    await sell(sandbox, await api_key(sandbox, name="again"), price=dearer)
    refused = await try_to_begin(ann, key="one", terms=SHOWN)
    assert (refused.status_code, refused.json()["code"]) == (409, "terms_changed")
    assert refused.json()["terms"] == SHOWN | {"price": dearer}
    assert sandbox.sql("SELECT 1 FROM topup") == []
    begun = await try_to_begin(ann, key="one", terms=refused.json()["terms"])
    assert (begun.status_code, begun.json()["price"]) == (201, dearer)


async def test_a_repeat_is_answered_though_the_price_changed_since(sandbox: Shop, ann: Buyer) -> None:
    first = await try_to_begin(ann, key="one", terms=SHOWN)
    await sell(sandbox, await api_key(sandbox, name="again"), price={"amount": 700, "currency": "CNY"})
    again = await try_to_begin(ann, key="one", terms=SHOWN)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_free_amount_is_exactly_what_was_asked_for(sandbox: Shop, ann: Buyer) -> None:
    key = await api_key(sandbox, name="again")
    free = {"perBell": {"amount": 7, "currency": "CNY", "bells": 100}, "least": 10, "most": 5000}
    await sandbox.http.put("/v1/admin/topups/packages/free", json={"name": "Any", **free}, headers=key)
    for amount in (None, 9, 5001):
        assert (await try_to_begin(ann, packageId="free", amount=amount)).status_code == 400
    topup = await begin(ann, packageId="free", amount=73)
    assert (topup["paid"], topup["bonus"], topup["price"]["amount"]) == (73, 0, 6)
    shown = {"currency": "BELL", "paid": 73, "bonus": 0, "price": {"amount": 5, "currency": "CNY"}}
    changed = await try_to_begin(ann, packageId="free", amount=73, terms=shown)
    assert changed.json()["terms"] == shown | {"price": topup["price"], "bonusExpiresAfterDays": None}
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    assert bells(sandbox) == [("topup", 73, 73)]


async def test_others_top_ups_are_not_shown(sandbox: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    bob = buyer(sandbox, "bob")
    assert (await bob.get(f"/v1/topups/{topup['topupId']}")).status_code == 404
    assert (await bob.get("/v1/topups")).json()["items"] == []


async def test_what_is_forged_is_counted_by_the_worker_that_refused_it(database_url: str, keyring: Keyring) -> None:
    metrics = Metrics()
    async with open_shop(database_url, keyring, Watch(gauge=metrics.gauge), sandbox=True, background="worker") as shop:
        assert (await shop.http.post("/v1/topups/notify/sandbox", content=b"{}")).status_code == 400
        assert 'lingdang_topup_forged_total{worker="1"} 1.0' in metrics.render().decode()


async def test_what_is_forged_is_kept_with_its_reason_and_does_nothing(sandbox: Shop, ann: Buyer) -> None:
    topup = await begin(ann)
    before = sandbox.sql("SELECT * FROM topup")
    body = f'{{"id":"evt_1","topup_id":"{topup["topupId"]}"}}'
    for content in (body.encode(), b"", b"\xff\xfe"):
        answer = await sandbox.http.post("/v1/topups/notify/sandbox", content=content)
        assert answer.status_code == 400
    assert (await sandbox.http.post("/v1/topups/notify/nobody", content=body)).status_code == 404
    verdicts = sandbox.sql("SELECT verdict FROM topup_notification ORDER BY verdict")
    assert verdicts == [("forged: not utf-8",), ("forged: signature",), ("forged: signature",)]
    assert sandbox.sql("SELECT * FROM topup") == before
    assert sandbox.sql("SELECT 1 FROM topup_waiting") == []


async def test_what_was_spent_before_its_money_went_back_is_owed_and_paid_by_what_comes(
    sandbox: Shop, ann: Buyer
) -> None:
    first = await begin(ann)
    assert (await look(ann, first))["bells"] is None
    await play(ann, first, "pay")
    await becomes(ann, first, "paid")
    add_products(sandbox.database_url, "book")
    async with open_settlement(sandbox.database_url) as settlement:
        await settlement.submit(pay("ann", line("book", 500)))
    await play(ann, first, "dispute")
    assert (await becomes(ann, first, "disputed"))["bells"] == {"debtPaid": 0, "taken": 0, "owed": 0, "frozen": 160}
    await play(ann, first, "dispute_lost")
    told = await becomes(ann, first, "lost")
    assert (told["refunded"], told["lost"]) == (0, 600)
    assert told["bells"] == {"debtPaid": 0, "taken": 660, "owed": 500, "frozen": 0}
    second = await begin(ann)
    await play(ann, second, "pay")
    told = await becomes(ann, second, "paid")
    assert told["bells"] == {"debtPaid": 500, "taken": 0, "owed": 0, "frozen": 0}
