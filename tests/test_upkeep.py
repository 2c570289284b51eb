"""What is past its deadline is healed or counted, and no healer's failure ends the others."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from lingdang import upkeep
from lingdang.clock import Clock, system_clock
from lingdang.db.pool import Pool
from lingdang.identity.sweep import sweep_identity
from lingdang.keys import Keyring
from lingdang.ledger.expiry import ExpirySweep
from lingdang.serving.metrics import Metrics
from lingdang.upkeep import Upkeep
from lingdang.watch import Watch
from support.money import credit, open_settlement
from support.served import eventually
from support.shop import open_shop

_STALE = """
INSERT INTO idempotency
SELECT 'POST /v1/sessions ann', gen_random_uuid()::text, 'k1', '', '', now(), now() - interval '2 hours'
  FROM generate_series(1, 3)
"""


@asynccontextmanager
async def open_upkeep(database_url: str, clock: Clock = system_clock) -> AsyncIterator[Upkeep]:
    async with Pool(database_url, 2, False) as pool, open_settlement(database_url, clock=clock) as settlement:
        yield Upkeep(pool, settlement, clock, lambda: 0.0)


async def _broken(*_: object) -> bool:
    raise RuntimeError("this healer is ill")


async def _left_over(*_: object) -> bool:
    return True


async def _give_for_an_hour(database_url: str) -> None:
    async with open_settlement(database_url) as settlement:
        end = system_clock() + timedelta(hours=1)
        await settlement.submit(credit("ann", 50, kind="bonus", credit_id="gift", expires_at=end))


def _stale(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_STALE)


async def test_what_is_healed_is_not_overdue(database_url: str) -> None:
    _stale(database_url)
    async with open_upkeep(database_url) as healers:
        await healers.round()
        assert set(healers.overdue.values()) == {0}
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM idempotency").fetchone() == (0,)


async def test_the_lag_counts_from_a_round_that_left_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_upkeep(database_url) as healers:
        for sweep, heals in ((_left_over, False), (_broken, False), (sweep_identity, True)):
            monkeypatch.setattr(upkeep, "sweep_identity", sweep)
            began = time.monotonic()
            await healers.round()
            assert (healers.lag() <= time.monotonic() - began) is heals, sweep


async def test_a_look_counts_and_heals_nothing(database_url: str) -> None:
    _stale(database_url)
    async with open_upkeep(database_url) as healers:
        await healers.look()
        assert healers.overdue["idempotency"] == 3
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM idempotency").fetchone() == (3,)


async def test_what_no_healer_ends_is_counted_past_its_deadline(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _give_for_an_hour(database_url)
    _stale(database_url)
    monkeypatch.setattr(upkeep, "sweep_identity", _broken)
    monkeypatch.setattr(ExpirySweep, "run", _broken)
    for minutes, wallets in ((61, 0), (74, 0), (76, 1)):
        later = timedelta(minutes=minutes)
        async with open_upkeep(database_url, lambda later=later: system_clock() + later) as healers:  # type: ignore[misc]
            await healers.round()
            assert (healers.overdue["wallet"], healers.overdue["idempotency"]) == (wallets, 3)


async def test_one_healer_s_failure_ends_neither_the_others_nor_itself(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(upkeep, "LATE", timedelta(0))
    monkeypatch.setattr(upkeep, "sweep_identity", _broken)
    _stale(database_url)
    metrics = Metrics()

    def overdue() -> bool:
        return 'lingdang_overdue{state="idempotency"} 3.0' in metrics.render().decode()

    async with open_shop(database_url, keyring, Watch(gauge=metrics.gauge)):
        await asyncio.to_thread(eventually, overdue)
        monkeypatch.setattr(upkeep, "sweep_identity", sweep_identity)
        await asyncio.to_thread(eventually, lambda: not overdue())
