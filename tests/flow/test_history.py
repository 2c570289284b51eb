"""No statement of the flow grows with history, though its plan was made while every table was empty."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from lingdang.journal import sealer
from lingdang.keys import Keyring
from support.buyer import buyer, give, stock
from support.shop import Shop, open_shop

HISTORY = 20_000
OWN_ROWS = 400
TABLES = ("product", "cart_item", "wallet", "transfer", "entitlement", "session_end", "customer")


@pytest.fixture
async def unsealed_shop(database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A shop whose sealer rests: it reads the added history once, whenever it comes to it, and no purchase waits.

    Nor does anything look at its tables, which would have every plan made anew.
    """
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 3600)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    async with open_shop(database_url, keyring) as shop:
        yield shop


async def test_rows_read_per_purchase_do_not_grow(unsealed_shop: Shop) -> None:
    shop = unsealed_shop
    stock(shop, *(f"mine-{n}" for n in range(12)))
    await give(shop, "ann", 5000)
    ann = buyer(shop)

    async def purchase(n: int) -> None:
        ticked = await shop.http.put(f"/v1/cart/items/mine-{n}", headers=ann.headers)
        assert ticked.status_code == 200
        assert (await ann.buy(f"mine-{n}")).status_code == 200
        for path in ("/v1/orders", "/v1/wallet", "/v1/wallet/entries", "/v1/entitlements", "/v1/cart"):
            page = {} if path in ("/v1/cart", "/v1/wallet") else {"limit": 3}
            assert (await ann.get(path, **page)).status_code == 200

    for n in range(6):  # often enough for every plan to be made and kept
        await purchase(n)
    _add_history(shop)
    before = _rows_read(shop)
    await purchase(6)
    read = {table: count - before[table] for table, count in _rows_read(shop).items()}
    assert {table: count for table, count in read.items() if count > OWN_ROWS} == {}


def _add_history(shop: Shop) -> None:
    """Other customers' rows in every table, without new statistics."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        for statement in (
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'p' || i, 'T', 'BELL', 1, 1, now(), now() FROM generate_series(1, %s) i",
            "INSERT INTO customer (customer, customer_id, created_at)"
            " SELECT i, 'c' || i, now() FROM generate_series(1, %s) i",
            "INSERT INTO cart_item (bucket, customer, product_id, ticked, added_at)"
            " SELECT 0, i, 'p' || i, true, now() FROM generate_series(1, %s) i",
            "INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining)"
            " SELECT 0, i, 'BELL', 0, 1, now(), '{}', '{}' FROM generate_series(1, %s) i",
            "INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts,"
            " amounts, cause, detail) SELECT 0, i, 'BELL', 1, 'payment', 0, 0, now(), i, '[]', '{}', gen_random_uuid(),"
            " '[[], []]' FROM generate_series(1, %s) i",
            "INSERT INTO entitlement (bucket, customer, product_id, granted_by)"
            " SELECT 0, i, 'p' || i, 1 FROM generate_series(1, %s) i",
            "INSERT INTO session_end (bucket, customer, session_id, expires_at)"
            " SELECT 0, i, gen_random_uuid(), now() FROM generate_series(1, %s) i",
        ):
            connection.execute(statement, (HISTORY,))


def _rows_read(shop: Shop) -> dict[str, int]:
    """Rows and index entries read so far, by table, when all sessions have reported: nothing more comes."""
    before, now = None, _rows_reported(shop)
    while now != before:
        before, now = now, _rows_reported(shop)
    return now


def _rows_reported(shop: Shop) -> dict[str, int]:
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        # An idle session reports within a second; the counters are of the whole database.
        connection.execute("SELECT pg_sleep(1.5)")
        rows = connection.execute(
            "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            "  + (SELECT coalesce(sum(i.idx_tup_read), 0) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)"
            "  FROM pg_stat_user_tables t WHERE relname = ANY (%s)",
            (list(TABLES),),
        ).fetchall()
    return {str(name): int(count) for name, count in rows}
