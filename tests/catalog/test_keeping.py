"""The catalogue as its keeper sees it: listed whole, changed in part, and what is taken out is gone."""

from collections.abc import AsyncIterator

import pytest

from lingdang.catalog.keeping import change_product, list_all_products, take_out_product
from lingdang.catalog.patches import ProductChange
from lingdang.clock import system_clock
from lingdang.db.pool import Pool, transaction
from lingdang.errors import Problem
from lingdang.paging import Window
from support.journal import sql
from support.money import add_products

NOW = system_clock()
_SHOWN = "SELECT product_id, title, price, status FROM product ORDER BY product_id"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    add_products(database_url, "c", "a", "b")
    sql(database_url, "UPDATE product SET status = 'withdrawn' WHERE product_id = 'b'")
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


async def test_all_by_id_and_those_of_a_status(pool: Pool) -> None:
    first = await list_all_products(pool, None, Window(2, None), NOW)
    assert ([each.product_id for each in first.items], first.next_cursor is None) == (["a", "b"], False)
    rest = await list_all_products(pool, None, Window(2, "b"), NOW)
    assert ([each.product_id for each in rest.items], rest.next_cursor) == (["c"], None)
    for status, expected in (("active", ["a", "c"]), ("withdrawn", ["b"])):
        found = await list_all_products(pool, status, Window(9, None), NOW)  # type: ignore[arg-type]
        assert [each.product_id for each in found.items] == expected


async def test_a_change_and_one_of_nothing(pool: Pool, database_url: str) -> None:
    async with transaction(pool) as connection:
        product = await change_product(connection, "a", ProductChange(price=70), NOW)
    assert (product.price, product.list_price, product.title) == (70, 70, "T")
    before = sql(database_url, _SHOWN)
    with pytest.raises(Problem, match="not_found"):
        async with transaction(pool) as connection:
            await change_product(connection, "z", ProductChange(price=70), NOW)
    with pytest.raises(ValueError, match="listPrice"):
        async with transaction(pool) as connection:
            await change_product(connection, "a", ProductChange(price=5, list_price=4), NOW)
    assert sql(database_url, _SHOWN) == before


async def test_what_is_taken_out_is_gone_once(pool: Pool, database_url: str) -> None:
    version = sql(database_url, "SELECT version FROM catalogue")
    async with transaction(pool) as connection:
        await take_out_product(connection, "a")
    with pytest.raises(Problem, match="not_found"):
        async with transaction(pool) as connection:
            await take_out_product(connection, "a")
    assert [row[0] for row in sql(database_url, _SHOWN)] == ["b", "c"]
    assert sql(database_url, "SELECT version FROM catalogue") != version, "workers forget it"
