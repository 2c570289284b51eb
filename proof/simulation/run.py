"""One seed from its beginning to the auditor's verdict."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from lingdang.db.pool import Connection
from proof.simulation.audit import Violation, audit, read_evidence
from proof.simulation.clients import Clients
from proof.simulation.history import History
from proof.simulation.plan import Plan
from proof.simulation.seeding import plan_of
from proof.simulation.shop import Shop
from proof.simulation.workers import Fleet

BEATS = 60
"""A seed is stuck when nothing is asked, answered or done while the database has answered somebody else so often. How
long it takes is no verdict: whatever stops the machine, this process or the database stops the beats, too."""
BEAT_SECONDS = 1.0
"""The pause before each beat."""


@dataclass
class Verdict:
    """What came of one seed."""

    seed: int
    violations: list[Violation]
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


async def simulate(plan: Plan, fleet: Fleet, shop: Shop, history: History) -> Counter[str]:
    """Carry the plan out, and write down what the clients see. Answers the faults that were met."""
    fleet.clock.reset(plan.skews)
    killed = sum(worker.killed for worker in fleet.workers)
    await shop.install(plan)
    clients = Clients(plan, fleet, shop, history)
    for worker in fleet.workers:
        worker.expect(plan.faults.get(worker.number, {}))
    for wave in plan.waves:
        await clients.wave(wave)
        for worker in fleet.workers:
            await worker.revive()
    faults = Counter(fleet.met())
    await fleet.end_faults()
    faults["killed"] = sum(worker.killed for worker in fleet.workers) - killed
    history.stood = await shop.done(plan)
    await clients.settle_up()
    return faults


async def run_seed(seed: int, fleet: Fleet, connection: Connection, run: str = "") -> Verdict:
    """Simulate one seed and audit it. `connection` is in autocommit mode."""
    return await run_plan(plan_of(seed, run), fleet, connection)


async def run_plan(plan: Plan, fleet: Fleet, connection: Connection) -> Verdict:
    """Simulate one plan and audit it."""
    history, seed = History(), plan.seed
    work = asyncio.create_task(simulate(plan, fleet, Shop(connection), history))
    if await _is_stuck(work, history, fleet.database_url):
        return Verdict(seed, [Violation("stuck", f"nothing happened while the database answered {BEATS} times")])
    faults = work.result()
    evidence = await read_evidence(connection, plan)
    outcomes = Counter(f"{request.kind} {request.outcome}" for request in history.requests)
    try:
        violations = audit(plan, history, evidence)
    except Exception as error:  # what makes no sense at all is a violation, too
        violations = [Violation("what happened can be audited", repr(error))]
    return Verdict(seed, violations, faults, outcomes)


async def _is_stuck(work: "asyncio.Task[Counter[str]]", history: History, database_url: str) -> bool:
    """Wait for the work's end; True when it does not go on any more, and was cancelled."""
    if await _ends(work):
        return False
    async with await Connection.connect(database_url, autocommit=True) as beside:
        beats, seen = 0, history.now
        while not await _ends(work):
            await beside.execute("SELECT 1")
            beats, seen = (beats + 1 if history.now == seen else 0), history.now
            if beats == BEATS:
                work.cancel()
                await asyncio.wait({work})
                return True
    return False


async def _ends(work: "asyncio.Task[Counter[str]]") -> bool:
    """Wait for the work's end, or until the next beat; True at its end."""
    await asyncio.wait({work}, timeout=BEAT_SECONDS)
    return work.done()
