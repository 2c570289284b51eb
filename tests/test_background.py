"""The background tasks of a process: run, told to the metrics, and looked at by whoever leaves them to others."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from lingdang import background, upkeep
from lingdang.background import TASKS, Background, Means
from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.deployment import make_topups
from lingdang.keys import Keyring
from lingdang.ledger.settled import nothing
from lingdang.serving.metrics import Metrics
from lingdang.watch import Watch
from support.journal import deployment_of, fill, seal_all, sql
from support.money import open_settlement
from support.pages import text_of
from support.served import eventually
from support.shop import open_shop

_STALE = """
INSERT INTO idempotency
SELECT 'POST /v1/sessions ann', gen_random_uuid()::text, 'k1', '', '', now(), now() - interval '2 hours'
  FROM generate_series(1, 3)
"""


class Counted:
    """A task that fails twice, then runs until it is cancelled."""

    def __init__(self) -> None:
        self.overdue = {"thing": 7}
        self.gauges: Mapping[str, Callable[[], float]] = MappingProxyType({})
        self.runs = 0
        self.ended = False

    def lag(self) -> float:
        return 2.5

    async def look(self) -> None:
        raise AssertionError("whoever runs it does not look besides")

    async def run(self) -> None:
        self.runs += 1
        if self.runs < 3:
            raise RuntimeError("it is ill")
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_a_task_that_fails_is_run_again_and_ends_with_the_block(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Counted()
    monkeypatch.setattr(background, "TASKS", {"counting": lambda _: task})
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.01)
    async with Pool(database_url, 1, False) as pool, open_settlement(database_url) as settlement:
        deployment = deployment_of(database_url, keyring)
        topups = make_topups(deployment, pool, settlement)
        together = Background(Means(deployment, pool, settlement, topups, nothing))
        metrics = Metrics()
        together.show(Watch(gauge=metrics.gauge))
        async with together.running():
            await asyncio.to_thread(eventually, lambda: task.runs == 3)
    assert task.ended
    text = metrics.render().decode()
    assert 'lingdang_background_lag_seconds{task="counting"} 2.5\n' in text
    assert 'lingdang_overdue{state="thing"} 7.0\n' in text


async def test_every_task_tells_its_lag_and_what_is_overdue(database_url: str, keyring: Keyring) -> None:
    """As the page for operators has them."""
    metrics = Metrics()
    async with open_shop(database_url, keyring, Watch(gauge=metrics.gauge)):
        text = metrics.render().decode()
    [page] = re.findall(r"^## Background tasks\n(.*?)^## ", text_of("docs/operations.md"), re.MULTILINE | re.DOTALL)
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (`.*`) \|$", page, re.MULTILINE))
    assert told.keys() == TASKS.keys() == set(re.findall(r'^lingdang_background_lag_seconds{task="(\w+)"}', text, re.M))
    states = [state for each in told.values() for state in re.findall(r"\w+", each)]
    assert sorted(states) == sorted(re.findall(r'^lingdang_overdue{state="(\w+)"}', text, re.MULTILINE))


async def test_a_server_that_leaves_them_to_others_keeps_the_witness(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the server's feed that stops when the database lacks what the witness has."""
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.02)
    await fill(database_url)
    await seal_all(database_url, keyring)
    witness = keyring.path.with_name("witness.jws")
    kept = witness.read_text()
    witness.unlink()
    metrics = Metrics()
    async with open_shop(database_url, keyring, Watch(gauge=metrics.gauge), background="worker"):
        await asyncio.to_thread(eventually, witness.exists)
        assert witness.read_text() == kept
        sql(database_url, "DELETE FROM seal_checkpoint")
        lacking = 'lingdang_journal_rolled_back{worker="1"} 1.0'
        await asyncio.to_thread(eventually, lambda: lacking in metrics.render().decode())


async def test_a_server_that_leaves_them_to_others_notices_when_nobody_runs_them(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts what is overdue, and neither seals nor heals."""
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(upkeep, "LATE", timedelta(0))
    await fill(database_url)
    sql(database_url, _STALE)
    metrics = Metrics()

    def counted() -> bool:
        text = metrics.render().decode()
        return 'lingdang_overdue{state="idempotency"} 3.0' in text and 'lingdang_overdue{state="transfer"} 6.0' in text

    def tomorrow() -> datetime:
        return system_clock() + timedelta(days=1)

    async with open_shop(database_url, keyring, Watch(gauge=metrics.gauge), clock=tomorrow, background="worker"):
        await asyncio.to_thread(eventually, counted)
    assert "lingdang_background_lag_seconds{" not in metrics.render().decode()
    assert sql(database_url, "SELECT (SELECT count(*) FROM seal), (SELECT count(*) FROM idempotency)") == [(0, 3)]
