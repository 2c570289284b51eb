"""A page that is being translated: what it shows is what is taken, and nothing breaks."""

import pytest
from playwright.async_api import Locator, expect

from browser.translator import translate
from browser.visitor import Visitor, amount

followed = pytest.mark.parametrize("follow", [False, True], ids=["once", "followed"])


async def figure(part: Locator) -> int:
    return amount(await part.inner_text())


@followed
async def test_a_voucher_is_unticked_and_the_figure_shown_is_the_one_taken(visitor: Visitor, follow: bool) -> None:
    await visitor.to_the_order()
    await translate(visitor.page, follow)
    total = visitor.part("order-total")
    best = await figure(total)
    applied = visitor.part("voucher").locator("input:checked")
    before = await applied.count()
    async with visitor.page.expect_response("**/v1/checkout"):
        await applied.first.uncheck()
    await expect(applied).to_have_count(before - 1)
    await expect(total).not_to_contain_text(f"{best:,}")
    shown = await figure(total)
    assert shown > best
    assert await figure(visitor.part("confirm")) == shown
    lines = visitor.part("order-line").locator(".row-price p:last-child .figure")
    assert sum(amount(text) for text in await lines.all_inner_texts()) == shown
    await visitor.part("confirm").click()
    await visitor.succeeded()
    assert visitor.shop.paid_orders(visitor.cust_id) == [shown]
    assert await figure(visitor.part("result-success").locator("dd").first) == shown


@followed
async def test_ticks_in_the_cart(visitor: Visitor, follow: bool) -> None:
    await visitor.sign_in()
    await visitor.fill_cart(3)
    await visitor.open("/cart")
    await expect(visitor.part("cart-row")).to_have_count(3)
    total = visitor.part("running-total")
    whole = await figure(total)
    await translate(visitor.page, follow)
    async with visitor.page.expect_response("**/v1/cart/items/*") as ticked:
        await visitor.part("tick").first.uncheck()
    selected = (await (await ticked.value).json())["selected"]
    await expect(total).not_to_contain_text(f"{whole:,}")
    assert await figure(total) == selected["total"]
    await expect(visitor.page.locator(".running .muted")).to_have_text("2 books")
    await visitor.page.locator("[data-test=cart-row] button").first.click()
    await expect(visitor.part("cart-row")).to_have_count(2)
    await visitor.part("lang-switch").click()
    await expect(visitor.page.locator("h1")).to_have_text("购物车")
    await visitor.part("checkout").click()
    await expect(visitor.part("confirm")).to_be_visible()


@followed
async def test_every_page_changes_its_language_and_goes_on(visitor: Visitor, follow: bool) -> None:
    await visitor.to_the_order(2)
    await visitor.part("confirm").click()
    await visitor.succeeded()
    [order_id] = [visitor.order_id]
    owned = visitor.shop.books_of(visitor.cust_id)[0]
    for path in ("/", "/cart", "/library", f"/read/{owned}", "/orders", f"/orders/{order_id}", "/wallet", "/lab"):
        await visitor.open(path)
        await expect(visitor.page.locator("h1")).to_be_visible()
        await expect(visitor.page.locator(".loading")).to_have_count(0)
        await translate(visitor.page, follow)
        switch = visitor.part("lang-switch")
        for language, word in (("zh-CN", "English"), ("en", "中文")):
            await switch.click()
            await expect(visitor.page.locator("html")).to_have_attribute("lang", language)
            await expect(switch).to_have_text(word)
        await expect(visitor.page.locator(".places a").first).to_have_text("Books")
    await visitor.page.locator(".places a").nth(4).click()
    await expect(visitor.page.locator("h1")).to_have_text("Wallet")
