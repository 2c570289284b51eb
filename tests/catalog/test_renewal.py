"""Terms that an older version made, or makes while it still runs, are made anew; nothing else of a product changes."""

import psycopg
import pytest

from lingdang.catalog import renewal
from lingdang.catalog.renewal import renew_terms
from lingdang.catalog.terms import MARK
from lingdang.db.pool import Pool
from lingdang.db.rests import Rests
from support.buyer import buyer
from support.shop import PATIENCE, Shop

_AS_BEFORE = """
    INSERT INTO product (product_id, title, currency, price, list_price, publisher, attributes, search, created_at,
                         updated_at)
    SELECT 'p-' || n, '時間簡史 ' || n, 'BELL', 1, 1, 'L''Étoile', '{"authors": "J. K."}', '時間 簡史', now(), now()
      FROM generate_series(1, 7) AS n
"""
_ALL_BUT_TERMS = "SELECT to_jsonb(p) - 'search' FROM product p ORDER BY product_id"
_VERSION = "SELECT version FROM catalogue"


_OLD_TERMS = f"SELECT product_id FROM product WHERE NOT search @@ '''{MARK}'':*'::tsquery"


async def renew(url: str, most: int = 100, seconds: float = PATIENCE) -> bool:
    async with Pool(url, 2, False) as pool:
        return await renew_terms(pool, Rests(lambda: 0.0), most, seconds)


async def test_old_terms_are_made_anew_and_nothing_else(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "BATCH", 3)
    shop.sql(_AS_BEFORE)
    before = shop.sql(_ALL_BUT_TERMS), shop.sql(_VERSION)
    ann = buyer(shop)
    assert (await ann.get("/v1/products", query="时间简史")).json()["items"] == []

    assert await renew(shop.database_url, 4)
    assert len(shop.sql(_OLD_TERMS)) == 1  # whole batches
    assert not await renew(shop.database_url)
    assert not shop.sql(_OLD_TERMS)

    assert (shop.sql(_ALL_BUT_TERMS), shop.sql(_VERSION)) == before
    for query in ("时间简史", "etoile", "jk"):
        assert len((await ann.get("/v1/products", query=query)).json()["items"]) == 7


async def test_what_an_old_worker_writes_meanwhile_is_found(shop: Shop) -> None:
    shop.sql(_AS_BEFORE)
    await renew(shop.database_url)
    shop.sql("UPDATE product SET search = 'old' WHERE product_id = 'p-1'")
    assert shop.sql(_OLD_TERMS) == [("p-1",)]
    await renew(shop.database_url)
    assert not shop.sql(_OLD_TERMS)


async def test_a_round_ends(shop: Shop) -> None:
    shop.sql(_AS_BEFORE)
    assert await renew(shop.database_url, seconds=0.0)
    assert len(shop.sql(_OLD_TERMS)) == 7


async def test_a_product_that_somebody_writes_is_left_for_the_next_round(shop: Shop) -> None:
    shop.sql(_AS_BEFORE)
    with psycopg.connect(shop.database_url) as writer:
        writer.execute("SELECT 1 FROM product WHERE product_id = 'p-1' FOR UPDATE")
        await renew(shop.database_url)
        assert shop.sql(_OLD_TERMS) == [("p-1",)]
    await renew(shop.database_url)
    assert not shop.sql(_OLD_TERMS)


def test_only_a_change_of_what_workers_remember_raises_the_version(shop: Shop) -> None:
    shop.sql(_AS_BEFORE)

    def raised(statement: str) -> bool:
        before = shop.sql(_VERSION)
        shop.sql(statement)
        return shop.sql(_VERSION) != before

    columns = [
        row[0]
        for row in shop.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'product'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    ]
    raising = {name: raised(f"UPDATE product SET {name} = {name}") for name in columns}
    assert raising == {name: name != "search" for name in columns}
    assert raised("DELETE FROM product")


def test_the_index_finds_them(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(f"EXPLAIN {renewal._OLD.replace('%b', '10')}".encode()).fetchall()
    assert any("product_old_terms" in line for (line,) in plan)


async def test_a_title_that_gives_no_term_is_made_anew_once(shop: Shop) -> None:
    """Titles of marks alone had kept the renewal busy for ever."""
    shop.sql(_AS_BEFORE.replace("'時間簡史 ' || n", "U&'\\0301'"))
    await renew(shop.database_url)
    assert not shop.sql(_OLD_TERMS)
