"""One seed from its beginning to the auditor's verdict."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection

from simulation.audit import Violation, audit, read_evidence
from simulation.clients import Clients
from simulation.history import History
from simulation.plan import Plan
from simulation.seeding import plan_of
from simulation.shop import Shop
from simulation.workers import Fleet

SECONDS = 10.0
"""A seed that takes longer is stuck."""


@dataclass
class Verdict:
    """What came of one seed."""

    seed: int
    violations: list[Violation]
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


async def simulate(plan: Plan, fleet: Fleet, shop: Shop) -> tuple[History, Counter[str]]:
    """Carry the plan out. Answers what the clients saw, and the faults that were met."""
    fleet.clock.reset(plan.skews)
    killed = sum(worker.killed for worker in fleet.workers)
    await shop.install(plan)
    clients = Clients(plan, fleet, shop)
    for worker in fleet.workers:
        worker.expect(plan.faults.get(worker.number, {}))
    for wave in plan.waves:
        await clients.wave(wave)
        for worker in fleet.workers:
            await worker.revive()
    faults = Counter(fleet.met())
    faults["killed"] = sum(worker.killed for worker in fleet.workers) - killed
    for worker in fleet.workers:
        worker.expect({})
    clients.history.stood = await shop.done(plan)
    await clients.settle_up()
    return clients.history, faults


async def run_seed(seed: int, fleet: Fleet, connection: AsyncConnection[Any], run: str = "") -> Verdict:
    """Simulate one seed and audit it. `connection` is in autocommit mode."""
    plan = plan_of(seed, run)
    try:
        async with asyncio.timeout(SECONDS):
            history, faults = await simulate(plan, fleet, Shop(connection))
    except TimeoutError:
        return Verdict(seed, [Violation("stuck", f"not done within {SECONDS} s")])
    evidence = await read_evidence(connection, plan)
    outcomes = Counter(f"{request.kind} {request.outcome}" for request in history.requests)
    try:
        violations = audit(plan, history, evidence)
    except Exception as error:  # what makes no sense at all is a violation, too
        violations = [Violation("what happened can be audited", repr(error))]
    return Verdict(seed, violations, faults, outcomes)
