"""A cart makes as many orders as it must: one for each currency, of at most 100 books each."""

import pytest
from playwright.async_api import Browser, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, amount, profile, tick


@pytest.fixture(scope="module")
def gems(demo: DemoShop) -> DemoShop:
    """The demo with two books for gems."""
    demo.put_product("gem-book", title="Gem", price=93, currency="GEM")
    demo.put_product("ruby-book", title="Ruby", price=7, currency="GEM")
    return demo


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
async def test_every_page_names_the_currency(browser: Browser, gems: DemoShop, locale: str) -> None:
    async with profile(browser, gems, locale=locale) as visitor:
        gems.credit(visitor.cust_id, 500, currency="GEM")
        await visitor.sign_in()
        await tick(visitor, "gem-book")
        await visitor.open("/cart")
        await expect(visitor.part("running-total")).to_contain_text("93 GEM")
        await expect(visitor.part("cart-row")).to_contain_text("93 GEM")
        await visitor.part("checkout").click()
        await expect(visitor.part("order-total")).to_contain_text("93 GEM")
        await expect(visitor.part("confirm")).to_contain_text("93 GEM")
        await visitor.part("confirm").click()
        await visitor.succeeded()
        await expect(visitor.part("result-success")).to_contain_text("93 GEM")
        await expect(visitor.part("result-success")).to_contain_text("407 GEM")
        await visitor.open("/orders")
        await expect(visitor.part("order-row")).to_contain_text("93 GEM")
        await visitor.part("order-row").locator("a").click()
        await expect(visitor.page.locator("tfoot")).to_contain_text("93 GEM")
        await visitor.open("/wallet")
        await expect(visitor.part("wallet-balance").filter(has_text="407 GEM")).to_have_count(1)
        await expect(visitor.page.locator(".balance[data-currency=GEM]")).to_contain_text("407 GEM")
        gem_rows = visitor.part("wallet-entry").filter(has=visitor.page.locator("[data-currency=GEM]"))
        await expect(gem_rows).to_have_count(2)
        for words in await visitor.page.locator("[data-currency=GEM]").all_inner_texts():
            assert "bells" not in words
            assert "铃铛" not in words
        assert visitor.errors == []


async def test_two_currencies_are_settled_one_after_the_other(browser: Browser, gems: DemoShop) -> None:
    async with profile(browser, gems) as visitor:
        gems.credit(visitor.cust_id, 500, currency="GEM")
        await visitor.sign_in()
        await visitor.fill_cart(1)
        await tick(visitor, "gem-book", "ruby-book")
        await visitor.open("/")
        await expect(visitor.part("running-total")).to_have_count(2)
        await expect(visitor.page.locator(".places .badge")).to_contain_text("3 books ticked")
        await visitor.open("/cart")
        await expect(visitor.page.get_by_text("An order is in one currency")).to_be_visible()
        of_gems = visitor.page.locator(".checkout-order").filter(has_text="GEM")
        await expect(of_gems.locator("[data-test=running-total]")).to_contain_text("100 GEM")
        await of_gems.locator("[data-test=checkout]").click()
        await expect(visitor.part("order-line")).to_have_count(2)
        await visitor.part("confirm").click()
        await visitor.succeeded()
        await visitor.open("/cart")
        await expect(visitor.part("checkout")).to_have_count(1)
        await visitor.part("checkout").click()
        await expect(visitor.part("order-line")).to_have_count(1)
        total = amount(await visitor.part("order-total").inner_text())
        await visitor.part("confirm").click()
        await visitor.succeeded()
        assert sorted(gems.paid_orders(visitor.cust_id)) == sorted([100, total])
        assert len(gems.books_of(visitor.cust_id)) == 3
        assert visitor.errors == []


async def test_more_than_a_hundred_books_are_two_orders(browser: Browser, demo: DemoShop) -> None:
    many = [f"many-{number:03}" for number in range(130)]
    for product_id in many:
        demo.put_product(product_id, title=product_id, price=2)
    async with profile(browser, demo, vouchers=()) as visitor:
        await visitor.sign_in()
        await tick(visitor, *many)
        await visitor.open("/cart")
        await expect(visitor.part("cart-row")).to_have_count(130)
        await expect(visitor.page.locator(".checkout-bar")).to_contain_text("at most 100 books")
        await expect(visitor.page.locator(".checkout-bar")).to_contain_text("the first 100 of 130 books")
        assert amount(await visitor.part("running-total").inner_text()) == 200
        await visitor.part("tick-all").click()
        await expect(visitor.part("checkout")).to_be_disabled()
        await visitor.part("tick-all").click()
        for ordered, left in ((100, 30), (30, 0)):
            await visitor.part("checkout").click()
            await expect(visitor.part("order-line")).to_have_count(ordered)
            await visitor.part("confirm").click()
            await visitor.succeeded()
            await visitor.open("/cart")
            await expect(visitor.page.locator("h1")).to_be_visible()
            await expect(visitor.page.locator(".loading")).to_have_count(0)
            await expect(visitor.part("cart-row")).to_have_count(left)
        assert demo.paid_orders(visitor.cust_id) == [200, 60]
        await expect(visitor.page.locator(".empty")).to_be_visible()
        assert visitor.errors == []
    for product_id in many:
        demo.put_product(product_id, title=product_id, price=2, status="withdrawn")


async def test_a_cart_that_changed_elsewhere_is_settled_without_what_is_gone(visitor: Visitor) -> None:
    """One book is bought in another tab, another is withdrawn: told once, and the rest is settled."""
    visitor.shop.put_product("going-book", title="Going", price=10)
    await visitor.sign_in()
    await visitor.fill_cart(1)
    await tick(visitor, "going-book")
    other = await visitor.another_tab()
    await other.open("/cart")
    await expect(other.part("cart-row")).to_have_count(2)
    await visitor.check_out()
    await visitor.part("confirm").click()
    await visitor.succeeded()
    visitor.shop.put_product("fresh-book", title="Fresh", price=10)
    await tick(visitor, "fresh-book")
    await other.part("checkout").click()
    await expect(other.page.locator("[data-code=already_owned]")).to_be_visible()
    await other.part("checkout").click()
    await expect(other.part("order-line")).to_have_count(1)


async def test_an_offer_after_a_top_up_shows_the_balance_of_now(browser: Browser, demo: DemoShop) -> None:
    """What was missing when the offer was made had stayed on its page, also when it was loaded anew."""
    async with profile(browser, demo, bells=5, vouchers=()) as visitor:
        await visitor.sign_in()
        await tick(visitor, "book-1")
        await visitor.check_out()
        await expect(visitor.page.locator(".summary .short")).to_be_visible()
        order = visitor.page.url
        demo.credit(visitor.cust_id, 10_000)
        for _ in range(2):
            await visitor.page.goto(order)
            await expect(visitor.part("confirm")).to_be_enabled()
            await expect(visitor.page.locator(".summary dl")).to_contain_text("10,005")
            await expect(visitor.page.locator(".summary .short")).to_have_count(0)
        await visitor.part("confirm").click()
        await visitor.succeeded()
        assert visitor.errors == []
