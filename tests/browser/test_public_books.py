"""Where the catalogue is public: a stranger browses and looks at a book, and signs in to put it into the cart."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, expect

from browser.demo_shop import DemoShop, reconciled
from browser.test_pages import violations
from browser.visitor import Visitor, profile
from support.served import serving

EVIL = "</script><img src=x onerror=\"document.title='taken'\"><!--<script>"


@pytest.fixture(scope="module")
def public(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    data_dir = tmp_path_factory.mktemp("public")
    with serving(data_dir, "--demo", login_limit_address="1000", public_catalogue="true") as served:
        yield DemoShop(served)
        assert reconciled(data_dir)


@pytest.fixture
async def stranger(browser: Browser, public: DemoShop) -> AsyncIterator[Visitor]:
    async with profile(browser, public) as made:
        yield made
        assert made.errors == []


async def test_a_stranger_finds_a_book_and_signs_in_for_it(stranger: Visitor) -> None:
    await stranger.open("/")
    await stranger.part("book-card").first.locator("h2 a").click()
    await expect(stranger.part("product")).to_be_visible()
    assert await violations(stranger) == []
    address = stranger.page.url
    await stranger.part("add-to-cart").click()
    await expect(stranger.part("login-form")).to_be_visible()
    await stranger.sign_in()
    assert stranger.page.url == address
    await stranger.part("add-to-cart").click()
    await expect(stranger.part("add-to-cart")).to_have_attribute("aria-pressed", "true")


async def test_a_head_of_evil_words_runs_nothing(stranger: Visitor) -> None:
    stranger.shop.put_product("evil-head", title=EVIL, publisher=EVIL, intro=EVIL, price=10)
    await stranger.open("/products/evil-head")
    await expect(stranger.part("product").locator("h1")).to_have_text(EVIL)
    assert await stranger.page.locator("img").count() == 0
    linked = "JSON.parse(document.querySelector('script[type=\"application/ld+json\"]').textContent).name"
    assert await stranger.page.evaluate(linked) == EVIL


async def test_a_book_that_there_is_not_says_so(stranger: Visitor) -> None:
    answer = await stranger.page.goto(f"{stranger.shop.url}/products/no-such-book")
    assert answer is not None
    assert answer.status == 404
    await expect(stranger.part("product-unknown")).to_be_visible()
