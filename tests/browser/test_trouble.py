"""What goes wrong on the way: never charged twice, no book lost, and the page says what happened."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Route, expect

from browser.demo_shop import DemoShop, reconciled
from browser.visitor import Visitor, amount, profile
from support.served import eventually, is_well, serving

ALTER = """async ([orderId, name]) => {
  const db = await new Promise((resolve) => {
    const request = indexedDB.open("lingdang", 1);
    request.onsuccess = () => resolve(request.result);
  });
  const act = (mode, run) => new Promise((resolve) => {
    const request = run(db.transaction("kept", mode).objectStore("kept"));
    request.onsuccess = () => resolve(request.result);
  });
  const kept = await act("readonly", (store) => store.get("order:" + orderId));
  if (name === "price") kept.order.lines[0].price = kept.order.total = 1;
  const token = kept.order.orderToken;
  if (name === "token") kept.order.orderToken = token.slice(0, -1) + (token.endsWith("A") ? "Q" : "A");
  if (name === "products") kept.order.lines[0].productId = "book-77";
  await act("readwrite", (store) => store.put(kept, "order:" + orderId));
  db.close();
}"""


async def paid_once(visitor: Visitor, books: int = 3) -> None:
    """One order in the database, its bells taken once, its books there."""
    [total] = visitor.shop.paid_orders(visitor.cust_id)
    assert visitor.shop.balance(visitor.cust_id) == 10_000 - total
    assert len(visitor.shop.books_of(visitor.cust_id)) == books


async def test_a_double_click_pays_once(visitor: Visitor) -> None:
    await visitor.to_the_order()
    await visitor.part("confirm").dblclick(no_wait_after=True)
    await visitor.succeeded()
    assert visitor.payments_sent() == 1
    await paid_once(visitor)


async def test_a_reload_in_the_middle_of_the_payment(visitor: Visitor) -> None:
    """The shop has taken the payment, but its answer has not come when the page is reloaded."""
    await visitor.to_the_order()
    taken = asyncio.Event()

    async def swallow(route: Route) -> None:
        if taken.is_set():
            await route.continue_()
            return
        await route.fetch()
        taken.set()
        await asyncio.sleep(1)  # the page is reloaded meanwhile, or right after
        await route.abort()

    await visitor.page.route("**/v1/payments", swallow)
    await visitor.part("confirm").click(no_wait_after=True)
    await taken.wait()
    await visitor.page.reload()
    await visitor.succeeded()
    await paid_once(visitor)


@pytest.mark.parametrize("arrived", [True, False], ids=["taken", "lost"])
async def test_an_answer_that_never_comes_is_asked_for_again(visitor: Visitor, arrived: bool) -> None:
    await visitor.to_the_order()
    turns = iter([True, False])

    async def cut(route: Route) -> None:
        if not next(turns, False):
            await route.continue_()
            return
        if arrived:
            await route.fetch()
        await route.abort()

    await visitor.page.route("**/v1/payments", cut)
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await paid_once(visitor)


async def test_two_tabs_pay_one_order_once(visitor: Visitor) -> None:
    await visitor.to_the_order()
    other = await visitor.another_tab()
    await other.open(f"/order/{visitor.order_id}")
    await expect(other.part("confirm")).to_be_enabled()
    await asyncio.gather(visitor.part("confirm").click(), other.part("confirm").click())
    await visitor.succeeded()
    await other.succeeded()
    await paid_once(visitor)
    assert visitor.payments_sent() + other.payments_sent() == 1


async def test_going_offline_and_coming_back(visitor: Visitor) -> None:
    await visitor.to_the_order()
    await visitor.context.set_offline(True)
    await visitor.part("confirm").click()
    failure = visitor.part("result-failure")
    await expect(failure).to_be_visible()
    assert visitor.shop.paid_orders(visitor.cust_id) == []
    await visitor.context.set_offline(False)
    await failure.get_by_role("button").first.click()
    await visitor.succeeded()
    await paid_once(visitor)


async def test_back_after_the_payment_pays_nothing(visitor: Visitor) -> None:
    await visitor.to_the_order()
    order_id = visitor.order_id
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await visitor.page.go_back()
    await expect(visitor.part("confirm")).to_have_count(0)
    await visitor.open(f"/order/{order_id}")
    await visitor.succeeded()
    assert visitor.payments_sent() == 1
    await paid_once(visitor)


@pytest.mark.parametrize("visitor", [{"bells": 10}], indirect=True, ids=["10-bells"])
async def test_too_few_bells_then_a_top_up_and_the_same_offer(visitor: Visitor) -> None:
    await visitor.to_the_order()
    order_id, total = visitor.order_id, amount(await visitor.part("order-total").inner_text())
    if await visitor.part("confirm").is_enabled():
        await visitor.part("confirm").click()
        await expect(visitor.part("result-failure")).to_be_visible()
    assert visitor.shop.paid_orders(visitor.cust_id) == []
    visitor.shop.credit(visitor.cust_id, 10_000)
    await visitor.open(f"/order/{order_id}")
    await visitor.part("confirm").click()
    await visitor.succeeded()
    assert visitor.shop.paid_orders(visitor.cust_id) == [total]


async def test_a_session_ended_elsewhere(visitor: Visitor) -> None:
    await visitor.to_the_order()
    visitor.shop.end_sessions(visitor.token, visitor.cust_id)
    await visitor.part("confirm").click()
    await expect(visitor.part("login-form")).to_be_visible()
    assert visitor.shop.paid_orders(visitor.cust_id) == []
    await visitor.sign_in()
    assert "/order/" in visitor.page.url
    assert visitor.shop.paid_orders(visitor.cust_id) == []


@pytest.mark.parametrize("what", ["price", "token", "products"])
async def test_an_order_altered_on_the_device_is_refused(visitor: Visitor, what: str) -> None:
    await visitor.to_the_order()
    await visitor.page.evaluate(ALTER, [visitor.order_id, what])
    await visitor.page.reload()
    await expect(visitor.page.locator("[data-code=order_altered]")).to_be_visible()
    assert await visitor.part("confirm").count() == 0
    assert visitor.payments_sent() == 0
    assert visitor.shop.paid_orders(visitor.cust_id) == []


@pytest.fixture
def fragile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    """A demo of its own, with offers of twenty seconds."""
    data_dir = tmp_path_factory.mktemp("fragile")
    with serving(data_dir, "--demo", offer_seconds="20") as served:
        yield DemoShop(served)
        assert reconciled(data_dir)


async def test_an_expired_offer(browser: Browser, fragile: DemoShop) -> None:
    async with profile(browser, fragile) as visitor:
        await visitor.to_the_order()
        await expect(visitor.page.locator("[data-code=token_expired]")).to_be_visible()
        assert not await visitor.part("confirm").count() or await visitor.part("confirm").is_disabled()
        assert fragile.paid_orders(visitor.cust_id) == []
        await visitor.page.locator("[data-code=token_expired]").get_by_role("button").first.click()
        await expect(visitor.part("confirm")).to_be_enabled()
        await visitor.part("confirm").click()
        await visitor.succeeded()
        await paid_once(visitor)


@pytest.mark.slow
async def test_the_server_is_killed_during_the_payment(browser: Browser, fragile: DemoShop) -> None:
    async with profile(browser, fragile) as visitor:
        await visitor.to_the_order()
        killed = asyncio.Event()

        async def kill(route: Route) -> None:
            if not killed.is_set():
                killed.set()
                for worker in fragile.served.workers():
                    worker.kill()
            await route.continue_()

        await visitor.page.route("**/v1/payments", kill)
        await visitor.part("confirm").click()
        await visitor.succeeded()
        with fragile.served.client() as client:
            eventually(lambda: is_well(client))
        await paid_once(visitor)


async def test_a_book_withdrawn_since_the_offer(visitor: Visitor) -> None:
    """The page says so, takes nothing, and offers what is left."""
    visitor.shop.put_product("passing-book", title="Passing", price=10)
    await visitor.sign_in()
    await visitor.fill_cart(1)
    await visitor.page.evaluate(TICK, ["passing-book", visitor.token, visitor.cust_id])
    await visitor.check_out()
    await expect(visitor.part("order-line")).to_have_count(2)
    visitor.shop.put_product("passing-book", title="Passing", price=10, status="withdrawn")
    await visitor.part("confirm").click()
    await expect(visitor.page.locator("[data-code=product_unavailable]")).to_be_visible()
    assert visitor.shop.paid_orders(visitor.cust_id) == []


async def test_a_voucher_used_in_another_order(visitor: Visitor) -> None:
    """Two tabs with an offer each that hold the same vouchers: one is paid, the other is told why not."""
    await visitor.to_the_order(2)
    other = await visitor.another_tab()
    await other.open("/")
    async with other.page.expect_response(re.compile("/v1/cart/items/")):
        await other.part("add-to-cart").nth(4).click()
    await other.open("/cart")
    await other.part("tick").first.click()
    await other.check_out()
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await other.part("confirm").click()
    await expect(other.page.locator("[data-code=voucher_unusable], [data-code=already_owned]")).to_be_visible()
    assert len(visitor.shop.paid_orders(visitor.cust_id)) == 1


TICK = """async ([productId, token, custId]) => {
  const answer = await fetch("/v1/cart/items/" + productId, {
    method: "PUT",
    headers: {Authorization: "Bearer " + token, "X-Cust-Id": custId, "Content-Type": "application/json"},
    body: JSON.stringify({ticked: true}),
  });
  if (!answer.ok) throw new Error(await answer.text());
}"""
