"""When a product is on sale: in Python as in SQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import psycopg
import pytest

from lingdang.catalog.product import Product, on_sale
from lingdang.catalog.reading import NO_SESSIONS, load
from lingdang.db.lane import Lane

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MOMENTS = (None, *(NOW + timedelta(hours=hours) for hours in (-2, -1, 0, 1, 2)))
CASES = [
    (active, since, until)
    for active, since, until in product((True, False), MOMENTS, MOMENTS)
    if since is None or until is None or since < until
]
INSERT = """
INSERT INTO product (product_id, title, currency, price, list_price, status, on_sale_from, on_sale_until, intro,
                     attributes, created_at, updated_at)
VALUES (%s, 'T', 'BELL', 1, 2, %s, %s, %s, 'I', %s::jsonb, now(), now())
"""


def test_both_ends() -> None:
    hour = timedelta(hours=1)
    assert on_sale(True, None, None, NOW)
    assert not on_sale(False, None, None, NOW)
    assert on_sale(True, NOW, NOW + hour, NOW), "from its first moment"
    assert not on_sale(True, NOW - hour, NOW, NOW), "its last moment is the one before"


def _stored(database_url: str, attributes: str = "{}") -> Iterator[str]:
    with psycopg.connect(database_url) as connection:
        for number, (active, since, until) in enumerate(CASES):
            status = "active" if active else "withdrawn"
            connection.execute(INSERT, (f"s-{number}", status, since, until, attributes))
            yield f"s-{number}"


async def test_sql_says_the_same(database_url: str) -> None:
    names = list(_stored(database_url))
    with psycopg.connect(database_url) as connection:
        said = dict(connection.execute("SELECT product_id, product_on_sale(p, %s) FROM product p", (NOW,)).fetchall())
    lane = Lane(database_url, pgbouncer=False)
    read = await load(await lane.connection(), NO_SESSIONS, names, whole=False)
    await lane.close()
    assert {each.product_id: each.on_sale(NOW) for each in read.products} == said
    assert set(said.values()) == {True, False}


@pytest.mark.parametrize(
    ("attributes", "categories"),
    [('{"categories": "novel"}', "novel"), ('{"categories": 7}', "7"), ('{"categories": ["a", {"b": 1}]}', None)],
)
async def test_a_product_is_read_bare_or_whole(database_url: str, attributes: str, categories: str | None) -> None:
    """Whoever writes attributes past Lingdang breaks no checkout."""
    first = next(iter(list(_stored(database_url, attributes))))
    lane = Lane(database_url, pgbouncer=False)
    connection = await lane.connection()
    (bare,) = (await load(connection, NO_SESSIONS, [first, "nothing"], whole=False)).products
    (whole,) = (await load(connection, NO_SESSIONS, [first], whole=True)).products
    await lane.close()
    assert bare == Product(first, "T", None, "BELL", 2, 1, *CASES[0])
    assert (whole.told().intro, whole.told().cover_url) == ("I", None)
    assert categories is None or whole.told().categories == categories
