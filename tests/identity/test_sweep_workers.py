"""Several workers sweep at once: each row is deleted once, and nobody waits for another."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.identity import sweep
from lingdang.identity.sweep import GRACE, delete_expired


async def test_workers_share_the_work(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    now = system_clock()
    over = now - GRACE - timedelta(seconds=1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for until, count in ((over, 95), (now, 5)):
            connection.execute(
                "INSERT INTO session_end SELECT 0, 1, gen_random_uuid(), %s FROM generate_series(1, %s)",
                (until, count),
            )
        async with Pool(database_url, 4, pgbouncer=False) as pool:
            before = now - GRACE
            deleted = await asyncio.gather(*(delete_expired(pool, "session_end", before) for _ in range(3)))
            assert sum(deleted) + await delete_expired(pool, "session_end", before) == 95
        assert connection.execute("SELECT count(*) FROM session_end").fetchone() == (5,)
