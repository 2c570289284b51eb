"""A tick shows the catalogue as it is now, whatever its worker has read before."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from lingdang.cart.carts import Carts, Ticked
from lingdang.cart.shown import InCart, selected
from lingdang.catalog.memory import Memory
from lingdang.catalog.product import Product
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from lingdang.errors import Problem
from support.customers import owner_of
from support.journal import sql
from support.money import add_products

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Moved:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def __call__(self) -> datetime:
        return system_clock() + self.by


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def carts(database_url: str, clock: Moved) -> AsyncIterator[Carts]:
    add_products(database_url, "b-1", "b-2", "b-3", "b-4")
    opened = Carts(Lane(database_url, pgbouncer=False), Memory(), clock)
    opened.open()
    yield opened
    await opened.close()


async def tick(carts: Carts, product_id: str, ticked: bool = True) -> Ticked:
    return await carts.tick(owner_of("ann"), product_id, ticked)


@pytest.mark.parametrize(
    ("changed", "attribute", "value"),
    [
        ("UPDATE product SET price = 70", "price", 70),
        ("UPDATE product SET title = 'Another' WHERE product_id = 'b-1'", "title", "Another"),
        ("UPDATE product SET status = 'withdrawn'", "available", False),
        ("UPDATE product SET on_sale_from = now() + interval '1 day'", "available", False),
        ("UPDATE product SET on_sale_until = now() - interval '1 day'", "available", False),
    ],
)
async def test_a_change_is_seen_by_the_next_tick(
    database_url: str, carts: Carts, changed: str, attribute: str, value: object
) -> None:
    await tick(carts, "b-1")
    sql(database_url, changed)
    assert getattr((await tick(carts, "b-1")).item, attribute) == value


async def test_a_sale_begins_and_ends_while_products_are_remembered(
    database_url: str, carts: Carts, clock: Moved
) -> None:
    sql(
        database_url,
        "UPDATE product SET on_sale_from = now() + interval '1 hour', on_sale_until = now() + interval '3 hours'",
    )
    seen = []
    for hours in (0, 2, 4):
        clock.by = timedelta(hours=hours)
        answer = await tick(carts, "b-1")
        seen.append((answer.item.available, answer.selected.count))
    assert seen == [(False, 0), (True, 1), (False, 0)]


async def test_a_product_that_is_gone_is_not_in_the_cart(database_url: str, carts: Carts) -> None:
    await tick(carts, "b-1")
    await tick(carts, "b-2")
    sql(database_url, "DELETE FROM product WHERE product_id = 'b-1'")
    assert (await tick(carts, "b-2")).selected.count == 1
    for product_id in ("b-1", "nothing"):
        with pytest.raises(Problem) as refused:
            await tick(carts, product_id)
        assert refused.value.code == "not_found"


def in_cart(currency: str, price: int, hours: int, **state: bool) -> InCart:
    product = Product("b", "T", None, currency, price, price, state.get("active", True), None, None)
    return InCart(product, state.get("ticked", True), state.get("owned", False), NOW + timedelta(hours=hours))


def test_what_is_selected_is_of_the_currency_that_is_in_the_cart_the_longest() -> None:
    cart = [in_cart("GEM", 7, 2), in_cart("BELL", 100, 1), in_cart("BELL", 50, 3)]
    assert selected(cart, NOW).total == 150
    older = [
        *cart,
        in_cart("GEM", 5, 0, ticked=False),
        in_cart("GEM", 5, 0, owned=True),
        in_cart("GEM", 5, 0, active=False),
    ]
    assert selected(older, NOW) == selected(cart, NOW), "what is not selected decides nothing"
    assert selected([*older, in_cart("GEM", 9, 0)], NOW).total == 16
    assert (selected([], NOW).count, selected([], NOW).total) == (0, 0)
