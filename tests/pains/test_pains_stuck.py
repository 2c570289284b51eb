"""Between "paid" and "not paid": other shops' lost orders, dead carts and payments whose end nobody knew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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

Failing = Callable[[Shop], AbstractAsyncContextManager[None]]


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
    the tab is gone while the payment is written, before any answer. The order and the right are there all the same:
    whoever signs in again sees them, and the payment that the client had kept is answered."""
    order = await ann.checkout("book-1")
    body = ann.payment(order["orderToken"], ["book-1"])
    address = urlsplit(ann.shop.url)
    async with wallet_held(ann.shop, "ann"):
        _, tab = await asyncio.open_connection(address.hostname, address.port)
        tab.write(written(ann, body))
        await until(lambda: waiting(ann.shop) == 1)
        tab.transport.abort()
    await until(lambda: ann.shop.sql("SELECT count(*) FROM orders") == [(1,)])
    back = buyer(ann.shop)
    assert [item["orderId"] for item in (await back.get("/v1/orders")).json()["items"]] == [order["orderId"]]
    assert (await back.get("/v1/access", productId="book-1")).headers["x-entitlement-order"] == order["orderId"]
    again = await ann.send(body)
    assert (again.status_code, again.json()["balance"], again.headers["idempotent-replayed"]) == (200, 400, "true")


@asynccontextmanager
async def too_dear(shop: Shop) -> AsyncIterator[None]:
    shop.sql("UPDATE product SET price = 600, list_price = 600 WHERE product_id = 'book-1'")
    yield
    await give(shop, "ann", 300)


@asynccontextmanager
async def off_sale(shop: Shop) -> AsyncIterator[None]:
    yield
    shop.sql("UPDATE product SET status = 'active'")


@asynccontextmanager
async def unwritable(shop: Shop, table: str = "entitlement") -> AsyncIterator[None]:
    """Whatever is written to this table fails, and with it all that is in the same transaction."""
    shop.sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk on fire'; END $$")
    shop.sql(f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION fail()")
    yield
    shop.sql("DROP FUNCTION fail CASCADE")


@asynccontextmanager
async def voucher_gone(shop: Shop) -> AsyncIterator[None]:
    put_coupon(shop, "ten")
    hold(shop, "ann", "ten")
    yield


SINCE_THE_OFFER: dict[Failing, str] = {
    off_sale: "UPDATE product SET status = 'withdrawn' WHERE product_id = 'book-2'",
    voucher_gone: "UPDATE coupon SET status = 'withdrawn'",
}


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        (too_dear, "insufficient_bells"),
        (off_sale, "product_unavailable"),
        (voucher_gone, "coupon_unusable"),
        (unwritable, "internal_error"),
    ],
    ids=["no money", "a book gone", "a voucher gone", "a write failed"],
)
async def test_pain_15_after_a_failure_the_same_cart_can_be_bought(ann: Buyer, failing: Failing, code: str) -> None:
    """medusajs/medusa #6745, #1887, #4798: after a failed payment the cart was unusable for ever. Here the cart is as
    it was, and as soon as the cause is gone the same cart is checked out and paid, in the same session."""
    ids = ["book-1", "book-2"]
    for product_id in ids:
        await tick(ann, product_id)
    async with failing(ann.shop):
        order = await ann.checkout(*ids)
        ann.shop.sql(SINCE_THE_OFFER.get(failing, "SELECT"))
        before = all_books(ann.shop)
        answer = await ann.send(ann.payment(order["orderToken"], ids))
        assert answer.json()["code"] == code
        assert all_books(ann.shop) == before
    assert [item["ticked"] for item in (await ann.get("/v1/cart")).json()["items"]] == [True, True]
    answer = await ann.buy(*ids)
    assert (answer.status_code, len(answer.json()["entitlements"])) == (200, 2)


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
        async with unwritable(ann.shop, table):
            assert (await ann.send(body)).status_code == 500
        assert all_books(ann.shop) == before, table
        assert (await ann.get(f"/v1/orders/{order['orderId']}")).status_code == 404
    assert (await ann.send(body)).json()["balance"] == 410
    assert (await ann.send(body)).headers["idempotent-replayed"] == "true"
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(410, 2)]


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "lost"])
async def test_pain_17_who_heals_and_who_retries_pay_once(ann: Buyer, keyring: Keyring, committed: bool) -> None:
    """killbill/killbill #1015, #338, #1832: a payment of unknown result was retried, and its healer ran beside the
    retry without a lock. Here a worker's connection breaks at the commit; while it runs its batch again, the client
    sends the payment to another worker, eight times. The order is paid once."""
    near = ann.shop
    async with wired(near.database_url) as (wire, url), open_shop(url, keyring, pgbouncer=True) as far:
        order = await at(far, ann).checkout("book-1")
        body = ann.payment(order["orderToken"], ["book-1"])
        if committed:
            wire.cut_after_commits = 1
        else:
            wire.cut_before_commits = 1
        healed = asyncio.create_task(at(far, ann).send(body))
        await wire.was_cut.wait()
        answers = [*await asyncio.gather(*(ann.send(body) for _ in range(8))), await healed]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == (0 if committed else 1)
    assert near.sql("SELECT balance, seq FROM wallet") == [(400, 2)]
