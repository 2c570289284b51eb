"""Between "paid" and "not paid": other shops' lost orders, dead carts and payments whose end nobody knew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import msgspec
import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.carts import tick
from support.shop import Shop, open_shop
from support.tabs import at, until, waiting, wallet_held
from support.vouchers import all_books, differences, hold, put_coupon
from support.wire import wired

Failing = Callable[[Buyer], AbstractAsyncContextManager[None]]


@pytest.fixture
async def ann(shop: Shop) -> AsyncIterator[Buyer]:
    """Ann with bells for five books, and the books."""
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    yield buyer(shop)
    assert differences(shop) == []


def written(one: Buyer, body: dict[str, object]) -> bytes:
    """A payment as it goes over the wire."""
    content = msgspec.json.encode(body)
    headers = one.headers | {"Host": "shop", "Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v1/payments HTTP/1.1\r\n{lines}\r\n".encode() + content


async def test_pain_14_a_tab_closed_while_paying_loses_neither_order_nor_right(ann: Buyer) -> None:
    """saleor/saleor-docs #990: paid, but no order, because the tab was closed before it came back to make one. Here
    the tab is gone while the payment is written, before any answer, on either way of a request through a worker. The
    order and the right are there all the same: whoever signs in again sees them, and the payment that the client had
    kept is answered."""
    async with open_shop(ann.shop.database_url, ann.shop.keyring, short_way=True) as worker:
        for shop, product_id in ((worker, "book-1"), (ann.shop, "book-2")):
            order = await ann.checkout(product_id)
            body = ann.payment(order["orderToken"], [product_id])
            await send_and_leave(shop, written(ann, body))
            await until(partial(is_paid, ann.shop, order["orderId"]))
            back = buyer(ann.shop)
            [newest, *_] = (await back.get("/v1/orders")).json()["items"]
            assert newest["orderId"] == order["orderId"]
            access = await back.get("/v1/access", productId=product_id)
            assert access.headers["x-entitlement-order"] == order["orderId"]
            again = await ann.send(body)
            assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(300, 3)]


async def send_and_leave(shop: Shop, request: bytes) -> None:
    """Send a payment of Ann's, and be gone while it is under way."""
    address = urlsplit(shop.url)
    async with wallet_held(shop, "ann"):
        _, tab = await asyncio.open_connection(address.hostname, address.port)
        tab.write(request)
        await until(lambda: waiting(shop) == 1)
        tab.transport.abort()
        await tab.wait_closed()


def is_paid(shop: Shop, order_id: str) -> bool:
    return shop.sql("SELECT 1 FROM orders WHERE order_id = %s", (order_id,)) != []


@asynccontextmanager
async def too_dear(one: Buyer) -> AsyncIterator[None]:
    one.shop.sql("UPDATE product SET price = 600, list_price = 600 WHERE product_id = 'book-1'")
    yield
    await give(one.shop, one.cust_id, 300)


@asynccontextmanager
async def off_sale(one: Buyer) -> AsyncIterator[None]:
    one.shop.sql("UPDATE product SET price = 100")
    yield
    one.shop.sql("UPDATE product SET status = 'active'")


@asynccontextmanager
async def voucher_gone(one: Buyer) -> AsyncIterator[None]:
    put_coupon(one.shop, "ten")
    hold(one.shop, one.cust_id, "ten")
    yield


@asynccontextmanager
async def unwritable(one: Buyer, table: str = "entitlement") -> AsyncIterator[None]:
    """Whatever is written to this table fails, and with it all that is in the same transaction."""
    one.shop.sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk on fire'; END $$")
    one.shop.sql(f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION fail()")
    yield
    one.shop.sql("DROP FUNCTION fail CASCADE")


FAILURES: dict[str, tuple[Failing, str]] = {
    "insufficient_bells": (too_dear, "SELECT"),
    "product_unavailable": (off_sale, "UPDATE product SET status = 'withdrawn' WHERE product_id = 'book-2'"),
    "voucher_unusable": (voucher_gone, "UPDATE coupon SET status = 'withdrawn'"),
    "internal_error": (unwritable, "SELECT"),
}


async def test_pain_15_after_a_failure_the_same_cart_can_be_bought(shop: Shop) -> None:
    """medusajs/medusa #6745, #1887, #4798: after a failed payment the cart was unusable for ever. Here four payments
    fail, each for another reason. Every cart is as it was, and as soon as the cause is gone the same cart is checked
    out and paid, in the same session."""
    ids = ["book-1", "book-2"]
    stock(shop, *ids)
    for code, (failing, since_the_offer) in FAILURES.items():
        await give(shop, code, 500)
        one = buyer(shop, code)
        for product_id in ids:
            await tick(one, product_id)
        async with failing(one):
            order = await one.checkout(*ids)
            shop.sql(since_the_offer)
            before = all_books(shop)
            assert (await one.send(one.payment(order["orderToken"], ids))).json()["code"] == code
            assert all_books(shop) == before, code
        assert [item["ticked"] for item in (await one.get("/v1/cart")).json()["items"]] == [True, True]
        answer = await one.buy(*ids)
        assert (answer.status_code, len(answer.json()["entitlements"])) == (200, 2), code
    assert differences(shop) == []


async def test_pain_16_a_payment_that_breaks_off_anywhere_is_in_no_state(ann: Buyer) -> None:
    """vendure-ecommerce/vendure #1330, #2620: an order was stuck between states, and the customer paid again. Here the
    writing of a payment fails at each of its tables in turn: nothing of it is there, no order can be seen, and the same
    signed payment goes through once when the fault is gone. Paying again is the replay."""
    put_coupon(ann.shop, "ten")
    hold(ann.shop, "ann", "ten")
    order = await ann.checkout("book-1")
    body = ann.payment(order["orderToken"], ["book-1"])
    before = all_books(ann.shop)
    for table in ("wallet", "transfer", "entitlement", "voucher"):
        async with unwritable(ann, table):
            assert (await ann.send(body)).status_code == 500
        assert all_books(ann.shop) == before, table
        assert (await ann.get(f"/v1/orders/{order['orderId']}")).status_code == 404
    assert (await ann.send(body)).json()["balance"] == 410
    assert (await ann.send(body)).headers["idempotent-replayed"] == "true"
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(410, 2)]


async def test_pain_17_who_heals_and_who_retries_pay_once(ann: Buyer, keyring: Keyring) -> None:
    """killbill/killbill #1015, #338, #1832: a payment of unknown result was retried, and its healer ran beside the
    retry without a lock. Here a worker's connection breaks after the commit, and once before it; while it runs its
    batch again, the client sends the payment to another worker, eight times. The order is paid once."""
    async with (
        wired(ann.shop.database_url) as (wire, url),
        open_shop(url, keyring, pgbouncer=True) as far,
    ):
        for product_id, committed in (("book-1", True), ("book-2", False)):
            order = await at(far, ann).checkout(product_id)
            body = ann.payment(order["orderToken"], [product_id])
            wire.was_cut.clear()
            wire.cut_after_commits, wire.cut_before_commits = int(committed), int(not committed)
            healed = asyncio.create_task(at(far, ann).send(body))
            await wire.was_cut.wait()
            answers = [*await asyncio.gather(*(ann.send(body) for _ in range(8))), await healed]
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.text for answer in answers}) == 1
            assert sum("idempotent-replayed" not in answer.headers for answer in answers) == int(not committed)
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(300, 3)]
