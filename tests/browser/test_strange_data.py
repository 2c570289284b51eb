"""Products whose attributes are of any type, and parts that fail: the others are shown, and there is a way on."""

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile

SHELF = 24


async def test_attributes_as_an_import_leaves_them(browser: Browser, demo: DemoShop) -> None:
    """A rating as a text and authors as a number once hid all the other books from everybody."""
    attributes = {"averageRating": "4.5", "authors": 1984}
    demo.put_product("strange-book", title="Strange", price=10, popularity=2**53, attributes=attributes)
    async with profile(browser, demo) as visitor:
        await visitor.sign_in()
        await visitor.open("/")
        cards = visitor.part("book-card")
        await expect(cards).to_have_count(SHELF)
        await expect(cards.first).to_contain_text("1984")
        await expect(cards.first.locator(".rating")).to_contain_text("4.50")
        assert visitor.errors == []
    demo.put_product("strange-book", title="Strange", price=10, status="withdrawn")


VALUES: dict[str, Any] = {
    "number": 7.5,
    "huge number": 1e308,
    "list": ["A", 1, None, ["B"], {}],
    "object": {"constructor": None, "type": "img", "props": {"src": "x"}},
    "null": None,
    "bool": True,
    "huge text": "x" * 100_000,
    "one long word": "永" * 500,
    "markup": "<img src=x onerror=alert(1)>",
    "right to left": "\u202e\u2067txt\u2066",
    "empty": "",
    "address": "javascript:alert(1)",
}
FIELDS = ("title", "publisher", "intro", "coverUrl", "attributes", "currency", "price", "listPrice")
ATTRIBUTES = ("authors", "averageRating")


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_no_value_of_any_field_hides_the_other_books(visitor: Visitor, value: Any) -> None:
    names = [*FIELDS, *ATTRIBUTES]

    async def alter(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for product, name in zip(body["items"], names, strict=False):
            if name in FIELDS:
                product[name] = value
            else:
                product["attributes"] = {**product["attributes"], name: value}
        await route.fulfill(response=answer, body=json.dumps(body))

    await visitor.page.set_viewport_size({"width": 360, "height": 700})
    await visitor.page.route("**/v1/products?*", alter)
    await visitor.sign_in()
    await visitor.open("/")
    await expect(visitor.part("book-card")).to_have_count(SHELF)
    await expect(visitor.part("add-to-cart")).to_have_count(SHELF)
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") == 360
    assert await visitor.page.locator("img").count() == 0


async def test_a_card_that_cannot_be_drawn_leaves_the_others(visitor: Visitor) -> None:
    broken = 'export function Cover({ product }) { if (product.productId === "book-1") throw new Error("broken"); }'
    await visitor.page.route(
        "**/static/ui/cover.js", lambda route: route.fulfill(content_type="text/javascript", body=broken)
    )
    await visitor.sign_in()
    await visitor.open("/")
    await expect(visitor.page.get_by_text("This one cannot be shown.")).to_have_count(1)
    await expect(visitor.part("book-card")).to_have_count(SHELF - 1)


async def test_a_page_that_cannot_be_drawn_says_so_and_the_others_are_there(visitor: Visitor) -> None:
    broken = 'export const title = () => "x"; export default () => { throw new Error("broken"); };'
    await visitor.page.route(
        "**/static/pages/wallet.js", lambda route: route.fulfill(content_type="text/javascript", body=broken)
    )
    await visitor.sign_in()
    await visitor.open("/wallet")
    await expect(visitor.page.get_by_role("button", name="Reload")).to_be_visible()
    await visitor.page.locator(".places a").first.click()
    await expect(visitor.part("book-card").first).to_be_visible()


@pytest.mark.parametrize("missing", ["**/sdk/index.js", "**/static/config.json", "**/static/shell.js"])
async def test_a_shop_that_does_not_open_says_so(visitor: Visitor, missing: str) -> None:
    await visitor.page.route(missing, lambda route: route.fulfill(status=503))
    await visitor.open("/")
    await expect(visitor.page.get_by_role("alert")).to_contain_text("did not open")
    await visitor.page.unroute(missing)
    await visitor.page.get_by_role("button").click()
    await expect(visitor.page.locator(".door")).to_be_visible()
    visitor.errors.clear()  # that it did not start is told to the console, too
