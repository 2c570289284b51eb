"""Buying, as a reader does it: tick, check out, choose vouchers, confirm, read."""

import pytest
from playwright.async_api import expect

from browser.visitor import Visitor, amount


@pytest.mark.parametrize("sign_type", ["ES256", "HMAC-SHA256", "MD5"])
async def test_a_whole_purchase(visitor: Visitor, sign_type: str) -> None:
    await visitor.sign_in(sign_type)
    await visitor.fill_cart(3)
    await visitor.open("/cart")
    await expect(visitor.part("cart-row")).to_have_count(3)
    total = amount(await visitor.part("running-total").inner_text())
    await visitor.part("checkout").click()
    await expect(visitor.part("order-line")).to_have_count(3)
    to_pay = amount(await visitor.part("order-total").inner_text())
    assert 0 < to_pay < total
    await visitor.part("confirm").click()
    await visitor.succeeded()
    assert visitor.shop.paid_orders(visitor.cust_id) == [to_pay]
    assert visitor.shop.balance(visitor.cust_id) == 10_000 - to_pay
    await expect(visitor.part("entitlement")).to_have_count(3)
    await visitor.part("entitlement").first.locator("a").first.click()
    await visitor.open_unopened()


async def test_prices_arrive_with_each_tick(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.fill_cart(2)
    await visitor.open("/cart")
    total = visitor.part("running-total")
    both = amount(await total.inner_text())
    await visitor.part("tick").first.uncheck()
    await expect(total).not_to_contain_text(f"{both:,}")
    assert 0 < amount(await total.inner_text()) < both
    await visitor.part("tick-all").click()
    await expect(total).to_contain_text(f"{both:,}")
    await visitor.part("tick-all").click()
    await expect(visitor.part("checkout")).to_be_disabled()


async def test_vouchers_are_chosen_and_the_total_follows(visitor: Visitor) -> None:
    await visitor.to_the_order()
    best = amount(await visitor.part("order-total").inner_text())
    applied = visitor.part("voucher").locator("input:checked")
    assert await visitor.part("voucher").count() == 3
    before = await applied.count()
    assert before >= 1
    async with visitor.page.expect_response("**/v1/checkout"):
        await applied.first.uncheck()
    await expect(applied).to_have_count(before - 1)
    await expect(visitor.part("order-total")).not_to_contain_text(f"{best:,}")
    assert amount(await visitor.part("order-total").inner_text()) > best
    await visitor.part("confirm").click()
    await visitor.succeeded()
    [paid] = visitor.shop.paid_orders(visitor.cust_id)
    assert paid > best


async def test_a_voucher_says_why_it_cannot_be_used(visitor: Visitor) -> None:
    await visitor.to_the_order(count=1)
    reasons = visitor.part("voucher-reason")
    await expect(reasons.filter(has_text="more bells").first).to_be_visible()


async def test_a_code_is_redeemed_on_the_order_page(visitor: Visitor) -> None:
    await visitor.to_the_order()
    before = amount(await visitor.part("order-total").inner_text())
    field = visitor.page.get_by_label("code", exact=False).first
    await field.fill("lingdang")
    async with visitor.page.expect_response("**/v1/checkout"):
        await field.press("Enter")
    await expect(visitor.part("voucher")).to_have_count(4)
    assert amount(await visitor.part("order-total").inner_text()) == before - 60


@pytest.mark.parametrize("visitor", [{"locale": "zh-CN"}], indirect=True, ids=["zh"])
async def test_in_chinese_and_back(visitor: Visitor) -> None:
    await visitor.to_the_order()
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(visitor.page.locator("h1")).to_contain_text("订单")
    await visitor.part("lang-switch").click()
    await expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    await expect(visitor.page.locator("h1")).to_contain_text("rder")
    await visitor.part("confirm").click()
    await visitor.succeeded()


async def test_what_was_bought_is_shown_everywhere(visitor: Visitor) -> None:
    await visitor.to_the_order(count=2)
    await visitor.part("confirm").click()
    await visitor.succeeded()
    balance = visitor.shop.balance(visitor.cust_id)
    await visitor.open("/library")
    await expect(visitor.part("entitlement")).to_have_count(2)
    await visitor.open("/orders")
    await expect(visitor.part("order-row")).to_have_count(1)
    await visitor.open("/wallet")
    await expect(visitor.part("wallet-balance")).to_contain_text(f"{balance:,}")
    await expect(visitor.part("wallet-entry")).to_have_count(2)


async def test_a_book_that_is_not_owned_does_not_open(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.open("/read/book-9")
    await expect(visitor.page.locator("[data-code=not_entitled]")).to_be_visible()
    assert await visitor.part("reader-text").count() == 0


async def test_bought_books_leave_the_cart(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.fill_cart(3)
    await visitor.open("/cart")
    await visitor.part("tick").nth(2).uncheck()
    await visitor.part("checkout").click()
    await expect(visitor.part("order-line")).to_have_count(2)
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await visitor.page.locator(".places a[href='/cart']").click()
    await expect(visitor.part("cart-row")).to_have_count(1)
    await expect(visitor.part("tick-all")).to_be_enabled()
    await visitor.part("tick-all").click()
    await expect(visitor.part("cart-row")).to_have_count(1)
    await expect(visitor.part("checkout")).to_be_enabled()


async def test_a_book_bought_in_another_tab_says_so_in_the_cart(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.fill_cart(2)
    await visitor.open("/cart")
    row = visitor.part("cart-row").first
    product_id = await row.get_attribute("data-product-id")
    assert product_id is not None
    await visitor.buy(product_id)
    await visitor.part("tick").first.uncheck()
    owned = visitor.page.locator(f'[data-product-id="{product_id}"]')
    await expect(owned.get_by_role("link", name="Read it")).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.part("cart-row")).to_have_count(1)
    await expect(owned).to_have_count(0)
