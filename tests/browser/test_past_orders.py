"""What was bought before the platform moved here stands below the shop's own orders, under a heading of its own."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from browser.visitor import Visitor
from support.moving import order

SAID = {"zh-CN": ("以前的订单", "¥6.00"), "en-GB": ("Orders from before", "CN¥6.00")}


@pytest.mark.parametrize(("visitor", "lang"), [({"locale": lang}, lang) for lang in SAID], indirect=["visitor"])
async def test_past_orders_are_shown(visitor: Visitor, lang: str, tmp_path: Path) -> None:
    await visitor.sign_in()
    await visitor.open("/orders")
    await expect(visitor.page.locator(".empty")).to_be_visible()
    await expect(visitor.part("past-orders")).to_have_count(0)
    titles = [{"title": f"Volume {number} <i>of four</i>", "price": 150} for number in range(1, 5)]
    cust_id = visitor.cust_id
    old = order(cust_id, "o-1", 600, currency="CNY", lines=titles, status="partly_refunded", paidAt="2019-05-01")
    visitor.shop.move_in(tmp_path, [order(cust_id, "o-2"), old])
    await visitor.open("/orders")
    heading, money = SAID[lang]
    await expect(visitor.page.locator("h2")).to_have_text(heading)
    rows = visitor.part("past-order")
    await expect(rows).to_have_count(2)
    await expect(visitor.page.locator(".empty")).to_have_count(0)
    await expect(rows.nth(1)).to_contain_text(money)
    await expect(rows.nth(1).locator("li").nth(3)).to_be_hidden()
    await rows.nth(1).locator("summary").click()
    await expect(rows.nth(1).locator("li").nth(3)).to_contain_text("Volume 4 <i>of four</i>")
    await expect(visitor.part("order-row")).to_have_count(0)
