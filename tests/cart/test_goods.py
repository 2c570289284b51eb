"""A tick shows the catalogue as it is now, whatever its worker has read before."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product

import psycopg
import pytest

from lingdang.cart.goods import Good
from lingdang.cart.ticks import CartTicks, InCart, Tick, Ticked, selected
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
async def ticks(database_url: str, clock: Moved) -> AsyncIterator[CartTicks]:
    add_products(database_url, "b-1", "b-2", "b-3", "b-4")
    opened = CartTicks(Lane(database_url, pgbouncer=False), clock)
    opened.open()
    yield opened
    await opened.close()


async def tick(ticks: CartTicks, product_id: str, ticked: bool = True) -> Ticked:
    return await ticks.tick(Tick(owner_of("ann"), product_id, ticked))


async def named(ticks: CartTicks, version: int, *names: str) -> dict[str, Good]:
    known = await ticks._goods.named(await ticks._lane.connection(), version, names)
    return {name: known[name] for name in names if name in known}


async def test_products_are_read_once(ticks: CartTicks) -> None:
    await tick(ticks, "b-1")
    version = ticks._goods._remembered._version
    assert version is not None
    first = await named(ticks, version, "b-1", "b-2", "nothing")
    again = await named(ticks, version, "b-1", "b-2")
    assert set(first) == {"b-1", "b-2"}
    assert all(again[name] is first[name] for name in again), "they are those that were read before"


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
    database_url: str, ticks: CartTicks, changed: str, attribute: str, value: object
) -> None:
    await tick(ticks, "b-1")
    sql(database_url, changed)
    assert getattr((await tick(ticks, "b-1")).item, attribute) == value


async def test_a_change_between_a_tick_and_its_products_is_of_one_version(database_url: str, ticks: CartTicks) -> None:
    """Products that are remembered are read again when another one turns out to be of a later version."""
    await tick(ticks, "b-1")
    version = ticks._goods._remembered._version
    assert version is not None
    sql(database_url, "UPDATE product SET price = 70")
    found = await named(ticks, version, "b-1", "b-2")
    assert {name: good.price for name, good in found.items()} == {"b-1": 70, "b-2": 70}


async def test_a_sale_begins_and_ends_while_products_are_remembered(
    database_url: str, ticks: CartTicks, clock: Moved
) -> None:
    sql(
        database_url,
        "UPDATE product SET on_sale_from = now() + interval '1 hour', on_sale_until = now() + interval '3 hours'",
    )
    seen = []
    for hours in (0, 2, 4):
        clock.by = timedelta(hours=hours)
        answer = await tick(ticks, "b-1")
        seen.append((answer.item.available, answer.selected.count))
    assert seen == [(False, 0), (True, 1), (False, 0)]


async def test_a_product_that_is_gone_is_not_in_the_cart(database_url: str, ticks: CartTicks) -> None:
    await tick(ticks, "b-1")
    await tick(ticks, "b-2")
    sql(database_url, "DELETE FROM product WHERE product_id = 'b-1'")
    assert (await tick(ticks, "b-2")).selected.count == 1
    for product_id in ("b-1", "nothing"):
        with pytest.raises(Problem) as refused:
            await tick(ticks, product_id)
        assert refused.value.code == "not_found"


async def test_another_connection_reads_anew(ticks: CartTicks) -> None:
    await tick(ticks, "b-1")
    before = ticks._goods._remembered.facts["b-1"]
    await ticks._lane.close()
    await tick(ticks, "b-1")
    assert ticks._goods._remembered.facts["b-1"] is not before


MOMENTS = (None, *(NOW + timedelta(hours=hours) for hours in (-2, -1, 0, 1, 2)))
INSERT = """
INSERT INTO product (product_id, title, currency, price, list_price, status, on_sale_from, on_sale_until, created_at,
                     updated_at)
VALUES (%s, 'T', 'BELL', 1, 1, %s, %s, %s, now(), now())
"""


async def test_on_sale_is_what_sql_says(database_url: str, ticks: CartTicks) -> None:
    with psycopg.connect(database_url) as connection:
        for number, (status, since, until) in enumerate(product(("active", "withdrawn"), MOMENTS, MOMENTS)):
            if since is None or until is None or since < until:
                connection.execute(INSERT, (f"s-{number}", status, since, until))
        said = dict(
            connection.execute(
                "SELECT product_id, product_on_sale(p, %s) FROM product p WHERE starts_with(product_id, 's-')", (NOW,)
            ).fetchall()
        )
    goods = await named(ticks, 0, *said)
    assert {name: good.on_sale(NOW) for name, good in goods.items()} == said
    assert set(said.values()) == {True, False}


def in_cart(currency: str, price: int, hours: int, **state: bool) -> InCart:
    good = Good("b", "T", currency, price, price, state.get("active", True), None, None)
    return InCart(good, state.get("ticked", True), state.get("owned", False), NOW + timedelta(hours=hours))


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
