"""Bells for money, as a reader buys them: from an order that lacks some and back to it; what becomes of a top-up."""

import io
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import zxingcpp
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Route, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, amount, profile


@pytest.fixture
async def visitor(browser: Browser, demo: DemoShop) -> AsyncIterator[Visitor]:
    """A customer without bells and vouchers."""
    async with profile(browser, demo, bells=0, vouchers=()) as made:
        yield made
        assert made.errors == []


async def choose(visitor: Visitor, package_id: str) -> None:
    await visitor.page.locator(f'[data-package-id="{package_id}"] input[type=radio]').check()


async def begin(visitor: Visitor, package_id: str = "pouch") -> str:
    """From the top-up page to the sandbox's; answers the top-up's id."""
    await visitor.open("/topup")
    await choose(visitor, package_id)
    await visitor.part("topup-begin").click()
    await visitor.page.wait_for_url(re.compile("/sandbox/"))
    return visitor.page.url.rpartition("/")[2]


async def play(visitor: Visitor, outcome: str) -> None:
    await visitor.page.locator(f'button[value^="{outcome}"]').first.click()


async def stands(visitor: Visitor, status: str) -> None:
    await expect(visitor.part("topup-status")).to_have_attribute("data-status", status)


async def test_a_reader_without_bells_buys_a_book(visitor: Visitor) -> None:
    """From the order to exactly what is missing, to the sandbox, back, and the same offer is paid."""
    await visitor.to_the_order(1)
    order_id, total = visitor.order_id, amount(await visitor.part("order-total").inner_text())
    await visitor.part("topup-missing").click()
    await expect(visitor.page.locator("#amount")).to_have_value(str(total))
    await visitor.part("topup-begin").click()
    await visitor.page.wait_for_url(re.compile("/sandbox/"))
    await play(visitor, "pay")
    await stands(visitor, "paid")
    await visitor.part("to-order").click()
    await expect(visitor.part("confirm")).to_be_enabled()
    assert visitor.order_id == order_id
    await visitor.part("confirm").click()
    await visitor.succeeded()
    assert visitor.order_id == order_id
    assert visitor.shop.paid_orders(visitor.cust_id) == [total]
    assert visitor.shop.balance(visitor.cust_id) == 0


async def test_a_refused_payment_leads_to_the_top_up(visitor: Visitor) -> None:
    """The bells are gone between the look into the wallet and the payment."""
    await visitor.to_the_order(1)
    await visitor.part("confirm").click()
    await expect(visitor.part("result-failure")).to_be_visible()
    await visitor.part("result-failure").get_by_role("link", name="Top up").click()
    await expect(visitor.part("topup-begin")).to_be_enabled()
    assert f"order={visitor.page.url.rpartition('=')[2]}" in visitor.page.url


async def test_the_page_follows_a_payment_that_is_told_late(visitor: Visitor) -> None:
    await visitor.sign_in()
    await begin(visitor, "sack")
    await play(visitor, "late")
    await stands(visitor, "pending")
    await stands(visitor, "paid")
    assert visitor.shop.balance(visitor.cust_id) == 3300


BUSY = {"code": "rate_limited", "title": "Too many requests", "status": 429, "retryAfter": 4}
AWAY = {"status": 503, "content_type": "text/html", "body": "<h1>Away</h1>", "headers": {"Retry-After": "4"}}


@pytest.mark.parametrize("answer", [{"status": 429, "json": BUSY}, AWAY], ids=["busy", "away"])
async def test_the_page_does_not_ask_before_it_is_told_to(visitor: Visitor, answer: dict[str, Any]) -> None:
    """Not even when the reader looks away and back; afterwards it follows again."""
    await visitor.sign_in()
    topup_id = await begin(visitor)
    asked: list[float] = []

    async def refuse(route: Route) -> None:
        asked.append(time.monotonic())
        await (route.fulfill(**answer) if len(asked) == 1 else route.continue_())

    await visitor.page.route(f"**/v1/topups/{topup_id}", refuse)
    await visitor.open(f"/topup/{topup_id}")
    await expect(visitor.page.locator("[data-code]")).to_be_visible()
    await visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await stands(visitor, "pending")
    await expect(visitor.page.locator("[data-code]")).to_have_count(0)
    assert asked[1] - asked[0] >= 3.9


@pytest.mark.parametrize(("outcome", "status"), [("fail", "failed"), ("wrong_amount", "review")])
async def test_what_was_not_paid_as_agreed_is_said(visitor: Visitor, outcome: str, status: str) -> None:
    await visitor.sign_in()
    await begin(visitor)
    await play(visitor, outcome)
    await stands(visitor, status)
    await expect(visitor.part("support-reference")).to_have_count(1 if status == "review" else 0)
    assert visitor.shop.balance(visitor.cust_id) == 0


async def test_refunds_and_disputes_are_told_in_the_wallet(visitor: Visitor) -> None:
    await visitor.sign_in()
    await begin(visitor)
    await play(visitor, "pay")
    await stands(visitor, "paid")
    await visitor.page.get_by_role("link", name="sandbox").click()
    await play(visitor, "dispute")
    await expect(visitor.page.locator('button[value="dispute_won"]')).to_be_visible()
    await visitor.open("/wallet")
    await expect(visitor.part("topup-row")).to_have_attribute("data-status", "disputed")
    await expect(visitor.part("wallet-frozen")).to_contain_text("600")
    await visitor.part("topup-row").get_by_role("link").click()
    await stands(visitor, "disputed")
    await visitor.page.get_by_role("link", name="sandbox").click()
    await play(visitor, "dispute_lost")
    await visitor.open("/wallet")
    await expect(visitor.part("topup-row")).to_have_attribute("data-status", "lost")
    assert visitor.shop.balance(visitor.cust_id) == 0


async def test_money_back_for_spent_bells_is_a_debt_that_is_shown(visitor: Visitor) -> None:
    await visitor.sign_in()
    await begin(visitor, "sack")
    await play(visitor, "pay")
    await stands(visitor, "paid")
    await visitor.buy("book-1")
    [spent] = visitor.shop.paid_orders(visitor.cust_id)
    await visitor.page.get_by_role("link", name="sandbox").click()
    await play(visitor, "refund")
    await expect(visitor.page.get_by_text("Refunded: 30.00 CNY")).to_be_visible()
    await visitor.open("/wallet")
    await expect(visitor.part("wallet-debt")).to_contain_text(str(spent))
    await expect(visitor.part("topup-row")).to_contain_text("went back")


async def test_a_free_amount_has_its_bounds(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.open("/topup")
    await choose(visitor, "exact")
    for typed in ("0", "12.5", "-3", "100001", "many"):
        await visitor.page.locator("#amount").fill(typed)
        await expect(visitor.part("topup-begin")).to_be_disabled()
    await visitor.page.locator("#amount").fill("290")
    await expect(visitor.part("topup-begin")).to_contain_text("2.90")


async def test_a_lost_answer_begins_one_top_up(visitor: Visitor) -> None:
    """The answer to the beginning is lost; the reader tries again."""
    await visitor.sign_in()
    await visitor.open("/topup")
    await choose(visitor, "pouch")
    turns = iter([True])

    async def lose(route: Route) -> None:
        if route.request.method == "POST" and next(turns, False):
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await visitor.page.route("**/v1/topups", lose)
    await visitor.part("topup-begin").click()
    await expect(visitor.page.locator('[data-code="connection_lost"]')).to_be_visible()
    await visitor.part("topup-begin").click()
    await visitor.page.wait_for_url(re.compile("/sandbox/"))
    await visitor.open("/wallet")
    await expect(visitor.part("topup-row")).to_have_count(1)


@pytest.fixture
def saucer(demo: DemoShop) -> Iterator[dict[str, Any]]:
    """A package that is sold for the time of a test."""
    package = {"name": "A saucer", "paid": 50, "price": {"amount": 50, "currency": "CNY"}}
    demo.put_package("saucer", **package)
    yield package
    demo.put_package("saucer", **package, active=False)


@pytest.mark.parametrize("changed", [{"price": {"amount": 70, "currency": "CNY"}}, {"paid": 40}])
@pytest.mark.parametrize(("locale", "says"), [("en", "have changed"), ("zh-CN", "有变动")])
async def test_what_changed_after_it_was_shown_is_confirmed_anew(
    browser: Browser, demo: DemoShop, saucer: dict[str, Any], changed: dict[str, Any], locale: str, says: str
) -> None:
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        await reader.sign_in()
        await reader.open("/topup")
        await choose(reader, "saucer")
        await expect(reader.part("topup-begin")).to_contain_text("0.50")
        demo.put_package("saucer", **saucer | changed)
        await reader.part("topup-begin").click()
        notice = reader.page.locator('[data-code="terms_changed"]')
        await expect(notice).to_contain_text(says)
        now = (saucer | changed)["price"]["amount"]
        await expect(reader.part("topup-now")).to_contain_text(re.compile(rf"{(saucer | changed)['paid']}.*0\.{now}"))
        await expect(reader.part("topup-begin")).to_contain_text(f"0.{now}")
        await reader.open("/wallet")
        await expect(reader.part("topup-row")).to_have_count(0)
        await reader.open("/topup")
        await choose(reader, "saucer")
        await reader.part("topup-begin").click()
        await reader.page.wait_for_url(re.compile("/sandbox/"))
        await play(reader, "pay")
        await stands(reader, "paid")
        assert demo.balance(reader.cust_id) == (saucer | changed)["paid"]
        assert reader.errors == []


async def test_a_gift_code_is_redeemed(visitor: Visitor) -> None:
    code = visitor.shop.gift_code(250)
    await visitor.sign_in()
    await visitor.open("/wallet")
    await expect(visitor.part("redeem")).to_be_visible()
    await visitor.page.locator("#gift-code").fill("7K3M-9Q2X")
    await visitor.part("redeem").get_by_role("button").click()
    await expect(visitor.part("gift-code-told")).not_to_be_empty()
    assert visitor.shop.balance(visitor.cust_id) == 0
    await visitor.page.locator("#gift-code").fill(code)
    await visitor.part("redeem").get_by_role("button").click()
    await expect(visitor.part("gift-code-told")).to_contain_text("250")
    await expect(visitor.part("wallet-balance").first).to_contain_text("250")


SCANNED: dict[str, Any] = {"kind": "qr", "url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"}


async def test_a_code_can_be_scanned(visitor: Visitor) -> None:
    """What a provider answers that is paid by scanning: the code on the page says its address, whole."""
    await visitor.sign_in()
    topup_id = await begin(visitor)

    async def scanned(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**(await answer.json()), "action": SCANNED})

    await visitor.page.route(f"**/v1/topups/{topup_id}", scanned)
    await visitor.open(f"/topup/{topup_id}")
    await expect(visitor.part("qr")).to_be_visible()
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(await visitor.part("qr").screenshot())))
    assert found.text == SCANNED["url"]


@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("zh-CN", "dark")])
async def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    browser: Browser, demo: DemoShop, locale: str, scheme: str
) -> None:
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        await reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        await reader.page.set_viewport_size({"width": 360, "height": 740})
        found: dict[str, list[str]] = {}

        async def look(name: str) -> None:
            answer = await Axe().run(reader.page)
            wrong = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in answer.response["violations"]]
            if await reader.page.evaluate("document.documentElement.scrollWidth") > 360:
                wrong.append("wider than the screen")
            if wrong:
                found[name] = wrong

        await reader.to_the_order(1)
        await look("order")
        await reader.part("topup-missing").click()
        await expect(reader.part("topup-begin")).to_be_enabled()
        await look("choosing")
        await reader.part("topup-begin").click()
        await reader.page.wait_for_url(re.compile("/sandbox/"))
        await look("sandbox")
        topup_id = reader.page.url.rpartition("/")[2]
        await reader.open(f"/topup/{topup_id}")
        await stands(reader, "pending")
        await look("pending")
        await reader.open(f"/sandbox/{topup_id}")
        await play(reader, "pay")
        await stands(reader, "paid")
        await look("paid")
        await reader.open("/wallet")
        await expect(reader.part("topup-row")).to_be_visible()
        await look("wallet")
        assert found == {}
