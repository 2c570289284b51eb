"""Rights as they are used: noted once, and never where there is none."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.library.entitlements import Rights, check_rights, list_entitlements
from lingdang.paging import Window
from support.buyer import Buyer, buyer, give, stock
from support.customers import owner_of
from support.shop import Shop

NOW = system_clock()


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """Ann, who has bought two books."""
    stock(shop, "a", "b", price=1)
    await give(shop, "ann", 10)
    one = buyer(shop)
    for name in ("b", "a"):
        assert (await one.buy(name)).status_code == 200
    return one


@pytest.fixture
async def pool(shop: Shop) -> AsyncIterator[Pool]:
    async with Pool(shop.database_url, 1, pgbouncer=False) as opened:
        yield opened


def opened(shop: Shop) -> list[tuple[object, ...]]:
    return shop.sql("SELECT product_id, opened_at FROM entitlement ORDER BY product_id")


@pytest.mark.usefixtures("ann")
async def test_the_first_use_is_noted_and_no_other(shop: Shop, pool: Pool) -> None:
    rights = Rights(pool, noted=True)
    for later in (timedelta(0), timedelta(hours=1)):
        right = await rights.use(owner_of("ann"), "a", NOW + later)
        assert right is not None
        assert right.source == ("Order", str(right.cause))
    assert opened(shop) == [("a", NOW), ("b", None)]


@pytest.mark.usefixtures("ann")
async def test_where_nobody_asks_nothing_is_noted(shop: Shop, pool: Pool) -> None:
    assert await Rights(pool, noted=False).use(owner_of("ann"), "a", NOW) is not None
    assert opened(shop) == [("a", None), ("b", None)]


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(("who", "product_id"), [("ann", "z"), ("bob", "a")])
async def test_without_a_right_nothing_is_used_or_noted(shop: Shop, pool: Pool, who: str, product_id: str) -> None:
    assert await Rights(pool, noted=True).use(owner_of(who), product_id, NOW) is None
    assert opened(shop) == [("a", None), ("b", None)]


@pytest.mark.usefixtures("ann")
async def test_they_are_listed_by_product_page_by_page(pool: Pool) -> None:
    first = await list_entitlements(pool, owner_of("ann"), Window(1, None))
    assert [right.product_id for right in first.items] == ["a"]
    assert first.next_cursor is not None
    rest = await list_entitlements(pool, owner_of("ann"), Window(1, "a"))
    assert ([right.product_id for right in rest.items], rest.next_cursor) == (["b"], None)
    assert (await list_entitlements(pool, owner_of("bob"), Window(1, None))).items == []


@pytest.mark.usefixtures("ann")
async def test_many_are_checked_at_once_in_the_sequence_asked(shop: Shop, pool: Pool) -> None:
    asked = ["z", "b", "a", "b"]
    checked = await check_rights(pool, 1, "ann", asked)
    owned = {
        right.product_id: right for right in (await list_entitlements(pool, owner_of("ann"), Window(9, None))).items
    }
    assert [each.product_id for each in checked] == asked
    for each in checked:
        right = owned.get(each.product_id)
        assert each.entitled == (right is not None)
        if right is not None:
            assert (each.order_id, each.grant_id, each.granted_at) == (right.order_id, None, right.granted_at)
    assert opened(shop) == [("a", None), ("b", None)]
    with pytest.raises(Problem, match="not_found"):
        await check_rights(pool, 1, "nobody", asked)
