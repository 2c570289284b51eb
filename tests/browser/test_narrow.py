"""A phone of 360 points, the largest amounts, the longest ids and titles, in both languages: nothing is wider."""

import pytest
from playwright.async_api import Browser, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile, tick

WIDTH = 360
MOST = 10**15
LONG = {"big-1": "永" * 300, "big-2": "x" * 300}
NAMES = ["google-oauth2|107412345678901234567890-", "a.very.long.address.of.a.reader@subdomain.example.org-"]


async def width(visitor: Visitor) -> int:
    found: int = await visitor.page.evaluate("document.documentElement.scrollWidth")
    return found


WIDER = """(table) => { const box = table.parentElement.getBoundingClientRect(), inner = table.getBoundingClientRect();
  return inner.left < box.left - 1 || inner.right > box.right + 1; }"""


async def hidden_beside(visitor: Visitor) -> list[int]:
    """The widths of the window at which a table is wider than what it stands in, so that one would have to scroll."""
    found = []
    for given in range(320, 1400, 40):
        await visitor.page.set_viewport_size({"width": given, "height": 740})
        if await visitor.page.locator("table.figures").evaluate(WIDER):
            found.append(given)
    return found


@pytest.mark.parametrize(
    ("locale", "name"), list(zip(("en", "zh-CN"), NAMES, strict=True)), ids=["en-subject", "zh-address"]
)
async def test_the_largest_amounts_fit(browser: Browser, demo: DemoShop, locale: str, name: str) -> None:
    for product_id, title in LONG.items():
        said = {"title": title, "publisher": title[:100], "intro": title, "attributes": {"x" * 64: title}}
        demo.put_product(product_id, **said, price=MOST // 100, popularity=2**53)
    async with profile(browser, demo, locale=locale, name=name, bells=MOST, vouchers=("spend-1000",)) as visitor:
        await visitor.page.set_viewport_size({"width": WIDTH, "height": 740})
        demo.credit(visitor.cust_id, MOST, currency="GEMSTONES_OF_OLD")
        await visitor.sign_in()
        widths = {}
        await tick(visitor, *LONG)
        for path, part in (
            ("/", "book-card"),
            ("/?add=big-1", "book-card"),
            ("/products/big-1", "product"),
            ("/products/big-2", "product"),
            ("/cart", "cart-row"),
            ("/wallet", "wallet-entry"),
        ):
            await visitor.open(path)
            await expect(visitor.part(part).first).to_be_visible()
            widths[path] = await width(visitor)
        await visitor.check_out()
        widths["order"] = await width(visitor)
        await visitor.part("confirm").click()
        await visitor.succeeded()
        widths["result"] = await width(visitor)
        order_id = visitor.order_id
        for path, part in (
            ("/library", "entitlement"),
            ("/read/big-1", "unopened"),
            ("/orders", "order-row"),
            (f"/orders/{order_id}", "own-refund"),
            ("/wallet", "wallet-entry"),
            ("/cart", None),
            ("/login", "login-form"),
            ("/lab", None),
        ):
            await visitor.open(path)
            await expect(visitor.page.locator("h1")).to_be_visible()
            if part:
                await expect(visitor.part(part).first).to_be_visible()
            widths[path] = await width(visitor)
        for path, part in (("/wallet", "wallet-entry"), (f"/orders/{order_id}", "line")):
            await visitor.open(path)
            await expect(visitor.part(part).first).to_be_visible()
            assert await hidden_beside(visitor) == []
        await visitor.page.set_viewport_size({"width": WIDTH, "height": 740})
        await visitor.open("/read/big-1")
        await visitor.open_unopened()
        widths["reader"] = await width(visitor)
        assert {path: found for path, found in widths.items() if found > WIDTH} == {}
        assert visitor.errors == []
    for product_id in LONG:
        demo.put_product(product_id, title="Withdrawn", price=10, status="withdrawn")


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
async def test_the_head_fits_every_window(browser: Browser, demo: DemoShop, locale: str) -> None:
    """With the longest custId, signed in."""
    async with profile(browser, demo, locale=locale, name="w" * 100, bells=0, vouchers=()) as visitor:
        await visitor.sign_in()
        await visitor.open("/orders")
        await expect(visitor.page.locator(".empty")).to_be_visible()
        wider = {}
        for given in range(320, 1400, 20):
            await visitor.page.set_viewport_size({"width": given, "height": 740})
            if (found := await width(visitor)) > given:
                wider[given] = found
        assert wider == {}
