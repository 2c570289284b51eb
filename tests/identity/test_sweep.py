"""What is over is swept away; what is not, and what may just be over, stays."""

from datetime import datetime, timedelta

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.identity import sweep
from lingdang.identity.sweep import sweep_identity
from support.shop import Shop

_FILL = {
    "session_end": "SELECT 0, 1, gen_random_uuid(), %(until)s",
    "password_session": "SELECT 0, 1, gen_random_uuid(), %(until)s",
    "login_attempt": "SELECT 'customer ' || gen_random_uuid(), '{}', %(until)s",
    "idempotency": "SELECT 'POST /v1/sessions ann', gen_random_uuid()::text, 'k1', '', '', %(until)s, %(until)s",
}


def fill(shop: Shop, until: datetime, rows: int) -> None:
    """Rows that expire at a moment, in each table."""
    with_until = {
        table: select.replace("%(until)s", f"'{until.isoformat()}'::timestamptz") for table, select in _FILL.items()
    }
    for table, select in with_until.items():
        shop.sql(f"INSERT INTO {table} {select} FROM generate_series(1, {rows})")


def left(shop: Shop) -> list[int]:
    return [int(shop.sql(f"SELECT count(*) FROM {table}")[0][0]) for table in _FILL]


async def swept(shop: Shop, now: datetime) -> bool:
    """Whether there is more to sweep."""
    async with Pool(shop.database_url, 2, pgbouncer=False) as pool:
        return await sweep_identity(pool, now)


async def test_only_what_is_long_over_is_deleted(shop: Shop) -> None:
    now = system_clock()
    fill(shop, now - timedelta(minutes=61), 2)
    fill(shop, now - timedelta(minutes=59), 3)  # another machine's clock may be behind
    fill(shop, now - timedelta(minutes=4), 5)
    fill(shop, now + timedelta(minutes=1), 4)
    for _ in range(2):
        assert not await swept(shop, now)
        assert left(shop) == [12, 12, 12, 9]  # a kept answer goes sooner


async def test_one_sweep_is_bounded_and_the_next_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MAX_BATCHES", 2)
    now = system_clock()
    fill(shop, now - timedelta(days=1), 2 * sweep.BATCH + 1)
    assert await swept(shop, now)
    assert left(shop) == [1] * 4
    assert not await swept(shop, now)
    assert left(shop) == [0] * 4
