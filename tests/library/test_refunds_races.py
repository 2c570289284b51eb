"""Refunds at the same moment as something else: opening, other machines' refunds, receipts read offline afterwards."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from lingdang.clock import system_clock
from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.customers import make_known
from support.money import credit, open_settlement
from support.refunds import bought, desk_of, own, owned, refund
from support.shop import Shop, open_shop
from support.tabs import at, rights_held, until, waiting
from support.vouchers import all_books, differences, hold, put_coupon

Machines = tuple[Shop, Shop]
Opening = Callable[[Buyer, dict[str, str]], Awaitable[httpx.Response]]

OPENINGS: dict[str, tuple[Opening, int, int]] = {
    "access": (lambda ann, _: ann.get("/v1/access", productId="a"), 204, 403),
    "receipt": (lambda ann, _: ann.get("/v1/entitlements/a"), 200, 404),
    "reader": (lambda ann, _: ann.get("/v1/read/a"), 200, 403),
    "the platform's word": (
        lambda ann, desk: ann.shop.http.post("/v1/admin/customers/ann/entitlements/a/opened", headers=desk),
        204,
        404,
    ),
}
"""Ways to open a product, with the answers when the right is there and when it has ended."""


async def taken(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer to a refund that is sent again, with its id, as long as the shop has too much to do for it."""
    for _ in range(100):
        if (answer := await ask()).status_code != 503:
            break
        await asyncio.sleep(0.1)
    return answer


@pytest.fixture
async def machines(database_url: str, keyring: Keyring) -> AsyncIterator[Machines]:
    """Two served shops on one database, in which customers give back what they have not opened."""
    async with (
        open_shop(database_url, keyring, refund_days=7) as one,
        open_shop(database_url, keyring, refund_days=7) as two,
    ):
        stock(one, "a", "b", "c")
        await give(one, "ann", 1000)
        yield one, two
        assert differences(one) == []


@pytest.mark.parametrize("way", OPENINGS)
async def test_who_opens_first_keeps_it(machines: Machines, way: str) -> None:
    """Both have seen the right and wait for its row: the note comes first, and the customer's refund sees it."""
    one, two = machines
    opening, yes, _ = OPENINGS[way]
    ann, desk = buyer(one), await desk_of(one)
    order_id = await bought(ann, "a", "b")
    async with rights_held(one, "ann"):
        opened = asyncio.ensure_future(opening(ann, desk))
        await until(lambda: waiting(one) == 1)
        refunded = asyncio.create_task(own(buyer(two), order_id))
        await until(lambda: waiting(one) == 2)
    answer = await refunded
    assert ((await opened).status_code, answer.status_code) == (yes, 409)
    assert answer.json()["reasons"] == {"a": "opened"}
    assert await owned(ann) == {"a", "b"}
    assert (await own(ann, order_id, productIds=["b"])).status_code == 200


@pytest.mark.parametrize("way", OPENINGS)
async def test_who_gives_back_first_opens_nothing(machines: Machines, way: str) -> None:
    one, two = machines
    opening, _, no = OPENINGS[way]
    ann, desk = buyer(one), await desk_of(one)
    order_id = await bought(ann, "a", "b")
    async with rights_held(one, "ann"):
        refunded = asyncio.create_task(own(buyer(two), order_id))
        await until(lambda: waiting(one) == 1)
        opened = asyncio.ensure_future(opening(ann, desk))
        await until(lambda: waiting(one) == 2)
    assert ((await opened).status_code, (await refunded).status_code) == (no, 200)
    assert await owned(ann) == set()


async def test_an_operators_refund_does_not_ask_whether_it_was_opened(machines: Machines) -> None:
    one, two = machines
    ann, desk = buyer(one), await desk_of(one)
    order_id = await bought(ann, "a")
    async with rights_held(one, "ann"):
        opened = asyncio.create_task(ann.get("/v1/access", productId="a"))
        await until(lambda: waiting(one) == 1)
        refunded = asyncio.create_task(refund(two, desk, order_id))
        await until(lambda: waiting(one) == 2)
    assert ((await opened).status_code, (await refunded).status_code) == (204, 200)
    assert (await ann.get("/v1/access", productId="a")).status_code == 403


async def test_the_same_refund_twice_from_two_machines(machines: Machines) -> None:
    """Two sessions of one customer: the same refundId is one refund, another is told that it came too late."""
    one, two = machines
    here, there = buyer(one), buyer(two)
    order_id = await bought(here, "a", "b")
    same = await asyncio.gather(*(own((here, there)[n % 2], order_id, "same", productIds=["a"]) for n in range(16)))
    assert {(answer.status_code, answer.text) for answer in same} == {(200, same[0].text)}
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in same) == 15
    others = await asyncio.gather(*(own((here, there)[n % 2], order_id, f"m-{n}") for n in range(16)))
    assert sorted(answer.status_code for answer in others) == [200] + [409] * 15
    assert {answer.json().get("code") for answer in others} == {None, "already_refunded"}
    before = all_books(one)
    other_body = await own(there, order_id, "same", productIds=["b"])
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_mismatch")
    assert all_books(one) == before
    assert one.sql("SELECT count(*), sum(amount) FROM transfer WHERE kind = 'refund'") == [(2, 200)]
    assert (await here.get("/v1/wallet")).json()["balances"][0]["balance"] == 1000


async def test_one_refund_id_with_two_bodies_from_two_machines(machines: Machines) -> None:
    one, _ = machines
    desk = await desk_of(one)
    order_id = await bought(buyer(one), "a", "b")
    answers = await asyncio.gather(
        *(refund(machines[n % 2], desk, order_id, "r", productIds=["ab"[n % 2]]) for n in range(16))
    )
    booked = {answer.text for answer in answers if answer.status_code == 200}
    assert len(booked) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [422] * 8
    assert one.sql("SELECT sum(amount) FROM transfer WHERE kind = 'refund'") == [(100,)]


async def test_a_payments_replay_answers_as_it_did_while_its_order_is_refunded(machines: Machines) -> None:
    """Before, beside and after the refund of all of it, on both machines: the first answer, and nothing is taken."""
    one, two = machines
    here, desk = buyer(one), await desk_of(one)
    order = await here.checkout("a", "b")
    body = here.payment(order["orderToken"], ["a", "b"])
    first = await here.send(body)
    tabs = (here, at(two, here))
    refunds = [refund(machines[n], desk, order["orderId"], f"r-{n}", productIds=["ab"[n]]) for n in range(2)]
    answers = await asyncio.gather(*(tabs[n % 2].send(body) for n in range(24)), *refunds)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers[:24]} == {first.text}
    after = [await tab.send(body) for tab in tabs]
    assert {(answer.text, answer.headers["idempotent-replayed"]) for answer in after} == {(first.text, "true")}
    assert one.sql("SELECT balance FROM wallet") == [(1000,)]
    assert await owned(here) == set()


async def test_a_receipt_is_read_offline_after_the_refund(machines: Machines) -> None:
    """Its signature is as good as before; the signed list says that its right has ended, and only that right."""
    one, two = machines
    ann = buyer(one)
    order_id = await bought(ann, "a", "b")
    keys = KeySet.import_key_set((await one.http.get("/.well-known/jwks.json")).json())

    def claims(text: str, kind: str) -> dict[str, object]:
        read = jws.deserialize_compact(text, keys, algorithms=["EdDSA"])
        assert read.protected["typ"] == kind
        told: dict[str, object] = json.loads(read.payload)
        return told

    async def listed() -> set[object]:
        told = claims((await two.http.get("/v1/receipts/revoked")).text, "revoked+jwt")
        rids = told["rids"]
        assert isinstance(rids, list)
        return set(rids)

    receipts = {book: (await ann.get(f"/v1/entitlements/{book}")).json()["receipt"] for book in "ab"}
    rids = {book: claims(receipt, "entitlement+jwt")["rid"] for book, receipt in receipts.items()}
    assert await listed() == set()
    assert (await own(ann, order_id)).json()["reasons"] == {"a": "opened", "b": "opened"}
    desk = await desk_of(one)
    assert (await refund(one, desk, order_id, productIds=["a"])).status_code == 200
    assert claims(receipts["a"], "entitlement+jwt")["rid"] == rids["a"]
    assert await listed() == {rids["a"]}
    assert (await ann.get("/v1/access", productId="a")).status_code == 403
    await bought(ann, "a")
    anew = claims((await ann.get("/v1/entitlements/a")).json()["receipt"], "entitlement+jwt")
    assert anew["rid"] not in {rids["a"], rids["b"]}
    assert await listed() == {rids["a"]}


async def test_200_refunds_of_one_order_through_two_machines(machines: Machines) -> None:
    """Operators and the customer name lines, or all that is left, again and again: each line comes back once."""
    one, two = machines
    names = [f"book-{number}" for number in range(40)]
    stock(one, *names, price=10)
    end = (system_clock() + timedelta(days=90)).replace(microsecond=0)
    [ann] = make_known(one.database_url, "ann")
    async with open_settlement(one.database_url) as settlement:
        await settlement.submit(credit(ann.key, 150, kind="bonus", expires_at=end))
    here, desk = buyer(one), await desk_of(one)
    held = one.sql("SELECT lots, remaining FROM wallet")
    order_id = await bought(here, *names)
    assert (await here.get("/v1/access", productId="book-7")).status_code == 204
    tabs, dice = (here, at(two, here), buyer(two)), random.Random(7)
    named = [dice.sample(names, dice.choice((1, 1, 2, 3))) for _ in range(200)]

    def ask(number: int) -> Awaitable[httpx.Response]:
        some = named[number]
        if number % 2:
            return own(tabs[number % 3], order_id, f"r-{number}", productIds=some)
        return refund(machines[number // 2 % 2], desk, order_id, f"r-{number}", productIds=some)

    answers = await asyncio.gather(*(taken(partial(ask, number)) for number in range(200)))
    done = [answer.json() for answer in answers if answer.status_code == 200]
    codes = {answer.json()["code"] for answer in answers if answer.status_code != 200}
    assert codes <= {"already_refunded", "refund_not_allowed"}
    assert "already_refunded" in codes
    back = [line["productId"] for refunded in done for line in refunded["lines"]]
    assert len(back) == len(set(back)) > 0
    assert sum(refunded["refunded"] for refunded in done) == 10 * len(back)
    assert await owned(here) == set(names) - set(back)
    [(balance,)] = one.sql("SELECT balance FROM wallet")
    assert balance == 1150 - 400 + 10 * len(back)
    assert differences(one) == []
    rest = await asyncio.gather(*(refund(machines[n % 2], desk, order_id, f"rest-{n}") for n in range(8)))
    left = 0 if len(back) == len(names) else 1
    assert sorted(answer.status_code for answer in rest) == [200] * left + [409] * (8 - left)
    assert one.sql("SELECT lots, remaining FROM wallet") == held
    assert one.sql("SELECT sum(amount) FROM transfer WHERE kind = 'refund'") == [(400,)]
    assert await owned(here) == set()


async def test_200_refunds_of_an_order_with_a_voucher_give_it_back_once(machines: Machines) -> None:
    """Lines are named with the discount kept and without, and whole by both: what comes back is what was paid."""
    one, two = machines
    put_coupon(one, "ten")
    voucher = hold(one, "ann", "ten")
    here, desk = buyer(one), await desk_of(one)
    order_id = await bought(here, "a", "b", "c", voucherIds=[voucher])
    tabs = (here, at(two, here), buyer(two))

    def ask(number: int) -> Awaitable[httpx.Response]:
        if number % 4 == 0:
            return own(tabs[number % 3], order_id, f"r-{number}", productIds=["abc"[number % 3]])
        if number % 4 == 1:
            return own(tabs[number % 3], order_id, f"r-{number}")
        some = {"productIds": ["abc"[number % 3]], "keepDiscount": True} if number % 4 == 2 else {}
        return refund(machines[number % 2], desk, order_id, f"r-{number}", **some)

    answers = await asyncio.gather(*(taken(partial(ask, number)) for number in range(200)))
    done = [answer.json() for answer in answers if answer.status_code == 200]
    assert sum(refunded["refunded"] for refunded in done) == 290
    assert sorted(line["productId"] for refunded in done for line in refunded["lines"]) == ["a", "b", "c"]
    assert [refunded["vouchers"] for refunded in done if refunded["vouchers"]] == [[voucher]]
    assert one.sql("SELECT used_by, used_at, saved FROM voucher") == [(None, None, None)]
    assert await owned(here) == set()
    assert one.sql("SELECT balance FROM wallet") == [(1000,)]
