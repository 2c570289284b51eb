"""A book by itself: from the shelf, the cart, an order and the library; bought, withdrawn, still to come, unknown."""

import re

import pytest
from playwright.async_api import expect

from browser.visitor import Visitor, tick


async def test_a_book_is_opened_from_the_shelf_and_put_into_the_cart(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.open("/")
    card = visitor.part("book-card").first
    title = await card.locator("h2").inner_text()
    await card.locator("h2 a").click()
    await expect(visitor.part("product").locator("h1")).to_have_text(title)
    await expect(visitor.page).to_have_title(re.compile(re.escape(title)))
    await expect(visitor.part("product-price")).to_contain_text("bells")
    await expect(visitor.part("product-intro")).not_to_be_empty()
    await expect(visitor.part("product-facts")).to_contain_text("ISBN")
    await visitor.part("add-to-cart").click()
    await expect(visitor.part("add-to-cart")).to_have_attribute("aria-pressed", "true")
    await expect(visitor.page.locator(".places .badge")).to_contain_text("1 book ticked")
    await visitor.part("product").get_by_role("link", name="Go to cart").click()
    await expect(visitor.part("cart-row")).to_have_count(1)
    await visitor.part("cart-row").get_by_role("link", name=title).click()
    await expect(visitor.part("add-to-cart")).to_have_attribute("aria-pressed", "true")


async def test_a_book_that_was_bought_is_read_from_its_page(visitor: Visitor) -> None:
    await visitor.to_the_order(1)
    await visitor.part("order-line").locator("h3 a").click()
    await expect(visitor.part("add-to-cart")).to_be_visible()
    await visitor.page.go_back()
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await visitor.open("/library")
    await visitor.part("entitlement").first.get_by_role("link", name="About this book").click()
    await expect(visitor.part("product-owned")).to_be_visible()
    await expect(visitor.part("add-to-cart")).to_have_count(0)
    await visitor.part("product-owned").get_by_role("link", name="Read").click()
    await visitor.open_unopened()


async def test_a_look_at_a_book_does_not_open_it(visitor: Visitor) -> None:
    """Whoever looks at what they bought may still refund it."""
    await visitor.sign_in()
    order_id = await visitor.buy("book-4")
    await visitor.open("/products/book-4")
    await expect(visitor.part("product-owned")).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    await visitor.open(f"/orders/{order_id}")
    await visitor.part("refund-ask").click()
    await visitor.part("refund-confirm").click()
    await expect(visitor.part("line").locator("a")).to_have_attribute("href", "/products/book-4")
    assert visitor.shop.books_of(visitor.cust_id) == []


OFF_SALE = {
    "withdrawn": ({"status": "withdrawn"}, "not on sale any more"),
    "over": ({"onSaleUntil": "2020-01-01T00:00:00Z"}, "not on sale any more"),
    "to come": ({"onSaleFrom": "2998-12-31T00:00:00Z"}, "On sale from"),
}


@pytest.mark.parametrize(("state", "said"), OFF_SALE.values(), ids=OFF_SALE)
async def test_a_book_that_is_not_on_sale_says_so(visitor: Visitor, state: dict[str, str], said: str) -> None:
    visitor.shop.put_product("off-sale", title="Off sale", price=10, **state)
    await visitor.sign_in()
    await visitor.open("/products/off-sale")
    await expect(visitor.part("product-off-sale")).to_contain_text(said)
    await expect(visitor.part("add-to-cart")).to_have_count(0)


@pytest.mark.parametrize("product_id", ["no-such-book", "%3Cb%3E", "%E2%9C%93", "%ff", "x" * 300])
async def test_a_book_that_there_is_not_says_so(visitor: Visitor, product_id: str) -> None:
    await visitor.sign_in()
    await visitor.open(f"/products/{product_id}")
    await expect(visitor.part("product-unknown")).to_contain_text("There is no such book")
    await visitor.part("product-unknown").get_by_role("link", name="To the books").click()
    await expect(visitor.part("book-card").first).to_be_visible()


async def test_whatever_a_catalogue_says_is_text(visitor: Visitor) -> None:
    evil = "</script><img src=x onerror=\"document.title='taken'\">"
    attributes = {"averageRating": "4.5", "signed": True, "own.words": evil, "year": 1984}
    visitor.shop.put_product("evil-page", title=evil, publisher=evil, intro=evil, price=10, attributes=attributes)
    await visitor.sign_in()
    await visitor.open("/products/evil-page")
    await expect(visitor.part("product").locator("h1")).to_have_text(evil)
    await expect(visitor.part("product-intro")).to_have_text(evil)
    await expect(visitor.page).to_have_title(re.compile(re.escape(evil)))
    for fact in ("own.words", "4.50", "Yes", "1984", evil):
        await expect(visitor.part("product-facts")).to_contain_text(fact)
    assert await visitor.page.locator("img").count() == 0
    visitor.shop.put_product("evil-page", title="Withdrawn", price=10, status="withdrawn")


async def test_whoever_signs_in_for_a_book_comes_back_to_it(visitor: Visitor) -> None:
    await visitor.open("/products/book-7")
    await expect(visitor.part("login-form")).to_be_visible()
    await visitor.sign_in()
    await expect(visitor.part("product")).to_be_visible()
    visitor.shop.end_sessions(visitor.token, visitor.cust_id)
    await visitor.part("add-to-cart").click()
    await expect(visitor.part("login-form")).to_be_visible()
    await visitor.sign_in()
    assert visitor.page.url.endswith("/products/book-7")
    await tick(visitor, "book-7")
    await visitor.page.reload()
    await expect(visitor.part("add-to-cart")).to_have_attribute("aria-pressed", "true")
