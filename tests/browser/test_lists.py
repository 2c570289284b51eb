"""A list whose pages are short or empty is read to its end."""

import json

import pytest
from playwright.async_api import Route, expect

from browser.visitor import Visitor

LISTS = {
    "/orders": ("orders", "order-row"),
    "/library": ("entitlements", "entitlement"),
    "/wallet": ("wallet/entries", "wallet-entry"),
}


@pytest.mark.parametrize("path", LISTS)
async def test_an_empty_page_with_a_cursor_is_not_the_end(visitor: Visitor, path: str) -> None:
    name, part = LISTS[path]
    await visitor.to_the_order(1)
    await visitor.part("confirm").click()
    await visitor.succeeded()

    async def delay(route: Route) -> None:
        """Three empty pages before the first."""
        passed = [f"cursor=empty-{number}" in route.request.url for number in (1, 2, 3)]
        if passed[2]:
            await route.continue_(url=route.request.url.replace("cursor=empty-3", ""))
            return
        step = passed.index(True) + 2 if any(passed) else 1
        await route.fulfill(
            body=json.dumps({"items": [], "nextCursor": f"empty-{step}"}), content_type="application/json"
        )

    await visitor.page.route(f"**/v1/{name}?*", delay)
    await visitor.open(path)
    await expect(visitor.part(part).first).to_be_visible()
    await expect(visitor.page.locator(".empty")).to_have_count(0)
