"""A checkout offers what the catalogue says now, whatever its worker has read before."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from lingdang.catalog.memory import Memory
from lingdang.catalog.product import Product
from lingdang.checkout.reading import CheckoutReader, Question
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from support.customers import owner_of
from support.journal import sql

ADD = """
INSERT INTO product (product_id, title, currency, price, list_price, attributes, created_at, updated_at)
SELECT 'book-' || n, 'T', 'BELL', 100, 100, '{"categories": "novel"}', now(), now() FROM generate_series(1, 4) AS n
"""


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[CheckoutReader]:
    sql(database_url, ADD)
    made = CheckoutReader(0, Lane(database_url, False), Memory(), system_clock, queue_limit=9, batch_limit=9)
    made.open()
    yield made
    await made.close()


async def read(reader: CheckoutReader, *product_ids: str) -> dict[str, Product]:
    facts = await reader.read(Question(owner_of("ann"), product_ids))
    return {product_id: product for product_id, product in facts.products.items() if product_id in product_ids}


async def test_a_product_is_read_once(database_url: str, reader: CheckoutReader) -> None:
    first = await read(reader, "book-1", "book-2")
    again = await read(reader, "book-1", "book-2")
    assert again == first
    assert again["book-1"] is first["book-1"], "it is the one that was read before"
    assert again["book-1"].told().categories == "novel"
    assert set(await read(reader, "book-2", "book-3", "nothing")) == {"book-2", "book-3"}


@pytest.mark.parametrize(
    ("changed", "attribute", "value"),
    [
        ("UPDATE product SET price = 70", "price", 70),
        ("UPDATE product SET title = 'Another' WHERE product_id = 'book-1'", "title", "Another"),
        ("UPDATE product SET status = 'withdrawn'", "active", False),
    ],
)
async def test_a_change_is_seen_by_the_next_checkout(
    database_url: str, reader: CheckoutReader, changed: str, attribute: str, value: object
) -> None:
    await read(reader, "book-1", "book-2")
    sql(database_url, changed)
    assert getattr((await read(reader, "book-1"))["book-1"], attribute) == value
    sql(database_url, "DELETE FROM product")
    assert await read(reader, "book-1", "book-2") == {}
    sql(database_url, ADD)
    assert (await read(reader, "book-1"))["book-1"].price == 100


async def test_a_change_under_way_is_none_until_it_is_committed(database_url: str, reader: CheckoutReader) -> None:
    await read(reader, "book-1")
    with psycopg.connect(database_url) as seller:
        seller.execute("UPDATE product SET price = 70")
        assert (await read(reader, "book-1"))["book-1"].price == 100
        seller.commit()
    assert (await read(reader, "book-1"))["book-1"].price == 70
