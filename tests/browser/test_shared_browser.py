"""One browser, two customers: what one has left unfinished is neither shown to nor ended by the other."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Route, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile


@pytest.fixture
async def ann(browser: Browser, demo: DemoShop) -> AsyncIterator[Visitor]:
    async with profile(browser, demo) as made:
        yield made
        assert made.errors == []


async def leave_unfinished(ann: Visitor, taken: bool) -> str:
    """A payment whose answer never comes; answers the order's id."""

    async def cut(route: Route) -> None:
        if taken:
            await route.fetch()
        await route.abort()

    await ann.to_the_order(2)
    await ann.page.route("**/v1/payments", cut)
    await ann.part("confirm").click()
    await expect(ann.page.locator("[data-code=payment_unfinished]")).to_be_visible()
    await ann.page.unroute("**/v1/payments")
    return ann.order_id


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator(".door")).to_be_visible()


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "lost"])
async def test_the_next_customer_neither_sees_nor_ends_it(ann: Visitor, taken: bool) -> None:
    order_id = await leave_unfinished(ann, taken)
    await sign_out(ann.page)
    bob = await ann.another_tab()
    bob.cust_id = ann.shop.customer()
    await bob.sign_in()
    await expect(bob.part("book-card").first).to_be_visible()
    await expect(bob.page.locator("main .notice")).to_have_count(0)
    await bob.open(f"/order/{order_id}")
    await expect(bob.page.locator("[data-code=order_unknown]")).to_be_visible()
    assert await bob.part("order-line").count() == 0
    assert bob.payments_sent() == 0
    assert order_id not in {request.url.rpartition("/")[2] for request in bob.requests if "/v1/payments" in request.url}
    await sign_out(bob.page)
    again = await ann.another_tab()
    await again.sign_in()
    notice = again.page.locator("main .notice")
    await expect(notice).to_contain_text("is complete" if taken else "was not made")
    assert len(ann.shop.paid_orders(ann.cust_id)) == int(taken)
    assert ann.shop.paid_orders(bob.cust_id) == []


async def test_what_was_told_to_one_is_gone_when_the_other_signs_in(ann: Visitor) -> None:
    await leave_unfinished(ann, taken=True)
    await ann.open("/")
    await expect(ann.page.locator("main .notice.good")).to_be_visible()
    await sign_out(ann.page)
    await expect(ann.page.locator("main .notice")).to_have_count(0)
    await expect(ann.part("see-through").locator(".see-step")).to_have_count(0)
    ann.cust_id = ann.shop.customer()
    await ann.page.locator(".door a").click()
    await ann.sign_in()
    await expect(ann.part("book-card").first).to_be_visible()
    await expect(ann.page.locator("main .notice")).to_have_count(0)


async def test_another_customer_in_another_tab(ann: Visitor) -> None:
    """Ann goes on in her tab; when it is loaded anew it is Bob's, and shows nothing of hers."""
    await ann.to_the_order(2)
    bob = await ann.another_tab()
    bob.cust_id = ann.shop.customer()
    await bob.sign_in()
    await ann.part("confirm").click()
    await ann.succeeded()
    assert len(ann.shop.paid_orders(ann.cust_id)) == 1
    assert ann.shop.paid_orders(bob.cust_id) == []
    order_id = ann.order_id
    await ann.page.reload()
    await expect(ann.page.locator(".who")).to_have_text(bob.cust_id)
    await expect(ann.part("result-failure")).to_be_visible()
    assert order_id not in await ann.page.locator("main").inner_text()
    await expect(ann.part("entitlement")).to_have_count(0)
