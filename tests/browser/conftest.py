"""A browser and a demo shop, started once; a new customer and a new profile for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from browser.chromium import MISSING, chromium
from browser.demo_shop import DemoShop, reconciled
from browser.visitor import Visitor, profile
from support.served import serving


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        if found is None:
            pytest.skip(MISSING)
        yield found


@pytest.fixture(scope="session")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    """The demo over HTTPS. At the end its books agree."""
    data_dir = tmp_path_factory.mktemp("demo")
    with serving(data_dir, "--demo", login_limit_address="1000", topup_limits="minors/CNY:1000") as served:
        yield DemoShop(served)
        assert reconciled(data_dir)


@pytest.fixture
async def visitor(browser: Browser, demo: DemoShop, request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    """A customer with 10,000 bells and three vouchers. Whatever happens, the page itself reports no error."""
    async with profile(browser, demo, **getattr(request, "param", {})) as made:
        yield made
        assert made.errors == []
