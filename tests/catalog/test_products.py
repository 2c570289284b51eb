"""A product's bounds, and what a write does to its row."""

from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from lingdang.catalog.products import ProductInput, get_product, put_product
from lingdang.clock import system_clock
from lingdang.errors import Problem

NOW = system_clock()


def product(**fields: Any) -> ProductInput:
    return msgspec.convert({"title": "Emma", "price": 10, **fields}, ProductInput)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "  "},
        {"title": "\u200b"},
        {"title": "\u3164\u2800\ufe0f"},
        {"title": "x" * 301},
        {"title": "a\nb"},
        {"title": "a\x00b"},
        {"title": "a\x85b"},
        {"price": -1},
        {"price": 10**13 + 1},
        {"price": 1, "listPrice": 10**13 + 1},
        {"price": 1.5},
        {"price": True},
        {"listPrice": 9},
        {"currency": "bell"},
        {"publisher": ""},
        {"publisher": "\u00ad\u3000"},
        {"publisher": "a\n"},
        {"intro": "x" * 5001},
        {"intro": "a\x00"},
        {"coverUrl": "javascript:alert(1)"},
        {"coverUrl": "https://x.test/a b"},
        {"coverUrl": "https://x.test/a\n"},
        {"coverUrl": "https://" + "x" * 1993},
        {"attributes": {"a": {"b": 1}}},
        {"attributes": {"a": None}},
        {"attributes": {"a b": 1}},
        {"attributes": {"a": 2**53 + 1}},
        {"attributes": {"a": "\x00"}},
        {"attributes": {f"a{n}": n for n in range(51)}},
        {"onSaleFrom": "2026-01-01T00:00:00"},
        {"onSaleFrom": "0001-01-01T00:00:00+14:00"},
        {"onSaleFrom": "2000-01-01T00:00:00+14:00"},
        {"onSaleUntil": "2999-12-31T23:59:59-00:01"},
        {"onSaleUntil": "9999-12-31T23:59:59-14:00"},
        {"onSaleFrom": "2026-01-02T00:00:00Z", "onSaleUntil": "2026-01-02T00:00:00Z"},
        {"status": "sold"},
        {"popularity": -1},
        {"stock": 3},
    ],
)
def test_what_a_product_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        product(**fields)


def test_names_are_trimmed_and_attributes_get_the_type_that_the_shop_reads() -> None:
    written = product(
        title="\u3000\ufeff三体\u200b ",
        publisher=" 重庆\u3000",
        attributes={"authors": 1984, "categories": 1.5, "averageRating": "4.5", "isbn": "0743273567", "year": "1815"},
    )
    assert (written.title, written.publisher) == ("三体", "重庆")
    assert written.attributes == {
        "authors": "1984", "categories": "1.5", "averageRating": 4.5, "isbn": "0743273567", "year": "1815"
    }  # fmt: skip
    for kept in ("n/a", "", True, 4, "1e5", "٤"):
        assert product(attributes={"averageRating": kept}).attributes == {"averageRating": kept}


async def test_put_creates_replaces_and_leaves_alone(database_url: str) -> None:
    full = product(
        listPrice=12,
        publisher="北京",
        intro="a\n\tb",
        coverUrl="https://x.test/c",
        attributes={"year": 1815, "rate": 4.5, "new": True, "authors": "Jane Austen"},
        onSaleFrom="2026-01-01T08:00:00+08:00",
        onSaleUntil="2027-01-01T00:00:00Z",
        popularity=3,
    )
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        created = await put_product(connection, "emma", full, NOW)
        assert created.created
        assert created.product.attributes == full.attributes
        assert created.product.on_sale_from is not None
        assert created.product.on_sale_from.isoformat() == "2026-01-01T00:00:00+00:00"
        assert created.product.created_at == created.product.updated_at == NOW

        later = NOW + timedelta(hours=1)
        same = await put_product(connection, "emma", full, later)
        assert not same.created
        assert same.product.updated_at == NOW

        replaced = await put_product(connection, "emma", product(price=11), later)
        assert not replaced.created
        assert replaced.product.attributes == {}
        assert (replaced.product.price, replaced.product.list_price) == (11, 11)
        assert (replaced.product.created_at, replaced.product.updated_at) == (NOW, later)
        assert await get_product(connection, "emma", later) == replaced.product
        with pytest.raises(Problem):
            await get_product(connection, "other", later)


async def test_times_are_utc_whatever_the_servers_time_zone(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SET TIME ZONE 'Asia/Shanghai'")
        written = await put_product(connection, "emma", product(onSaleFrom="2026-01-01T00:00:00Z"), NOW)
    assert b'"onSaleFrom":"2026-01-01T00:00:00Z"' in msgspec.json.encode(written.product)
