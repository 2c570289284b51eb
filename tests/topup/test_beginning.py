"""A top-up is begun as its package is sold, and what its provider refuses has failed."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from lingdang.db.pool import transaction
from lingdang.errors import Problem
from lingdang.keys import Keyring
from lingdang.topup.beginning import OPEN_FOR, Beginning, TopupRequest
from lingdang.topup.limits import Caps
from lingdang.topup.money import Money
from lingdang.topup.packages import Package, put_package
from lingdang.topup.pricing import Terms
from lingdang.topup.providers.provider import Begun, Order, Refused, Unavailable
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.rows import TopupRow
from support.customers import make_known, owner_of
from support.stores import PRODUCT, Store
from support.till import Till, till_of

SITE = "https://shop.example"
SIX = Package(name="600 bells", paid=600, bonus=60, bonus_expires_after_days=90, price=Money(600, "CNY"))


class Recording(Sandbox):
    """Keeps what it is told of, and refuses or is away when it is told to be."""

    mood: Exception | None = None

    def begin(self, order: Order) -> Begun:
        self.order = order
        if self.mood is not None:
            raise self.mood
        return super().begin(order)


@pytest.fixture
def sandbox(database_url: str, keyring: Keyring) -> Recording:
    return Recording("sandbox", database_url, keyring, SITE)


@pytest.fixture
async def till(database_url: str, keyring: Keyring, sandbox: Recording) -> Any:
    make_known(database_url, "ann")
    async with till_of(database_url, keyring, ("store", Store()), sandbox=sandbox) as opened:
        await sell(opened, "six", SIX)
        yield opened


async def sell(till: Till, package_id: str, package: Package, **changed: Any) -> None:
    async with transaction(till.topups.pool) as connection:
        await put_package(connection, package_id, msgspec.structs.replace(package, **changed), till.hands())


def beginning(till: Till, *origins: str) -> Beginning:
    caps = Caps({}, ZoneInfo("Asia/Shanghai"))
    return Beginning(till.topups.pool, till.topups.accounts, till.topups.following, caps, SITE, origins)


async def begin(till: Till, *origins: str, **changed: Any) -> TopupRow:
    given = {"package_id": "six", "provider": "sandbox", "channel": "web"} | changed
    return await beginning(till, *origins).begin(owner_of("ann"), TopupRequest(**given), till.hands())


async def why_not(till: Till, **changed: Any) -> str:
    with pytest.raises(Problem) as refused:
        await begin(till, **changed)
    return str(refused.value.members.get("reason", refused.value.code))


async def test_what_is_agreed_is_the_packages_and_is_written_down_with_what_the_provider_opened(
    till: Till, sandbox: Recording
) -> None:
    row = await begin(till, return_url="/cart", payer_id="p-1")
    assert (row.paid, row.bonus, row.bonus_days, row.agreed) == (600, 60, 90, Money(600, "CNY"))
    assert row.action is not None
    assert row.action.url == f"{SITE}/sandbox/{row.topup_id}"
    assert row.expires_at - row.created_at == OPEN_FOR[False]
    assert await till.found(row) == msgspec.structs.replace(row, version=1)
    told = sandbox.order
    assert (told.topup_id, told.price, told.payer_id) == (row.topup_id, row.agreed, "p-1")
    assert (told.notify_url, told.return_url) == (f"{SITE}/v1/topups/notify/sandbox", f"{SITE}/cart")


async def test_a_store_sells_what_it_knows_the_package_by_and_has_longer(till: Till) -> None:
    assert await why_not(till, provider="store", channel="store") == "provider"
    await sell(till, "six", SIX, store_products={"store": PRODUCT})
    row = await begin(till, provider="store", channel="store")
    assert (row.store_product, row.expires_at - row.created_at) == (PRODUCT, OPEN_FOR[True])


async def test_what_is_not_sold_so_is_refused_with_what_stands_against_it(till: Till) -> None:
    assert await why_not(till, package_id="none") == "not_found"
    assert await why_not(till, provider="none") == "provider"
    assert await why_not(till, channel="store") == "channel"
    assert await why_not(till, amount=600) == "invalid_request"
    await sell(till, "six", SIX, providers=("store",))
    assert await why_not(till) == "provider"
    await sell(till, "six", SIX, active=False)
    assert await why_not(till) == "withdrawn"
    assert till.sql("SELECT 1 FROM topup") == []


async def test_a_package_that_was_changed_after_it_was_shown_begins_nothing(till: Till, sandbox: Recording) -> None:
    shown = Terms("BELL", 600, 60, Money(600, "CNY"), 90)
    await sell(till, "six", SIX, price=Money(700, "CNY"))
    assert await why_not(till, terms=shown) == "terms_changed"
    assert till.sql("SELECT 1 FROM topup") == []
    row = await begin(till, terms=msgspec.structs.replace(shown, price=Money(700, "CNY")))
    assert row.agreed == sandbox.order.price == Money(700, "CNY")


async def test_what_was_written_down_before_keeps_the_terms_that_were_shown(till: Till) -> None:
    request = TopupRequest("six", "sandbox", "web", terms=Terms("BELL", 600, 60, Money(600, "CNY"), 90))
    row = await beginning(till).begin(owner_of("ann"), request, till.hands())
    await sell(till, "six", SIX, price=Money(700, "CNY"))

    async def once(connection: object, write: object) -> UUID:
        return row.topup_id

    again = await beginning(till).begin(owner_of("ann"), request, till.hands(), once)
    assert (again.topup_id, again.agreed) == (row.topup_id, Money(600, "CNY"))


async def test_what_its_provider_refuses_for_good_has_failed_and_what_it_does_not_answer_stays_open(
    till: Till, sandbox: Recording
) -> None:
    sandbox.mood = Refused("no_contract")
    assert await why_not(till) == "refused"
    assert till.sql("SELECT status, next_ask_at FROM topup") == [("failed", None)]
    sandbox.mood = Unavailable()
    assert await why_not(till) == "provider_unavailable"
    assert till.sql("SELECT status, next_ask_at IS NULL FROM topup WHERE status <> 'failed'") == [("pending", False)]


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("/topups?back=1", True),
        (f"{SITE}/x", True),
        ("https://app.example/x", True),
        ("https://evil.example/x", False),
        ("https://app.example.evil/x", False),
        ("https://app.example@evil.example/", False),
        ("//evil.example/", False),
        ("/\\evil.example/", False),
        ("javascript:alert(1)", False),
        ("/a\nb", False),
    ],
)
async def test_a_payer_is_sent_back_only_to_the_shop_or_an_origin_that_it_allows(
    till: Till, url: str, is_allowed: bool
) -> None:
    if is_allowed:
        assert (await begin(till, "https://app.example", return_url=url)).return_url == url
    else:
        with pytest.raises(Problem, match="invalid_request"):
            await begin(till, "https://app.example", return_url=url)


async def test_what_is_sold_is_told_with_the_accounts_that_take_its_money(till: Till) -> None:
    await sell(till, "stored", SIX, store_products={"store": PRODUCT})
    await sell(till, "nowhere", SIX, providers=("store",))
    await sell(till, "withdrawn", SIX, active=False)
    found = {
        package.package_id: [each.provider for each in offered] for package, offered in await beginning(till).sold()
    }
    assert found == {"six": ["sandbox"], "stored": ["sandbox", "store"]}
