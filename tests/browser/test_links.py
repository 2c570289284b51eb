"""A link from elsewhere changes nothing and leads nowhere else."""

import pytest
from playwright.async_api import expect

from browser.visitor import Visitor

CART = """async ([token, custId]) => {
  const headers = {Authorization: "Bearer " + token, "X-Cust-Id": custId};
  return (await (await fetch("/v1/cart", {headers})).json()).items.length;
}"""


async def in_cart(visitor: Visitor) -> int:
    found: int = await visitor.page.evaluate(CART, [visitor.token, visitor.cust_id])
    return found


async def test_a_link_that_names_a_book_asks_before_it_is_put_into_the_cart(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.open("/?add=book-9")
    await expect(visitor.part("wanted")).to_be_visible()
    await expect(visitor.part("book-card").first).to_be_visible()
    assert await in_cart(visitor) == 0
    await visitor.part("add-wanted").click()
    await expect(visitor.part("wanted")).to_have_count(0)
    await expect(visitor.page.locator(".places .badge")).to_contain_text("1 book ticked")
    assert await in_cart(visitor) == 1
    assert visitor.page.url == visitor.shop.url + "/"


@pytest.mark.parametrize("product_id", ["no-such-book", "..", "../cart", "%2e%2e", "<b>", "x" * 500, ""])
async def test_a_link_that_names_no_book_asks_nothing(visitor: Visitor, product_id: str) -> None:
    await visitor.sign_in()
    await visitor.open(f"/?add={product_id}")
    await expect(visitor.part("book-card").first).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    await expect(visitor.part("wanted")).to_have_count(0)
    assert await in_cart(visitor) == 0


async def test_a_book_wanted_when_the_session_had_ended_is_asked_about_after_the_login(visitor: Visitor) -> None:
    await visitor.sign_in()
    await visitor.open("/")
    await expect(visitor.part("book-card").first).to_be_visible()
    visitor.shop.end_sessions(visitor.token, visitor.cust_id)
    await visitor.part("add-to-cart").first.click()
    await expect(visitor.part("login-form")).to_be_visible()
    await visitor.sign_in()
    assert await in_cart(visitor) == 0
    await visitor.part("add-wanted").click()
    await expect(visitor.page.locator(".places .badge")).to_contain_text("1 book ticked")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/%09/elsewhere.example",
        "/%0a/elsewhere.example",
        "https://elsewhere.example",
        "javascript:alert(1)",
        "/login?next=/login",
        "/..//elsewhere.example",
        "//",
        "/\\",
        "",
    ],
)
async def test_a_login_leads_back_into_the_shop_alone(visitor: Visitor, elsewhere: str) -> None:
    await visitor.open(f"/login?next={elsewhere}")
    await visitor.sign_in()
    await expect(visitor.part("book-card").first).to_be_visible()
    assert visitor.page.url == visitor.shop.url + "/"


async def test_a_login_leads_back_to_where_it_was_asked_for(visitor: Visitor) -> None:
    await visitor.open("/login?next=%2F%3Fq%3Dgame")
    await visitor.sign_in()
    assert visitor.page.url == visitor.shop.url + "/?q=game"
