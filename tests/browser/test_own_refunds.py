"""A customer's own refund in the pages: what comes back is shown, confirmed and told, no book is opened unawares."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Route, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, amount, profile

ONE, TWO, THREE = "book-11", "book-12", "book-13"
LANGUAGES = pytest.mark.parametrize("visitor", [{"locale": "en"}, {"locale": "zh-CN"}], indirect=True, ids=["en", "zh"])
FOCUS = "document.activeElement.closest('[data-test], .told') !== null"
LONGEST_LIFE = 25
"""Seconds in which an order of bells that lapse is paid."""


async def at_the_order(visitor: Visitor, *product_ids: str, vouchers: bool = False) -> str:
    """The page of an order that was paid for just now."""
    await visitor.sign_in()
    order_id = await visitor.buy(*product_ids, vouchers=vouchers)
    await visitor.open(f"/orders/{order_id}")
    await expect(visitor.part("own-refund").locator("li").first).to_be_visible()
    return order_id


async def confirmed(visitor: Visitor) -> None:
    await visitor.part("refund-ask").click()
    await visitor.part("refund-confirm").click()
    await expect(visitor.part("refund-result")).to_be_visible()


async def faults(visitor: Visitor) -> list[str]:
    """What axe-core objects to, and whether the page is wider than the window."""
    found = await Axe().run(visitor.page)
    wider = await visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [violation["id"] for violation in found.response["violations"]] + (["wider"] if wider else [])


@LANGUAGES
async def test_what_comes_back_is_shown_confirmed_and_told_by_keyboard(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 360, "height": 740})
    await visitor.page.emulate_media(reduced_motion="reduce")
    order_id = await at_the_order(visitor, ONE, TWO)
    paid = 10_000 - visitor.shop.balance(visitor.cust_id)
    assert await faults(visitor) == []
    await visitor.part("refund-ask").focus()
    await visitor.page.keyboard.press("Enter")
    facts = visitor.part("refund-facts")
    await expect(facts).to_be_visible()
    assert amount(await facts.inner_text()) == paid
    await visitor.page.wait_for_function(FOCUS)
    assert await faults(visitor) == []
    assert visitor.shop.balance(visitor.cust_id) == 10_000 - paid, "nothing is done before it is confirmed"
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.part("refund-confirm")).to_be_focused()
    await visitor.page.keyboard.press("Enter")
    result = visitor.part("refund-result")
    await expect(result).to_be_in_viewport()
    await expect(visitor.page.locator(".told[role=status]")).to_be_focused()
    assert visitor.shop.balance(visitor.cust_id) == 10_000
    assert visitor.shop.books_of(visitor.cust_id) == []
    await expect(visitor.part("status")).to_be_visible()
    await expect(visitor.part("own-refund")).to_have_count(0)
    await expect(visitor.part("line").locator(".tag")).to_have_count(2)
    await expect(visitor.part("line").locator('a[href^="/read"]')).to_have_count(0)
    assert amount(await visitor.part("refund").locator("b").inner_text()) == paid
    assert await faults(visitor) == []
    await visitor.open("/orders")
    await expect(visitor.part("order-row").locator(".tag")).to_be_visible()
    await visitor.open(f"/result/{order_id}")
    await expect(visitor.part("refunded-since")).to_be_visible()
    await expect(visitor.part("entitlement")).to_have_count(0)


async def test_what_is_sent_names_the_books_that_were_shown(visitor: Visitor) -> None:
    await at_the_order(visitor, ONE, TWO)
    await visitor.part("own-refund").locator(f"[data-product-id={TWO}]").uncheck()
    await confirmed(visitor)
    [sent] = [request for request in visitor.requests if request.url.endswith("/refunds")]
    assert json.loads(sent.post_data or "")["productIds"] == [ONE]
    assert visitor.shop.books_of(visitor.cust_id) == [TWO]
    await expect(visitor.part("status")).to_have_text("Partly refunded")
    await expect(visitor.part("line").locator('a[href^="/read"]')).to_have_count(1)
    await expect(visitor.part("own-refund")).to_be_visible()


async def test_the_wallets_movements_lead_to_their_order(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE)
    await confirmed(visitor)
    await visitor.open("/wallet")
    await expect(visitor.page.locator(f'a[href="/orders/{order_id}"]')).to_have_count(2)


async def test_who_keeps_the_books_has_lost_nothing(visitor: Visitor) -> None:
    await at_the_order(visitor, ONE)
    await visitor.part("refund-ask").click()
    await visitor.part("refund-keep").click()
    await expect(visitor.part("refund-ask")).to_be_visible()
    await visitor.page.wait_for_function(FOCUS)
    assert visitor.shop.books_of(visitor.cust_id) == [ONE]


async def test_an_opened_book_is_named_and_the_other_can_be_refunded(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE, TWO)
    await opened(visitor, ONE, order_id)
    await visitor.open(f"/orders/{order_id}")
    await expect(visitor.part("refund-reason")).to_have_text("Opened, so it cannot be refunded any more.")
    await expect(visitor.part("own-refund").locator("input")).to_have_count(1)
    await confirmed(visitor)
    assert visitor.shop.books_of(visitor.cust_id) == [ONE]


async def test_an_order_with_vouchers_is_refunded_whole_or_not(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE, TWO, vouchers=True)
    await expect(visitor.part("own-refund").locator("input")).to_have_count(0)
    await visitor.part("refund-ask").click()
    await expect(visitor.part("refund-facts")).to_contain_text("come back. Their expiry stays as it was.")
    await visitor.part("refund-keep").click()
    await opened(visitor, ONE, order_id, "its order, as a whole")
    await visitor.open(f"/orders/{order_id}")
    await expect(visitor.part("refund-reason")).to_have_text(
        [
            "Opened, so it cannot be refunded any more.",
            "Vouchers were used, so it can only be refunded with the whole order.",
        ]
    )
    await expect(visitor.part("refund-ask")).to_have_count(0)


async def test_a_second_tab_is_told_what_the_first_did(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE, TWO)
    other = await visitor.another_tab()
    await other.open(f"/orders/{order_id}")
    await other.part("refund-ask").click()
    await expect(other.part("refund-confirm")).to_be_visible()
    await confirmed(visitor)
    balance = visitor.shop.balance(visitor.cust_id)
    await other.part("refund-confirm").click()
    told = other.page.locator("[data-code=already_refunded]")
    await expect(told).to_contain_text("Refunded already.")
    await expect(other.page.locator(".told")).to_be_focused()
    await expect(other.part("own-refund")).to_have_count(0)
    await expect(other.part("status")).to_have_text("Refunded")
    assert visitor.shop.balance(visitor.cust_id) == balance


async def test_a_book_opened_meanwhile_is_told_and_nothing_is_sent(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE, TWO)
    await visitor.part("refund-ask").click()
    await expect(visitor.part("refund-confirm")).to_be_visible()
    other = await visitor.another_tab()
    await opened(other, ONE, order_id)
    await visitor.part("refund-confirm").click()
    told = visitor.page.locator("[data-code=refund_not_allowed]")
    await expect(told).to_contain_text("Opened, so it cannot be refunded any more.")
    assert not [request for request in visitor.requests if request.url.endswith("/refunds")]
    await expect(visitor.part("own-refund").locator("input")).to_have_count(1)
    await confirmed(visitor)
    await expect(told).to_have_count(0)
    assert visitor.shop.books_of(visitor.cust_id) == [ONE]


@pytest.mark.parametrize("visitor", [{"bells": 0}], indirect=True, ids=["no-bells"])
async def test_bells_that_lapse_while_the_page_is_open_are_shown_before_and_after(visitor: Visitor) -> None:
    await visitor.sign_in()
    ends = datetime.now(UTC) + timedelta(seconds=LONGEST_LIFE)
    visitor.shop.credit(visitor.cust_id, 5, kind="bonus", expiresAt=ends.isoformat())
    visitor.shop.credit(visitor.cust_id, 10_000)
    order_id = await visitor.buy(ONE)
    paid = 10_005 - visitor.shop.balance(visitor.cust_id)
    await visitor.open(f"/orders/{order_id}")
    await visitor.part("refund-ask").click()
    facts = visitor.part("refund-facts")
    await expect(facts).to_be_visible()
    assert amount(await facts.inner_text()) == paid
    await visitor.page.wait_for_function("end => Date.now() > end", arg=1000 * ends.timestamp())
    await visitor.part("refund-confirm").click()
    await expect(visitor.part("refund-changed")).to_be_visible()
    assert visitor.shop.balance(visitor.cust_id) == 10_005 - paid, "it is asked again"
    assert amount(await facts.inner_text()) == paid - 5
    await expect(facts).to_contain_text("5 bells have lapsed")
    await visitor.part("refund-confirm").click()
    await expect(visitor.part("refund-result")).to_contain_text("5 bells had lapsed")
    assert amount(await visitor.part("refund-result").locator("p").first.inner_text()) == paid - 5
    assert visitor.shop.balance(visitor.cust_id) == 10_000
    await visitor.page.reload()
    assert amount(await visitor.part("refund").locator("b").inner_text()) == paid - 5
    await expect(visitor.part("refund")).to_contain_text("5 bells had lapsed meanwhile and did not come back.")


@pytest.mark.parametrize("arrived", [True, False], ids=["taken", "lost"])
async def test_an_answer_that_is_lost_is_asked_for(visitor: Visitor, arrived: bool) -> None:
    await at_the_order(visitor, ONE, TWO)
    cut = iter([True])

    async def lose(route: Route) -> None:
        if not next(cut, False):
            await route.continue_()
            return
        if arrived:
            await route.fetch()
        await route.abort()

    await visitor.page.route("**/refunds", lose)
    await visitor.part("refund-ask").click()
    await visitor.part("refund-confirm").click()
    unanswered = visitor.part("refund-unanswered")
    await expect(unanswered).to_contain_text("one refund is never made twice")
    await visitor.part("refund-confirm").click()
    if not arrived:
        await expect(visitor.part("refund-untaken")).to_be_visible()
        await visitor.part("refund-confirm").click()
    await expect(visitor.part("refund-result")).to_be_visible()
    assert visitor.shop.balance(visitor.cust_id) == 10_000
    await expect(visitor.part("refund")).to_have_count(1)


async def test_what_cannot_be_read_is_said_and_read_again(visitor: Visitor) -> None:
    await visitor.sign_in()
    order_id = await visitor.buy(ONE)
    busy = {"code": "overloaded", "status": 503, "title": "Overloaded", "detail": "busy"}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, body=json.dumps(busy), content_type="application/problem+json")

    await visitor.page.route("**/refundable*", refuse)
    await visitor.open(f"/orders/{order_id}")
    told = visitor.part("own-refund").locator("[data-code=overloaded]")
    await expect(told).to_contain_text("Nothing was done.")
    await visitor.page.unroute("**/refundable*")
    await told.get_by_role("button").click()
    await expect(visitor.part("refund-ask")).to_be_visible()


async def test_a_free_order_promises_no_bells(visitor: Visitor) -> None:
    visitor.shop.put_product("refund-free", title="Free", price=0)
    await at_the_order(visitor, "refund-free")
    await visitor.part("refund-ask").click()
    await expect(visitor.part("refund-facts")).to_contain_text("It was free, so no bells come back.")
    await visitor.part("refund-confirm").click()
    await expect(visitor.part("refund-result")).to_contain_text("No bells came back.")
    assert visitor.shop.books_of(visitor.cust_id) == []


async def test_an_operators_refund_may_have_the_customers_id(visitor: Visitor) -> None:
    order_id = await at_the_order(visitor, ONE, TWO, THREE)
    for product_id in (TWO, THREE):
        await visitor.part("own-refund").locator(f"[data-product-id={product_id}]").uncheck()
    async with visitor.page.expect_response("**/refunds") as answered:
        await confirmed(visitor)
    same = (await (await answered.value).json())["refundId"]
    visitor.shop.refund(order_id, same, productIds=[TWO], reason="goodwill", note="not to be seen")
    await visitor.page.reload()
    await expect(visitor.part("refund")).to_have_count(2)
    await expect(visitor.part("refund").nth(0)).to_contain_text("at your request")
    await expect(visitor.part("refund").nth(1)).to_contain_text("a courtesy of the shop")
    await expect(visitor.page.get_by_text("not to be seen")).to_have_count(0)


async def test_the_reader_asks_before_a_refund_ends_and_not_again(visitor: Visitor) -> None:
    """From the result, the library, the order and a bare address alike."""
    await visitor.sign_in()
    order_id = await visitor.buy(ONE)
    ways = {
        f"/result/{order_id}": "entitlement",
        "/library": "entitlement",
        f"/orders/{order_id}": "line",
    }
    for path, part in ways.items():
        await visitor.open(path)
        await visitor.part(part).locator("a").first.click()
        await expect(visitor.part("unopened")).to_contain_text("Once you open it, you cannot.")
    await visitor.open(f"/read/{ONE}")
    await expect(visitor.part("unopened")).to_be_visible()
    assert not [request for request in visitor.requests if "/v1/read/" in request.url]
    assert await faults(visitor) == []
    await visitor.open_unopened()
    await expect(visitor.page.locator("h1")).to_be_focused()
    for path, part in ways.items():
        await visitor.open(path)
        await visitor.part(part).locator("a").first.click()
        await expect(visitor.part("reader-text")).to_be_visible()


async def test_a_book_that_is_not_ones_own_is_not_asked_about(visitor: Visitor) -> None:
    await visitor.sign_in()
    for address in (f"/read/{TWO}", f"/read/{TWO}?order=nonsense"):
        await visitor.open(address)
        await expect(visitor.page.locator("[data-code=not_entitled]")).to_be_visible()


async def test_the_longest_titles_and_amounts_fit_a_phone(browser: Browser, demo: DemoShop) -> None:
    demo.put_product("refund-long", title="W" * 200, price=10**13, currency="LONG_CURRENCY_16")
    demo.put_product("refund-short", title="乙" * 200, price=1, currency="LONG_CURRENCY_16")
    async with profile(browser, demo, bells=0) as visitor:
        demo.credit(visitor.cust_id, 10**15, "LONG_CURRENCY_16")
        await visitor.page.set_viewport_size({"width": 360, "height": 740})
        order_id = await at_the_order(visitor, "refund-long", "refund-short")
        assert await faults(visitor) == []
        await opened(visitor, "refund-short", order_id)
        await visitor.open(f"/orders/{order_id}")
        await visitor.part("refund-ask").click()
        await expect(visitor.part("refund-facts")).to_be_visible()
        assert await faults(visitor) == []
        await visitor.part("refund-confirm").click()
        await expect(visitor.part("refund-result")).to_be_visible()
        assert await faults(visitor) == []


async def opened(visitor: Visitor, product_id: str, order_id: str, warned: str = "Once you open it") -> None:
    """A book, opened for the first time."""
    await visitor.open(f"/read/{product_id}?order={order_id}")
    await expect(visitor.part("unopened")).to_contain_text(warned)
    await visitor.open_unopened()
