"""Each day's list of a provider is compared with what was credited, both ways, and once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from lingdang.errors import retry_later
from lingdang.keys import Keyring
from lingdang.ledger.reconcile import reconcile
from lingdang.serving.metrics import Metrics
from lingdang.topup import comparing, parts
from lingdang.topup.days import newest_day
from lingdang.topup.following import Following
from lingdang.topup.providers.alipay import Alipay
from lingdang.topup.providers.provider import Standing, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.providers.stripe import Stripe
from lingdang.topup.providers.wechat import Wechat
from lingdang.watch import Watch
from proof.standin.faults import Faults
from proof.standin.standin import Standin
from support.buyer import Buyer, buyer
from support.hands import Hands
from support.people import api_key
from support.shop import PATIENCE, Shop, open_shop
from support.tabs import until
from support.topups import becomes, begin, bells, carried_out, play, sell

KINDS = ("stripe", "wechat", "alipay")
LISTINGS = {"stripe": Stripe.listing, "wechat": Wechat.listing, "alipay": Alipay.listing, "sandbox": Sandbox.listing}
DAY = 36 * 3600
"""Seconds after which today's list is there everywhere."""


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(Faults(), {}).serving() as served:
        yield served


@pytest.fixture
async def shop(
    database_url: str,
    keyring: Keyring,
    standin: Standin,
    hands: Hands,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shop]:
    monkeypatch.setattr(parts, "SELDOM", 0.1)
    accounts = {name: account for name, account in standin.accounts().items() if name in KINDS}
    async with open_shop(
        database_url,
        keyring,
        Watch(gauge=metrics.gauge),
        clock=hands,
        sandbox=True,
        topup_providers=accounts,
        public_url="https://shop.example",
    ) as opened:
        await sell(opened, await api_key(opened))
        yield opened
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert reconcile(connection).differences == []


@pytest.fixture
def ann(shop: Shop) -> Buyer:
    """A tester: what the stand-in takes in Stripe's test mode is play money."""
    tester = buyer(shop)
    shop.sql("UPDATE customer SET groups = '{store-testers}'")
    return tester


async def start(ann: Buyer, standin: Standin, kind: str) -> dict[str, Any]:
    topup = await begin(ann, provider=kind)
    if kind == "alipay":
        standin.alipay.open(topup["action"]["url"])
    return topup


async def notify(shop: Shop, kind: str, message: Any) -> None:
    answer = await shop.http.post(f"/v1/topups/notify/{kind}", content=message.body, headers=dict(message.headers))
    assert answer.status_code < 300, answer.text
    await carried_out(shop)


async def compared(shop: Shop, hands: Hands) -> None:
    """The next day has come, and all lists that are there were compared."""
    hands.forward(DAY)
    newest = {name: newest_day(listing, hands()) for name, listing in LISTINGS.items()}
    done = "SELECT account, max(day) FROM topup_day GROUP BY 1 HAVING bool_and(done_at IS NOT NULL)"
    await until(lambda: dict(shop.sql(done)) == newest)


async def postponed(shop: Shop, hands: Hands, account: str) -> None:
    """No day of the account is being compared: each that was tried is done, or waits for ten minutes."""
    tried = "SELECT count(*) FILTER (WHERE due_at > %s + interval '11 minutes'), count(*) FROM topup_day"
    undone = f"{tried} WHERE account = %s AND done_at IS NULL AND tries = 1 AND due_at > %s"
    await until(lambda: (found := shop.sql(undone, (hands(), account, hands()))[0])[0] == 0 and found[1] > 0)


def _done(shop: Shop, day: date | str) -> list[tuple[Any, ...]]:
    return shop.sql("SELECT account FROM topup_day WHERE day = %s AND done_at IS NOT NULL", (day,))


def differing(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.sql("SELECT account, sum(differing) FROM topup_day WHERE differing > 0 GROUP BY 1 ORDER BY 1")


def statuses(shop: Shop) -> list[str]:
    """Past the application: whoever was signed in yesterday is not any more."""
    return [status for (status,) in shop.sql("SELECT status FROM topup")]


def number_of(topup: dict[str, Any]) -> str:
    return UUID(topup["topupId"]).hex


@pytest.mark.parametrize("kind", KINDS)
async def test_what_agrees_is_no_difference(shop: Shop, standin: Standin, ann: Buyer, hands: Hands, kind: str) -> None:
    topup = await start(ann, standin, kind)
    await notify(shop, kind, standin.desks[kind].pay(number_of(topup)))
    for amount in (100, 200):
        await notify(shop, kind, standin.desks[kind].give_back(number_of(topup), amount))
    await becomes(ann, topup, "partly_refunded")
    before = bells(shop)
    await compared(shop, hands)
    assert differing(shop) == []
    assert shop.sql("SELECT status, refunded, differs FROM topup") == [("partly_refunded", 300, [])]
    assert bells(shop) == before
    assert shop.sql("SELECT listed > 0 FROM topup_day WHERE account = %s AND listed > 0", (kind,)) == [(True,)]


@pytest.mark.parametrize("kind", KINDS)
async def test_money_that_was_given_up_is_found_and_credited(
    shop: Shop, standin: Standin, ann: Buyer, hands: Hands, kind: str
) -> None:
    topup = await start(ann, standin, kind)
    standin.desks[kind].pay(number_of(topup))
    shop.sql("UPDATE topup SET closed = 'failed', status = 'failed', next_ask_at = NULL")
    await compared(shop, hands)
    assert statuses(shop) == ["paid"]
    assert bells(shop) == [("topup", 660, 660)]
    assert differing(shop) == [(kind, 1)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refund_that_nobody_told_of_is_found(
    shop: Shop, standin: Standin, ann: Buyer, hands: Hands, kind: str
) -> None:
    topup = await start(ann, standin, kind)
    await notify(shop, kind, standin.desks[kind].pay(number_of(topup)))
    shop.sql("UPDATE topup SET next_ask_at = NULL")
    standin.desks[kind].give_back(number_of(topup), 300)
    await compared(shop, hands)
    assert statuses(shop) == ["partly_refunded"]
    assert [row[:2] for row in bells(shop)] == [("topup", 660), ("takeback", -330)]
    assert differing(shop) == [(kind, 1)]


@pytest.mark.parametrize("kind", KINDS)
async def test_money_of_a_top_up_that_nobody_knows_is_for_an_operator(
    shop: Shop, standin: Standin, ann: Buyer, hands: Hands, kind: str
) -> None:
    topup = await start(ann, standin, kind)
    standin.desks[kind].pay(number_of(topup))
    shop.sql("DELETE FROM topup")
    await compared(shop, hands)
    assert shop.sql("SELECT customer, status, differs[1], received FROM topup") == [(0, "review", "unknown", 600)]
    assert bells(shop) == []
    assert differing(shop) == [(kind, 1)]


async def test_a_refund_that_was_written_into_an_unsigned_bill_takes_nothing(
    shop: Shop, standin: Standin, ann: Buyer, hands: Hands
) -> None:
    topup = await start(ann, standin, "alipay")
    await notify(shop, "alipay", standin.alipay.pay(number_of(topup)))
    standin.alipay.invent(number_of(topup), 600)
    await compared(shop, hands)
    assert (statuses(shop), shop.sql("SELECT differs FROM topup")) == (["review"], [(["list"],)])
    assert bells(shop) == [("topup", 660, 660)]


async def test_bells_whose_money_the_provider_does_not_know_are_for_an_operator(
    shop: Shop, ann: Buyer, hands: Hands, metrics: Metrics
) -> None:
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    shop.sql("DELETE FROM sandbox_payment")
    await compared(shop, hands)
    assert statuses(shop) == ["review"]
    assert shop.sql("SELECT differs FROM topup") == [(["list"],)]
    assert bells(shop) == [("topup", 660, 660)], "they stay until an operator has decided"
    assert 'lingdang_topup_differing_total{worker="1"} 1.0' in metrics.render().decode()
    assert shop.sql("SELECT type FROM notice") == [("topup.review",)]
    place = f"/v1/admin/topups/{topup['topupId']}/decision"
    key = await api_key(shop, name="decides")
    refused = await shop.http.post(place, json={"decision": "return"}, headers=key)
    assert (refused.status_code, refused.json()["reason"]) == (409, "credited"), "there is no money to return"
    assert (await shop.http.post(place, json={"decision": "accept"}, headers=key)).json()["status"] == "paid"
    assert bells(shop) == [("topup", 660, 660)]


@pytest.mark.parametrize("days_ago", [0, 10], ids=["listed", "on another day's list"])
async def test_less_money_than_was_credited_is_for_an_operator(
    shop: Shop, ann: Buyer, hands: Hands, days_ago: int
) -> None:
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    shop.sql("UPDATE sandbox_payment SET received = 1, at = at - %s * interval '1 day'", (days_ago,))
    await compared(shop, hands)
    assert statuses(shop) == ["review"]
    assert shop.sql("SELECT differs, received FROM topup") == [(["list"], 600)]
    assert differing(shop) == [("sandbox", 1)]


async def test_one_that_is_on_another_days_list_is_no_difference(shop: Shop, ann: Buyer, hands: Hands) -> None:
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    shop.sql("UPDATE sandbox_payment SET at = at - interval '10 days'")
    await compared(shop, hands)
    assert statuses(shop) == ["paid"]
    assert differing(shop) == []


async def test_a_list_is_asked_for_until_it_is_there_and_then_no_more(
    shop: Shop, ann: Buyer, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []
    list_day = Sandbox.list_day

    def away(_: Sandbox, day: date) -> Iterable[Standing]:
        asked.append(day)
        raise Unavailable

    def there(sandbox: Sandbox, day: date) -> Iterable[Standing]:
        asked.append(day)
        return list_day(sandbox, day)

    await until(lambda: len(shop.sql("SELECT 1 FROM topup_day WHERE done_at IS NOT NULL")) == len(LISTINGS))
    today = hands().date()
    monkeypatch.setattr(Sandbox, "list_day", away)
    hands.forward(DAY)
    await until(lambda: today in asked)
    await postponed(shop, hands, "sandbox")
    monkeypatch.setattr(Sandbox, "list_day", there)
    hands.forward(601)
    await until(lambda: ("sandbox",) in _done(shop, today))
    for _ in range(3):
        hands.forward(3600)
        await until(lambda: shop.sql("SELECT 1 FROM topup_day WHERE done_at IS NULL") == [])
    assert asked.count(today) == 2


async def test_a_day_that_was_broken_off_begins_anew(
    shop: Shop, ann: Buyer, hands: Hands, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    topups = [await start(ann, standin, "wechat") for _ in range(3)]
    for topup in topups:
        standin.wechat.pay(number_of(topup))
    shop.sql("UPDATE topup SET closed = 'failed', status = 'failed', next_ask_at = NULL")
    carry_out, left = Following.carry_out, [1]

    async def breaks(following: Following, place: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise retry_later("overloaded", 1, why="the database is away")
        await carry_out(following, place)

    monkeypatch.setattr(Following, "carry_out", breaks)
    hands.forward(DAY)
    await postponed(shop, hands, "wechat")
    monkeypatch.setattr(Following, "carry_out", carry_out)
    await compared(shop, hands)
    await carried_out(shop)
    assert statuses(shop) == ["paid"] * 3
    assert [row[:2] for row in bells(shop)] == [("topup", 660)] * 3


async def test_what_went_back_of_a_payment_that_is_not_ours_is_passed_over(
    shop: Shop, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = Standing(topup_id=None, reference="x", state="paid", at=hands(), refunded=5)
    monkeypatch.setattr(Sandbox, "list_day", lambda *_: [foreign])
    await compared(shop, hands)
    assert (shop.sql("SELECT 1 FROM topup"), differing(shop)) == ([], [])
    assert shop.sql("SELECT 1 FROM topup_notification") == []


async def test_a_list_that_lacks_very_many_credits_is_not_believed(
    shop: Shop, ann: Buyer, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    topups = [await begin(ann) for _ in range(2)]
    for topup in topups:
        await play(ann, topup, "pay")
        await becomes(ann, topup, "paid")
    shop.sql("DELETE FROM sandbox_payment")
    monkeypatch.setattr(comparing, "MOST_MISSING", 1)
    hands.forward(DAY)
    await postponed(shop, hands, "sandbox")
    assert statuses(shop) == ["paid"] * 2


async def test_a_process_that_is_killed_while_it_compares_leaves_its_day_to_another(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, sandbox=True, background="worker") as shop:
        await sell(shop, await api_key(shop))
        ann = buyer(shop)
        for _ in range(3):
            await play(ann, await begin(ann), "never")
        shop.sql("UPDATE topup SET closed = 'failed', status = 'failed', next_ask_at = NULL")
        day = str(hands().date())
        shop.sql("INSERT INTO topup_day (account, day, ready_at, due_at) VALUES ('sandbox', %s, now(), now())", (day,))
        command = [sys.executable, "-m", "support.killed", database_url, str(keyring.path), "credit", day]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd="tests", capture_output=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == -9, done.stderr.decode()
        assert [row[:2] for row in bells(shop)] == [("topup", 660)]
        assert statuses(shop) == ["failed"] * 3
    monkeypatch.setattr(parts, "SELDOM", 0.1)
    hands.forward(3601)
    async with open_shop(database_url, keyring, clock=hands, sandbox=True) as healed:
        await until(lambda: _done(healed, day) == [("sandbox",)])
        await carried_out(healed)
        assert statuses(healed) == ["paid"] * 3
        assert [row[:2] for row in bells(healed)] == [("topup", 660)] * 3
