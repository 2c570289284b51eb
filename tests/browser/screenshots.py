"""`make screenshots`: every page of the shop front, as a reader sees it, into docs/screenshots."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, expect

from browser.chromium import MISSING, chromium
from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile
from support.served import serving

PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory) / "shop", "--demo") as served:
        shop = DemoShop(served)
        async with chromium() as browser:
            if browser is None:
                raise SystemExit(MISSING)
            await desk(browser, shop)
            await phone(browser, shop)


async def desk(browser: Browser, shop: DemoShop) -> None:
    """A purchase in English, in light colours."""
    async with profile(browser, shop) as reader:
        await reader.open("/login")
        await expect(reader.part("login-form")).to_be_visible()
        await picture(reader, "login")
        await reader.sign_in()
        await reader.fill_cart(3)
        await picture(reader, "books")
        await reader.part("book-card").nth(1).locator("h2 a").click()
        await expect(reader.part("product")).to_be_visible()
        await picture(reader, "product")
        await reader.check_out()
        await picture(reader, "order")
        await reader.open("/cart")
        await expect(reader.part("cart-row")).to_have_count(3)
        await picture(reader, "cart")
        await reader.check_out()
        await reader.part("confirm").click()
        await reader.succeeded()
        await reader.page.wait_for_timeout(1000)
        await picture(reader, "result")
        await reader.part("see-through").locator("summary").first.click()
        await reader.part("see-through").scroll_into_view_if_needed()
        await picture(reader, "see-through")
        await others(reader)
    async with profile(browser, shop, bells=0, vouchers=()) as reader:
        await topping_up(reader)


async def topping_up(reader: Visitor) -> None:
    """An order that lacks bells, and the way to them."""
    await reader.to_the_order(2)
    await reader.part("topup-missing").click()
    await expect(reader.part("topup-begin")).to_be_enabled()
    await picture(reader, "topup")
    await reader.part("topup-begin").click()
    await expect(reader.page.locator("#state")).to_be_visible()
    await reader.page.locator('button[value="pay"]').click()
    await expect(reader.part("topup-status")).to_have_attribute("data-status", "paid")
    await picture(reader, "topup-paid")


async def others(reader: Visitor) -> None:
    await reader.open("/lab")
    await reader.page.get_by_label("JSON").fill('{"productIds": []}')
    await picture(reader, "lab")
    for path, part in (("library", "entitlement"), ("orders", "order-row"), ("wallet", "wallet-entry")):
        await reader.open(f"/{path}")
        await expect(reader.part(part).first).to_be_visible()
        await picture(reader, path)
    await reader.open("/orders")
    await reader.part("order-row").first.locator("a").click()
    await reader.part("refund-ask").click()
    await expect(reader.part("refund-confirm")).to_be_visible()
    await picture(reader, "refund")
    await reader.open("/library")
    await reader.part("entitlement").first.locator("a").first.click()
    await reader.open_unopened()
    await picture(reader, "reader")


async def phone(browser: Browser, shop: DemoShop) -> None:
    """The same in Chinese, in dark colours, on a small screen."""
    async with profile(browser, shop, locale="zh-CN") as reader:
        await reader.page.emulate_media(color_scheme="dark")
        await reader.page.set_viewport_size({"width": 390, "height": 844})
        await reader.sign_in()
        await reader.fill_cart(2)
        await picture(reader, "phone-books")
        await reader.check_out()
        await picture(reader, "phone-order")


async def picture(reader: Visitor, name: str) -> None:
    await reader.page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=80)


if __name__ == "__main__":
    asyncio.run(main())
