"""The verdict is of what happened, not of how fast: a fault that is late, a machine that is slow or stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from proof.simulation import run
from proof.simulation.clients import Clients
from proof.simulation.history import History
from proof.simulation.plan import Deposit, Fault, Payment, Plan, Quote, Step, Trouble
from proof.simulation.run import run_plan
from proof.simulation.seeding import plan_of
from proof.simulation.shop import Shop
from proof.simulation.wire import Wire
from proof.simulation.workers import Fleet
from support.served import eventually
from support.simulator import Simulator

LOCK = "SELECT pg_advisory_xact_lock(1)"
MANY_TURNS = 5000


@pytest.fixture
async def holder(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Somebody in whose transactions others wait."""
    async with await psycopg.AsyncConnection[Any].connect(database_url) as connection:
        yield connection
        await connection.rollback()


async def test_the_end_of_faults_waits_for_one_that_is_under_way(
    database_url: str, holder: psycopg.AsyncConnection[Any]
) -> None:
    killed = asyncio.Event()
    wire = Wire(database_url, killed.set)
    await holder.execute(LOCK)
    async with await psycopg.AsyncConnection[Any].connect(await wire.open(), autocommit=True) as connection:
        wire.expect({0: Fault("kill_after")})
        asked = asyncio.create_task(connection.execute(LOCK))
        await asyncio.to_thread(eventually, lambda: wire.met == ["kill_after"])
        calm = asyncio.create_task(wire.calm())
        await asyncio.wait({asked, calm}, timeout=0)
        assert not calm.done()
        await holder.rollback()
        await calm
        assert killed.is_set()
        with pytest.raises(psycopg.OperationalError):
            await asked
    wire.close()


async def test_who_died_before_takes_nobody_along(database_url: str, holder: psycopg.AsyncConnection[Any]) -> None:
    """A worker that is killed while a fault is to kill it is started again, and must not die of the same fault."""
    killed = asyncio.Event()
    wire = Wire(database_url, killed.set)
    await holder.execute(LOCK)
    async with await psycopg.AsyncConnection[Any].connect(await wire.open(), autocommit=True) as connection:
        wire.expect({0: Fault("kill_after")})
        asked = asyncio.create_task(connection.execute(LOCK))
        await asyncio.to_thread(eventually, lambda: wire.met == ["kill_after"])
        wire.close()
        await wire.calm()
        with pytest.raises(psycopg.OperationalError):
            await asked
    assert not killed.is_set()


def _hung_up(seed: int) -> Plan:
    """A customer hangs up on a payment whose first flush is to kill the worker when it is answered."""
    plan = plan_of(seed, "late-")
    deposit = Deposit(0, "late", 10_000, "paid", None, ((0,),), plan.books[0].currency)
    return replace(
        plan,
        workers=1,
        skews=(),
        faults={},
        waves=(
            (Step(deposit, 0),),
            (Step(Quote(0, 0, 0, (0,), None, False, (0,)), 0),),
            (
                Step(Trouble(0, "settlement", Fault("kill_after")), 0),
                Step(Payment(0, frozenset(), 0, MANY_TURNS, ((0,),)), 1),
            ),
        ),
    )


async def test_a_death_that_comes_when_all_waves_are_over(
    simulator: Simulator, holder: psycopg.AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _hung_up(7)
    wave, end = Clients.wave, Fleet.end_faults

    async def locked(clients: Clients, steps: tuple[Step, ...]) -> None:
        if steps is plan.waves[-1]:
            await holder.execute("LOCK TABLE wallet IN ACCESS EXCLUSIVE MODE")
        await wave(clients, steps)

    async def released(fleet: Fleet) -> None:
        release = asyncio.create_task(holder.rollback())
        await end(fleet)
        await release

    monkeypatch.setattr(Clients, "wave", locked)
    monkeypatch.setattr(Fleet, "end_faults", released)
    verdict = await run_plan(plan, simulator.fleet, simulator.connection)
    assert verdict.violations == []
    assert (verdict.faults["kill_after"], verdict.faults["killed"]) == (1, 1)
    assert verdict.outcomes["payment lost"] == 1


async def test_what_hangs_is_reported(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(shop: Shop, plan: Plan) -> set[tuple[str, str]]:
        return await asyncio.Event().wait() and set()

    monkeypatch.setattr(Shop, "done", for_ever)
    monkeypatch.setattr(run, "BEAT_SECONDS", 0.01)
    verdict = await run_plan(_hung_up(8), simulator.fleet, simulator.connection)
    assert [violation.promise for violation in verdict.violations] == ["stuck"]


async def test_what_goes_on_is_not_stuck(
    simulator: Simulator, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two beats something happens, however many there are."""
    history = History()
    monkeypatch.setattr(run, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(run, "BEATS", 2)

    async def going_on() -> Any:
        for _ in range(20):
            history.tick()
            await asyncio.sleep(0.005)

    assert not await run._is_stuck(asyncio.create_task(going_on()), history, database_url)
