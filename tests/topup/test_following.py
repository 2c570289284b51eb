"""What a provider told is carried out once: killed anywhere in between, told five times at once, by two workers."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.keys import Keyring
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.providers.sandbox import Sandbox, Sending
from lingdang.topup.rows import OWED, TopupRow
from support.buyer import buyer, buyers
from support.people import api_key
from support.shop import PATIENCE, Shop, open_shop
from support.tabs import until
from support.till import Till, till_of
from support.topups import AT, becomes, begin, bells, carried_out, look, play, sell


@pytest.fixture
async def shop(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop that leaves the background tasks to others, so that nothing is healed unseen."""
    async with open_shop(database_url, keyring, sandbox=True, background="worker") as opened:
        await sell(opened, await api_key(opened))
        yield opened


def sandbox_of(shop: Shop) -> Sandbox:
    return Sandbox("sandbox", shop.database_url, shop.keyring, "")


async def deliver(client: httpx.AsyncClient, sending: Sending) -> int:
    """Send it, and again while the shop says that it cannot take it now."""
    while True:
        answer = await client.post("/v1/topups/notify/sandbox", content=sending.body, headers=sending.headers)
        if answer.status_code != 503:
            return answer.status_code


async def take_in(shop: Shop, sending: Sending) -> None:
    """The notification is in the inbox, and whoever took it in is gone."""
    now = system_clock()
    read = sandbox_of(shop).read(sending.headers, sending.body, now)
    async with Pool(shop.database_url, 1, pgbouncer=False) as pool:
        assert await Inbox(pool, shop.keyring).take("sandbox", read, sending.headers, sending.body, now) is not None


def killed_at(shop: Shop, point: str) -> None:
    command = [sys.executable, "-m", "support.killed", shop.database_url, str(shop.keyring.path), point]
    done = subprocess.run(command, cwd="tests", capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == -9, done.stderr.decode()


@pytest.mark.parametrize(
    ("point", "credited", "done"), [("inbox", False, False), ("credit", True, False), ("row", True, True)]
)
async def test_a_process_that_is_killed_in_between_loses_and_doubles_nothing(
    database_url: str, keyring: Keyring, shop: Shop, point: str, credited: bool, done: bool
) -> None:
    topup = await begin(buyer(shop))
    [sending] = sandbox_of(shop).play(topup["topupId"], "pay") or []
    await take_in(shop, sending)
    assert bells(shop) == []
    await asyncio.to_thread(killed_at, shop, point)
    assert bool(bells(shop)) == credited
    assert shop.sql("SELECT status FROM topup") == [("paid" if done else "pending",)]
    assert shop.sql("SELECT count(*) FROM topup_waiting") == [(0 if done else 1,)]
    shop.sql("UPDATE topup_waiting SET due_at = now()")
    async with open_shop(database_url, keyring, sandbox=True) as healed:
        await becomes(buyer(healed), topup, "paid")
        await carried_out(healed)
    assert bells(shop) == [("topup", 660, 660)]


async def test_each_is_told_five_times_at_once_through_two_workers(
    database_url: str, keyring: Keyring, shop: Shop
) -> None:
    rng = random.Random(25)
    people = buyers(shop, "ann", "bob", "cid")
    topups = [(who, await begin(who)) for who in people for _ in range(5)]
    provider = sandbox_of(shop)
    sendings: list[Sending] = []
    for _, topup in topups:
        for outcome in ("pay", "refund:100", "refund:50"):
            sendings += provider.play(topup["topupId"], outcome) or []
    async with open_shop(database_url, keyring, sandbox=True, background="worker") as other:
        told = [
            (client, each) for each in sendings for client in (shop.http, other.http, shop.http, other.http, shop.http)
        ]
        told += [(shop.http, _altered(each)) for each in sendings[::4]]
        rng.shuffle(told)
        statuses = await asyncio.gather(*(deliver(client, each) for client, each in told))
        assert statuses.count(200) == 5 * len(sendings)
        assert statuses.count(400) == len(sendings[::4])
        for who, topup in topups:
            await becomes(who, topup, "partly_refunded")
        await carried_out(shop)
    credits = shop.sql("SELECT count(*), count(DISTINCT cause) FROM transfer WHERE kind = 'topup'")
    assert credits == [(len(topups), len(topups))]
    assert shop.sql("SELECT DISTINCT received, refunded FROM topup") == [(600, 150)]
    assert shop.sql("SELECT DISTINCT verdict FROM topup_notification ORDER BY 1") == [
        ("forged: signature",),
        ("sound",),
    ]


def _altered(sending: Sending) -> Sending:
    return Sending(sending.headers, sending.body.replace(b'"received"', b'"Received"'), 0)


async def test_a_payment_that_names_no_top_up_is_seen_and_credits_nobody(shop: Shop) -> None:
    ann = buyer(shop)
    topup = await begin(ann)
    [sending] = sandbox_of(shop).play(topup["topupId"], "pay") or []
    shop.sql("DELETE FROM topup")
    for _ in range(2):
        assert await deliver(shop.http, sending) == 200
    await carried_out(shop)
    assert shop.sql("SELECT customer, status, differs, received FROM topup") == [(0, "review", ["unknown"], 600)]
    assert bells(shop) == []
    assert shop.sql("SELECT 1 FROM notice") == []


async def test_a_second_payment_of_one_top_up_is_seen(shop: Shop) -> None:
    ann = buyer(shop)
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    shop.sql("UPDATE topup SET reference = 'an earlier one'")
    [sending] = sandbox_of(shop).play(topup["topupId"], "refund:100") or []
    assert await deliver(shop.http, sending) == 200
    await carried_out(shop)
    rows = shop.sql("SELECT status, differs, received, paid FROM topup ORDER BY created_at")
    assert rows == [("paid", [], 600, 600), ("review", ["repeated"], 600, 600)]
    assert bells(shop) == [("topup", 660, 660)]
    assert (await look(ann, topup))["status"] == "paid"


@pytest.mark.parametrize(("amount", "differs"), [(b"500", ["repeated", "amount"]), (b"600", ["repeated"])])
async def test_a_second_payment_does_not_take_the_place_of_one_that_was_credited(
    database_url: str, keyring: Keyring, shop: Shop, amount: bytes, differs: list[str]
) -> None:
    """Who credited the first one is killed before writing so, and the second one is carried out before it."""
    topup = await begin(buyer(shop))
    shop.sql("UPDATE topup SET reference = NULL")
    provider = sandbox_of(shop)
    [sending] = provider.play(topup["topupId"], "pay") or []
    body = sending.body.replace(b'"reference":"', b'"reference":"another ').replace(b":600", b":" + amount)
    second = provider.signed(body.replace(b'"id":"', b'"id":"another '))
    await take_in(shop, sending)
    await asyncio.to_thread(killed_at, shop, "credit")
    assert await deliver(shop.http, second) == 200
    await until(lambda: bool(shop.sql("SELECT 1 FROM topup_waiting WHERE failures > 0")))
    assert shop.sql("SELECT status, received FROM topup") == [("pending", 0)]
    shop.sql("UPDATE topup_waiting SET due_at = now()")
    async with open_shop(database_url, keyring, sandbox=True) as healed:
        await becomes(buyer(healed), topup, "paid")
        await until(lambda: not shop.sql("UPDATE topup_waiting SET due_at = now() RETURNING entry"))
    rows = shop.sql("SELECT status, differs, received FROM topup ORDER BY created_at")
    assert rows == [("paid", [], 600), ("review", differs, int(amount))]
    assert bells(shop) == [("topup", 660, 660)]


async def test_what_differs_after_it_was_credited_is_known_to_be_credited(shop: Shop) -> None:
    """The same payment is told once more, with another amount, before whoever credited it could write so."""
    topup = await begin(buyer(shop))
    provider = sandbox_of(shop)
    [sending] = provider.play(topup["topupId"], "pay") or []
    await take_in(shop, sending)
    await asyncio.to_thread(killed_at, shop, "credit")
    other = sending.body.replace(b":600", b":500").replace(b'"id":"', b'"id":"another ')
    assert await deliver(shop.http, provider.signed(other)) == 200
    await until(lambda: shop.sql("SELECT status FROM topup") == [("review",)])
    assert shop.sql("SELECT differs, credited_at IS NULL FROM topup") == [(["amount"], False)]
    assert bells(shop) == [("topup", 660, 660)]


PAID = Standing(topup_id=None, reference="r", state="paid", at=AT, received=Money(600, "CNY"))
DISPUTED = Standing(topup_id=None, reference="r", state="open", at=AT, disputed=600)


@pytest.fixture
async def till(database_url: str, keyring: Keyring) -> AsyncIterator[Till]:
    async with till_of(database_url, keyring) as opened:
        yield opened


async def test_a_dispute_that_comes_shortly_before_its_payment_waits_for_it(till: Till) -> None:
    row = await till.begun()
    disputed, paid = await till.taken_in(DISPUTED, msgspec.structs.replace(PAID, topup_id=row.topup_id))
    await till.topups.following.carry_out(*disputed)
    assert till.sql("SELECT 1 FROM topup_waiting WHERE failures = 1") == [(1,)]
    await till.topups.following.carry_out(*paid)
    till.hands.forward(seconds=2)
    await till.carry_out_due()
    assert till.sql("SELECT status, disputed FROM topup") == [("disputed", 600)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []
    found = await till.found(row)
    heard = await till.topups.inbox.of_topup(row.topup_id, row.account, found.reference)
    assert len(heard) == 2


async def _first_of_nobody(till: Till) -> TopupRow:
    row = await till.begun()
    [first] = await till.taken_in(PAID)
    await till.topups.following.carry_out(*first)
    assert till.sql("SELECT status, differs FROM topup WHERE customer = 0") == [("review", ["unknown"])]
    return row


async def test_a_payment_that_is_told_without_our_number_first_is_credited_once_it_is_named(till: Till) -> None:
    row = await _first_of_nobody(till)
    for entry in await till.taken_in(*[msgspec.structs.replace(PAID, topup_id=row.topup_id)] * 2, PAID):
        await till.topups.following.carry_out(*entry)
    found = await till.found(row)
    assert (found.status, found.reference, found.received) == ("paid", "r", 600)
    assert found.next_ask_at is not None, "what was told of it meanwhile is asked for"
    assert till.bells() == [("topup", 660, 660)]
    assert till.sql("SELECT status, reference, received FROM topup WHERE customer = 0") == [("failed", None, 0)]


@pytest.mark.parametrize("how", ["decided", "refund"])
async def test_one_of_which_something_has_become_stays_nobody_s(till: Till, how: str) -> None:
    """Its money is on its way back."""
    row = await _first_of_nobody(till)
    if how == "decided":
        till.sql("UPDATE topup SET decided = 'returned' WHERE customer = 0 RETURNING 1")
    else:
        till.sql(
            "INSERT INTO topup_refund (customer, topup_id, refund_id, bucket, amount, base, asked_at) "
            "SELECT customer, topup_id, 'r', bucket, 600, 0, now() FROM topup WHERE customer = 0 RETURNING 1"
        )
    [named] = await till.taken_in(msgspec.structs.replace(PAID, topup_id=row.topup_id))
    await till.topups.following.carry_out(*named)
    assert ((await till.found(row)).status, till.bells()) == ("pending", [])
    assert till.sql("SELECT reference, received FROM topup WHERE customer = 0") == [("r", 600)]


async def test_an_entry_that_somebody_else_carried_out_changes_nothing_any_more(till: Till) -> None:
    """Whoever took it in may come to it after the healer did, and after what came next."""
    row = await till.begun()
    paid = msgspec.structs.replace(PAID, topup_id=row.topup_id)
    back = [msgspec.structs.replace(paid, returns=(Return(reference="r", amount=amount),)) for amount in (600, 0)]
    payment, first, second = await till.taken_in(paid, *back)
    for taken in (payment, first, second, first):
        await till.topups.following.carry_out(*taken)
    assert till.sql("SELECT status, refunded FROM topup") == [("paid", 0)]


async def test_one_that_comes_long_before_has_the_provider_asked_once_the_payment_is_known(till: Till) -> None:
    row = await till.begun()
    await till.taken_in(DISPUTED)
    for _ in range(10):
        await till.carry_out_due()
        till.hands.forward(seconds=10)
    assert till.sql("SELECT 1 FROM topup_waiting") == [], "nobody waits for a payment of somebody else's for ever"
    [paid] = await till.taken_in(msgspec.structs.replace(PAID, topup_id=row.topup_id))
    await till.topups.following.carry_out(*paid)
    found = await till.found(row)
    assert found.next_ask_at is not None
    assert (found.status, found.next_ask_at <= till.hands()) == ("paid", True)


async def test_who_holds_a_connection_waits_for_no_other(till: Till, database_url: str) -> None:
    """With as many payments at once as there are connections, each would wait for another one's."""
    row = await till.begun()
    [taken] = await till.taken_in(msgspec.structs.replace(PAID, topup_id=row.topup_id, received=Money(1, "CNY")))
    async with Pool(database_url, 1, pgbouncer=False, wait_seconds=1) as pool:
        await Following(pool, till.topups.settlement, till.topups.inbox, till.hands, 1).carry_out(*taken)
    assert (await till.found(row)).status == "review"


@pytest.mark.parametrize("disputed", [0, 600])
async def test_an_answer_that_tells_of_a_payment_first_is_the_truth(till: Till, disputed: int) -> None:
    row = await till.begun(next_ask_at=till.hands())
    paid = msgspec.structs.replace(PAID, topup_id=row.topup_id, at=till.hands(), disputed=disputed)
    await till.topups.following.carry_out(
        await till.topups.inbox.answer("sandbox", "answer 1", paid, row.version, till.hands())
    )
    found = await till.found(row)
    assert (found.reference, found.disputed, OWED in found.told) == ("r", disputed, False)


async def test_an_answer_that_waits_until_a_dispute_is_forgotten_does_not_hide_it(till: Till) -> None:
    row = await till.begun(reference="r")
    paid = msgspec.structs.replace(PAID, topup_id=row.topup_id, at=till.hands())
    place = await till.topups.inbox.answer("sandbox", "answer 1", paid, row.version, till.hands())
    till.sql("UPDATE topup_waiting SET due_at = 'infinity' RETURNING 1")
    till.hands.forward(seconds=1)
    await till.taken_in(DISPUTED)
    for _ in range(10):
        await till.carry_out_due()
        till.hands.forward(seconds=10)
    assert till.sql("SELECT entry FROM topup_waiting") == [("answer 1",)]
    await till.topups.following.carry_out(place)
    found = await till.found(row)
    assert found.next_ask_at is not None
    assert (found.status, found.next_ask_at <= till.hands()) == ("paid", True)


async def test_a_payment_of_which_nothing_was_told_is_not_asked_for_again(till: Till) -> None:
    row = await till.begun(next_ask_at=till.hands() + timedelta(seconds=30))
    another = msgspec.structs.replace(DISPUTED, reference="another")
    for taken in await till.taken_in(another, msgspec.structs.replace(PAID, topup_id=row.topup_id)):
        await till.topups.following.carry_out(*taken)
    assert till.sql("SELECT status, next_ask_at FROM topup") == [("paid", None)]


async def test_a_wallet_that_is_full_leaves_the_money_in_review(shop: Shop) -> None:
    ann = buyer(shop)
    await sell(shop, await api_key(shop, name="again"), "huge", paid=10**15, bonus=0, bonusExpiresAfterDays=None)
    first, second = await begin(ann, packageId="huge"), await begin(ann)
    await play(ann, first, "pay")
    await becomes(ann, first, "paid")
    await play(ann, second, "pay")
    await becomes(ann, second, "review")
    assert shop.sql("SELECT differs FROM topup WHERE status = 'review'") == [(["wallet_full"],)]


async def test_play_money_is_credited_to_testers_alone(shop: Shop) -> None:
    ann, bob = buyers(shop, "ann", "bob")
    shop.sql("UPDATE customer SET groups = '{store-testers}' WHERE customer_id = 'ann'")
    for who in (ann, bob):
        topup = await begin(who)
        sendings: Any = sandbox_of(shop).play(topup["topupId"], "pay")
        body = sendings[0].body.replace(b'"test":false', b'"test":true')
        assert b'"test":true' in body
        signed = sandbox_of(shop).signed(body)
        assert await deliver(shop.http, signed) == 200
        await becomes(who, topup, "paid" if who is ann else "review")
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert (balance["paid"], balance["bonus"]) == (0, 660)


async def test_what_fails_is_tried_again_later(shop: Shop) -> None:
    ann = buyer(shop)
    topup = await begin(ann)
    shop.sql("ALTER TABLE topup ADD CONSTRAINT never CHECK (received = 0)")
    await play(ann, topup, "pay")
    await until(lambda: bool(shop.sql("SELECT 1 FROM topup_waiting WHERE failures > 0")))
    [(later,)] = shop.sql("SELECT due_at FROM topup_waiting")
    assert later > system_clock()
    assert (await look(ann, topup))["status"] == "pending"
