"""Every page: nothing that axe-core objects to, usable by keyboard, light in weight, and safe from markup in titles."""

import hashlib
import json

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from browser.demo_shop import DemoShop
from browser.visitor import Visitor, profile

FIRST_VIEW_BYTES = 100_000

PAGES = {
    "browse": ("/", "book-card"),
    "product": ("/products/book-1", "product"),
    "bought-product": ("/products/{book}", "product-owned"),
    "unknown-product": ("/products/no-such-book", "product-unknown"),
    "cart": ("/cart", "cart-row"),
    "library": ("/library", "entitlement"),
    "unopened": ("/read/{book}", "unopened"),
    "orders": ("/orders", "order-row"),
    "one-order": ("/orders/{order}", "refund-ask"),
    "wallet": ("/wallet", "wallet-entry"),
    "lab": ("/lab", None),
    "nowhere": ("/no/such/page", "nowhere"),
}


async def violations(visitor: Visitor) -> list[str]:
    found = await Axe().run(visitor.page)
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(
    ("visitor", "scheme"),
    [({"locale": "en"}, "light"), ({"locale": "zh-CN"}, "dark")],
    indirect=["visitor"],
    ids=["en-light", "zh-dark"],
)
async def test_axe_finds_nothing_on_any_page(visitor: Visitor, scheme: str) -> None:
    await visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    found = {}
    await visitor.open("/login")
    await expect(visitor.part("login-form")).to_be_visible()
    found["login"] = await violations(visitor)
    await visitor.to_the_order(2)
    order_id = visitor.order_id
    found["order"] = await violations(visitor)
    await visitor.part("confirm").click()
    await visitor.succeeded()
    found["result"] = await violations(visitor)
    await visitor.fill_cart(4)
    owned = visitor.shop.books_of(visitor.cust_id)[0]
    for name, (path, part) in PAGES.items():
        await visitor.open(path.format(book=owned, order=order_id))
        await expect(visitor.page.locator("h1")).to_be_visible()
        if part is not None:
            await expect(visitor.part(part).first).to_be_visible()
        found[name] = await violations(visitor)
    await visitor.open(f"/read/{owned}")
    await visitor.open_unopened()
    found["reader"] = await violations(visitor)
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("size", [(390, 844), (768, 1024), (1400, 900)], ids=["phone", "tablet", "desk"])
async def test_nothing_is_wider_than_the_screen(visitor: Visitor, size: tuple[int, int]) -> None:
    await visitor.page.set_viewport_size({"width": size[0], "height": size[1]})
    wide = []
    await visitor.to_the_order(2)
    for path in (
        "/",
        "/no/such/page",
        "/products/book-1",
        "/cart",
        f"/order/{visitor.order_id}",
        "/wallet",
        "/lab",
        "/login",
    ):
        await visitor.open(path)
        await expect(visitor.page.locator("h1")).to_be_visible()
        width = await visitor.page.evaluate("document.documentElement.scrollWidth")
        if width > size[0]:
            wide.append((path, width))
    assert wide == []


async def test_a_purchase_by_keyboard_alone(visitor: Visitor) -> None:
    await visitor.to_the_order(1)
    for _ in range(60):
        await visitor.page.keyboard.press("Tab")
        if await visitor.page.evaluate("document.activeElement?.dataset.test === 'confirm'"):
            break
    else:
        raise AssertionError("the confirmation cannot be reached with Tab")
    await visitor.page.keyboard.press("Enter")
    await visitor.succeeded()


async def test_titles_are_text(browser: Browser, demo: DemoShop) -> None:
    """A book whose title and intro are markup is shown as it is written."""
    evil = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
    demo.put_product("evil-book", title=evil, intro=evil, price=10, popularity=2**53)
    async with profile(browser, demo) as visitor:
        await visitor.sign_in()
        await visitor.open("/")
        await expect(visitor.part("book-card").first).to_contain_text("<b>bold</b>")
        assert "owned" not in await visitor.page.title()
        assert await visitor.page.locator("img[src=x]").count() == 0
    demo.put_product("evil-book", title="Withdrawn", price=10, status="withdrawn")


async def test_the_content_security_policy_stops_foreign_code(visitor: Visitor) -> None:
    answer = await visitor.page.goto(visitor.shop.url + "/login")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    await visitor.page.evaluate(
        "() => { try { const s = document.createElement('script'); s.textContent = 'window.injected = 1';"
        " document.head.append(s); } catch { } }"
    )
    assert await visitor.page.evaluate("window.injected ?? null") is None
    visitor.errors.clear()  # the browser says that it refused


async def test_the_first_view_is_light_and_steady(visitor: Visitor) -> None:
    """Bytes over the wire of the first page ever opened, first paint, and how much the layout moved."""
    session = await visitor.context.new_cdp_session(visitor.page)
    await session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    await visitor.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const e of list.getEntries())"
        " if (!e.hadRecentInput) window.shift += e.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    await visitor.open("/login")
    await expect(visitor.part("login-form")).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    weight = sum(received)
    paint = await visitor.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
    shift = await visitor.page.evaluate("window.shift")
    hosts = {request.url.split("/")[2] for request in visitor.requests if request.url.startswith("http")}
    print(json.dumps({"bytes": weight, "requests": len(received), "firstPaintMs": paint, "layoutShift": shift}))
    assert weight <= FIRST_VIEW_BYTES
    assert paint is not None
    assert shift < 0.1
    assert hosts == {visitor.shop.url.split("/")[2]}


async def test_the_flow_can_be_seen_through(visitor: Visitor) -> None:
    """Each of the six steps, what was signed and its signature; and no session token."""
    await visitor.page.set_viewport_size({"width": 1500, "height": 950})
    await visitor.sign_in("MD5")
    await visitor.fill_cart(1)
    await visitor.page.locator("a[href='/cart']").first.click()
    await visitor.part("checkout").click()
    await visitor.part("confirm").click()
    await visitor.succeeded()
    panel = visitor.part("see-through")
    await expect(panel.locator("[data-step]").first).to_be_hidden()
    await panel.locator("summary").first.click()
    for step in range(1, 7):
        await expect(panel.locator(f"[data-step='{step}']").first).to_be_visible()
    signed = await panel.locator("[data-step='4'] pre").nth(1).inner_text()
    assert signed.startswith(f"custId={visitor.cust_id}&nonce=")
    assert visitor.token not in await panel.inner_html()


async def test_the_signing_lab_finds_a_mistake(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 1500, "height": 950})
    await visitor.to_the_order(1, "MD5")
    await visitor.part("confirm").click()
    await visitor.succeeded()
    await visitor.page.locator("a[href='/lab']").click()
    await visitor.page.get_by_role("button", name="last payment").click()
    payment = visitor.page.get_by_label("JSON")
    await visitor.page.get_by_role("button", name="Examine").click()
    await expect(visitor.page.get_by_text("The signature verifies.")).to_be_visible()
    body = json.loads(await payment.input_value())
    text = await visitor.part("lab-string").inner_text()
    await payment.fill(json.dumps(body | {"sign": hashlib.md5(text.encode()).hexdigest()}))
    await visitor.page.get_by_role("button", name="Examine").click()
    await expect(visitor.page.get_by_text("&key= and the signKey are missing")).to_be_visible()
