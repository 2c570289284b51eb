"""Somebody in front of the shop: what a reader does, in a real browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Locator, Page, Request, expect

from browser.demo_shop import PASSWORD, DemoShop
from support.shop import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)


BUY = """async ([productIds, voucherIds]) => {
  const { Lingdang } = await import("/sdk/index.js");
  const shop = new Lingdang({ baseUrl: location.origin });
  await shop.restore();
  const { orderId } = await shop.checkout(productIds, voucherIds ? { voucherIds } : {});
  await shop.pay(orderId);
  return orderId;
}"""


class Visitor:
    """One customer in one browser profile."""

    def __init__(self, shop: DemoShop, context: BrowserContext, page: Page, cust_id: str) -> None:
        self.shop = shop
        self.context = context
        self.page = page
        self.cust_id = cust_id
        self.token = ""
        self.requests: list[Request] = []
        self.errors: list[str] = []
        self._listen(page)

    def _listen(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if _is_ours(message) else None)

    async def another_tab(self) -> "Visitor":
        page = await self.context.new_page()
        return Visitor(self.shop, self.context, page, self.cust_id)

    def part(self, name: str) -> Locator:
        return self.page.locator(f'[data-test="{name}"]')

    async def open(self, path: str) -> None:
        await self.page.goto(self.shop.url + path)

    async def sign_in(self, sign_type: str = "ES256") -> None:
        """From the login page, wherever that leads."""
        if "/login" not in self.page.url:
            await self.open("/login")
        form = self.part("login-form")
        await form.locator("input:not([type=password]):not([type=radio])").first.fill(self.cust_id)
        await form.locator("input[type=password]").fill(PASSWORD)
        await choose(self.part("sign-type"), sign_type)
        async with self.page.expect_response(lambda r: r.url.endswith("/v1/sessions")) as opened:
            await form.locator("button[type=submit]").click()
        answer = await opened.value
        assert answer.status == 201, await answer.text()
        self.token = (await answer.json())["sessionToken"]
        await expect(form).to_have_count(0)

    async def fill_cart(self, count: int = 3) -> None:
        await self.open("/")
        buttons = self.part("add-to-cart")
        await expect(buttons.nth(count)).to_be_visible()
        for place in range(count):
            async with self.page.expect_response(re.compile("/v1/cart/items/")) as ticked:
                await buttons.nth(place).click()
            assert (await ticked.value).status == 200

    async def buy(self, *product_ids: str, vouchers: bool = False) -> str:
        """The id of an order that was paid for just now, as another page of the same browser would."""
        order_id: str = await self.page.evaluate(BUY, [product_ids, None if vouchers else []])
        return order_id

    async def open_unopened(self) -> None:
        """Open the book before whose first opening the page asks."""
        await self.part("open-book").click()
        await expect(self.part("reader-text")).not_to_be_empty()

    async def check_out(self) -> None:
        await self.open("/cart")
        await self.part("checkout").click()
        await expect(self.part("confirm")).to_be_visible()

    async def to_the_order(self, count: int = 3, sign_type: str = "ES256") -> None:
        await self.sign_in(sign_type)
        await self.fill_cart(count)
        await self.check_out()

    @property
    def order_id(self) -> str:
        return urlsplit(self.page.url).path.rpartition("/")[2]

    def payments_sent(self) -> int:
        return sum(request.method == "POST" and request.url.endswith("/v1/payments") for request in self.requests)

    async def succeeded(self) -> None:
        await expect(self.part("result-success")).to_be_visible()


@asynccontextmanager
async def profile(browser: Browser, shop: DemoShop, *, locale: str = "en", **customer: Any) -> AsyncIterator[Visitor]:
    """A new customer in a new browser profile."""
    context = await browser.new_context(
        ignore_https_errors=True, locale=locale, viewport={"width": 1200, "height": 900}
    )
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield Visitor(shop, context, await context.new_page(), shop.customer(**customer))
    finally:
        await context.close()


def _is_ours(message: Any) -> bool:
    """Errors of the page itself; that an answer was a refusal is told by Chromium as well, and is no error."""
    return message.type == "error" and "Failed to load resource" not in message.text


async def choose(control: Locator, value: str) -> None:
    """Choose in a select or among radio buttons."""
    if await control.evaluate("element => element.tagName") == "SELECT":
        await control.select_option(value)
    else:
        await control.locator(f'input[value="{value}"]').check()


def amount(text: str) -> int:
    """The first number of a text, as the page shows it."""
    found = re.search(r"\d[\d,\s\u00a0\u202f]*", text)
    assert found, text
    return int(re.sub(r"\D", "", found[0]))


TICK = """async ([productIds, token, custId]) => {
  const headers = {Authorization: "Bearer " + token, "X-Cust-Id": custId, "Content-Type": "application/json"};
  for (const id of productIds) {
    const answer = await fetch("/v1/cart/items/" + id, {method: "PUT", headers, body: JSON.stringify({ticked: true})});
    if (!answer.ok) throw new Error(await answer.text());
  }
}"""


async def tick(visitor: Visitor, *product_ids: str) -> None:
    """Past the page, which ticks one at a time."""
    await visitor.page.evaluate(TICK, [product_ids, visitor.token, visitor.cust_id])
