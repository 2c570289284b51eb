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
    visitor.shop.credit(visitor.cust_id, 1000)
    await visitor.to_the_order(1)
    tab = await visitor.another_tab()
    await tab.open("/wallet")
    while visitor.shop.balance(visitor.cust_id) >= amount(await visitor.part("order-total").inner_text()):
        await tab.buy(f"book-{50 + len(visitor.shop.paid_orders(visitor.cust_id))}")
    await visitor.part("confirm").click()
    await expect(visitor.part("result-failure")).to_be_visible()
    await expect(visitor.part("confirm")).to_be_disabled()
    await expect(visitor.part("topup-missing")).to_have_class(re.compile("main"))
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
    await expect(visitor.page.get_by_text("Refunded: CN¥30.00")).to_be_visible()
    await visitor.open("/wallet")
    await expect(visitor.part("wallet-debt")).to_contain_text(str(spent))
    await expect(visitor.part("topup-row")).to_contain_text("went back")


async def test_too_few_bells_lead_to_the_top_up_and_pay_nothing_until_they_come(visitor: Visitor) -> None:
    """Nothing can be paid that is known to fail; once the bells are there, a look at the page is enough."""
    await visitor.to_the_order(1)
    await expect(visitor.part("order-short")).to_have_text("Your balance is too small.")
    await expect(visitor.page.locator(".confirm-bar [data-test=topup-missing].main")).to_be_visible()
    await expect(visitor.part("confirm")).to_be_disabled()
    visitor.shop.credit(visitor.cust_id, 1000)
    await visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(visitor.part("topup-missing")).to_have_count(0)
    await visitor.page.locator(".confirm-bar [data-test=confirm].main").click()
    await visitor.succeeded()


async def test_there_is_something_to_play_only_while_money_is_held(visitor: Visitor) -> None:
    await visitor.sign_in()
    topup_id = await begin(visitor)
    link = visitor.page.locator('a[href^="/sandbox/"].small-print, .small-print a[href^="/sandbox/"]')
    for outcome, status, count in (
        (None, "pending", 0),
        ("pay", "paid", 1),
        ("refund:300", "partly_refunded", 1),
        ("dispute", "disputed", 1),
        ("dispute_lost", "lost", 0),
    ):
        if outcome is not None:
            await visitor.open(f"/sandbox/{topup_id}")
            await play(visitor, outcome)
        await visitor.open(f"/topup/{topup_id}")
        await stands(visitor, status)
        await expect(link).to_have_count(count)
    await expect(visitor.part("topup-lost")).to_contain_text("3.00")
    await expect(visitor.part("topup-refunded")).to_contain_text("3.00")
    await visitor.open("/wallet")
    await expect(visitor.part("topup-row")).to_contain_text("CN¥6.00 went back")


@pytest.mark.parametrize(("locale", "lang"), [("en", "en"), ("zh-CN", "zh")])
async def test_the_sandbox_writes_money_as_the_shop_does(
    browser: Browser, demo: DemoShop, locale: str, lang: str
) -> None:
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        await reader.sign_in()
        topup_id = await begin(reader, "sack")
        price = await reader.page.locator(".sandbox-price").inner_text()
        await reader.open(f"/topup/{topup_id}")
        await expect(reader.part("topup-price").locator("dd")).to_have_text(price)
        assert price == {"en": "CN¥30.00", "zh": "¥30.00"}[lang]


async def faults(reader: Visitor) -> list[str]:
    """What axe finds on the page, and whether it is wider than a phone."""
    answer = await Axe().run(reader.page)
    wrong = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in answer.response["violations"]]
    wider = await reader.page.evaluate("document.documentElement.scrollWidth") > 360
    return [*wrong, "wider than the screen"] if wider else wrong


async def in_debt(reader: Visitor) -> int:
    """A top-up whose money goes back after some of its bells were spent; answers how many are owed."""
    await reader.sign_in()
    topup_id = await begin(reader, "sack")
    await play(reader, "pay")
    await stands(reader, "paid")
    await reader.buy("book-1", "book-2", "book-3")
    await reader.open(f"/sandbox/{topup_id}")
    await play(reader, "refund:")
    [spent] = reader.shop.paid_orders(reader.cust_id)
    return spent


WORDS = {
    "en": {
        "back": ["The money went back.", "{taken} bells were taken back.", "{owed} bells had been spent already"],
        "code": "100 bells were credited; all of them paid what you owed.",
        "paid": ["Paid", "600 bells were credited; all of them paid what you owed."],
        "entry": "600 bells came in; all of them paid the debt",
        "owed": "{owed} bells were spent already: now owed",
        "short": "You owe {left} bells",
        "owes": "You owe {left} bells",
        "partly": "3,300 bells were credited; {left} of them paid what you owed.",
    },
    "zh-CN": {
        "back": ["款项已退回。", "已撤回 {taken} 铃铛。", "{owed} 铃铛此前已经花掉，记为欠款。"],
        "code": "100 铃铛已入账，全部用于偿还欠款。",
        "paid": ["已付款", "600 铃铛已入账，全部用于偿还欠款。"],
        "entry": "入账 600 铃铛，全部用于偿还欠款",
        "owed": "{owed} 铃铛已经花掉，记为欠款",
        "short": "尚欠 {left} 铃铛",
        "owes": "您尚欠 {left} 铃铛",
        "partly": "3,300 铃铛已入账，其中 {left} 用于偿还欠款。",
    },
}


@pytest.mark.parametrize("locale", WORDS)
async def test_a_wallet_in_debt_is_told_what_its_bells_paid(browser: Browser, demo: DemoShop, locale: str) -> None:
    """A code and a top-up that pay the debt alone, an order that names it, and a top-up that leaves something."""
    words = WORDS[locale]
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        await reader.page.set_viewport_size({"width": 360, "height": 740})
        owed = await in_debt(reader)
        assert owed > 800, "the code and the pouch pay a part of it"
        left = owed
        figures = {"owed": f"{owed:,}", "taken": f"{3300 - owed:,}"}
        await reader.open(f"/topup/{reader.page.url.rpartition('/')[2]}")
        for line in words["back"]:
            await expect(reader.part("topup-status")).to_contain_text(line.format(**figures))
        assert await faults(reader) == []

        await reader.open("/wallet")
        await expect(reader.part("entry-debt")).to_have_text(words["owed"].format(**figures))
        await reader.page.locator("#gift-code").fill(demo.gift_code(100))
        await reader.part("redeem").get_by_role("button").click()
        await expect(reader.part("gift-code-told")).to_have_text(words["code"])
        left -= 100
        await expect(reader.part("wallet-debt")).to_contain_text(f"{left:,}")
        assert await faults(reader) == []

        await begin(reader)
        await play(reader, "pay")
        await stands(reader, "paid")
        for line in words["paid"]:
            await expect(reader.part("topup-status")).to_contain_text(line)
        left -= 600
        await reader.open("/wallet")
        await expect(reader.part("entry-debt").first).to_have_text(words["entry"])

        await reader.fill_cart(1)
        await reader.check_out()
        await expect(reader.part("order-owed")).to_contain_text(f"{left:,}")
        await expect(reader.part("order-short")).to_contain_text(words["short"].format(left=f"{left:,}"))
        assert await faults(reader) == []
        total = amount(await reader.part("order-total").inner_text())
        await reader.part("topup-missing").click()
        await expect(reader.page.locator("#amount")).to_have_value(str(left + total))
        await expect(reader.part("topup-owed")).to_contain_text(words["owes"].format(left=f"{left:,}"))
        assert await faults(reader) == []
        await choose(reader, "sack")
        await reader.part("topup-begin").click()
        await reader.page.wait_for_url(re.compile("/sandbox/"))
        await play(reader, "pay")
        await stands(reader, "paid")
        await expect(reader.part("topup-status")).to_contain_text(words["partly"].format(left=f"{left:,}"))
        assert demo.balance(reader.cust_id) == 3300 - left
        await reader.open("/wallet")
        await expect(reader.part("entry-debt").first).to_contain_text(f"{left:,}")
        assert reader.errors == []


@pytest.mark.parametrize(("locale", "some", "none"), [("en", "6.00 of CN¥10.00", "used up"), ("zh-CN", "6.00", "用完")])
async def test_what_is_left_of_the_day_s_limit_is_said(
    browser: Browser, demo: DemoShop, locale: str, some: str, none: str
) -> None:
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        demo.ask("POST", "/v1/admin/customers", custId=reader.cust_id, groups=["minors"])
        await reader.sign_in()
        for bells, left in ((400, some), (600, none)):
            await reader.open("/topup")
            await choose(reader, "exact")
            await reader.page.locator("#amount").fill(str(bells))
            await reader.part("topup-begin").click()
            await reader.page.wait_for_url(re.compile("/sandbox/"))
            await play(reader, "pay")
            await reader.open("/topup")
            await choose(reader, "sack")
            await reader.part("topup-begin").click()
            await expect(reader.part("topup-left")).to_contain_text(left)


@pytest.mark.parametrize(
    ("locale", "before", "told"),
    [
        ("en", "You owe {owed} bells", "{owed} bells came back; all of them paid what you owed."),
        ("zh-CN", "尚欠 {owed} 铃铛，", "已返还 {owed} 铃铛，全部用于偿还欠款。"),
    ],
)
async def test_a_refund_into_a_debt_pays_it(
    browser: Browser, demo: DemoShop, locale: str, before: str, told: str
) -> None:
    async with profile(browser, demo, locale=locale, bells=0, vouchers=()) as reader:
        owed = await in_debt(reader)
        await reader.open("/orders")
        await reader.part("order-row").first.locator("a").click()
        await reader.part("refund-ask").click()
        await expect(reader.part("refund-facts")).to_contain_text(before.format(owed=f"{owed:,}"))
        await reader.part("refund-confirm").click()
        await expect(reader.part("refund-result")).to_contain_text(told.format(owed=f"{owed:,}"))
        assert demo.balance(reader.cust_id) == 0
        assert reader.errors == []


async def test_money_without_bells_takes_none_back(visitor: Visitor) -> None:
    """It was in review when it went back: no bells were there to take."""
    await visitor.sign_in()
    topup_id = await begin(visitor)
    await play(visitor, "wrong_amount")
    await stands(visitor, "review")
    await visitor.open(f"/sandbox/{topup_id}")
    await play(visitor, "refund:")
    await visitor.open(f"/topup/{topup_id}")
    await stands(visitor, "refunded")
    await expect(visitor.part("topup-status")).to_contain_text("No bells had been credited for it.")
    await expect(visitor.part("topup-status")).not_to_contain_text("taken back")


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
    await expect(visitor.page.get_by_text("Scan this code with WeChat.")).to_be_visible()
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
            found[name] = await faults(reader)

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
        assert {name: wrong for name, wrong in found.items() if wrong} == {}
