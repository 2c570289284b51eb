"""A browser that keeps nothing for the shop: blocked, full, broken. The shop works in memory, and says so."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from browser.chromium import launching
from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile

DENIED = "throw new DOMException('denied', 'SecurityError');"
REFUSALS = {
    "access-throws": f"""for (const name of ["indexedDB", "localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {{ get() {{ {DENIED} }} }});
        Object.defineProperty(Navigator.prototype, "locks", {{ get() {{ {DENIED} }} }});""",
    "opening-throws": f"IDBFactory.prototype.open = () => {{ {DENIED} }};",
    "opening-fails": """IDBFactory.prototype.open = () => {
        const request = { error: new DOMException("denied", "UnknownError") };
        setTimeout(() => request.onerror?.(), 0);
        return request;
    };""",
    "opening-hangs": "IDBFactory.prototype.open = () => ({});",
    "no-database": "Object.defineProperty(window, 'indexedDB', { value: undefined });",
    "disk-full": """IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };""",
    "locks-refused": """LockManager.prototype.request = async () => {
        throw new DOMException("denied", "SecurityError");
    };""",
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_a_purchase_without_storage(visitor: Visitor, refusal: str) -> None:
    await visitor.context.add_init_script(refusal)
    await visitor.sign_in()
    await buy(visitor)
    told = visitor.part("not-kept")
    if refusal == REFUSALS["locks-refused"]:
        await expect(told).to_have_count(0)
    else:
        await expect(told).to_be_visible()


async def test_the_sentence_is_chinese_for_a_chinese_reader(browser: Browser, demo: DemoShop) -> None:
    async with profile(browser, demo, locale="zh-CN") as visitor:
        await visitor.context.add_init_script(REFUSALS["access-throws"])
        await visitor.open("/")
        await expect(visitor.part("not-kept")).to_contain_text("不让书店保存数据")
        assert visitor.errors == []


async def test_a_chromium_that_blocks_site_data(demo: DemoShop, tmp_path: Path) -> None:
    """The browser's own setting, not an imitation of it."""
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked), encoding="utf-8")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, ignore_https_errors=True, locale="en", **launching()
        )
        visitor = Visitor(demo, context, await context.new_page(), demo.customer())
        await visitor.sign_in()
        await expect(visitor.part("not-kept")).to_be_visible()
        await buy(visitor)
        assert visitor.errors == []
        await context.close()


async def buy(visitor: Visitor) -> None:
    """Without loading a document anew: what is kept in memory goes with it."""
    await visitor.page.locator(".places a").first.click()
    async with visitor.page.expect_response("**/v1/cart/items/*"):
        await visitor.part("add-to-cart").first.click()
    await visitor.page.locator(".places a").nth(1).click()
    await visitor.part("checkout").click()
    await visitor.part("confirm").click()
    await visitor.succeeded()
    assert len(visitor.shop.paid_orders(visitor.cust_id)) == 1
