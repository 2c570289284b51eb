"""One run: a shop of its own, load, the fault so many times, and the comparison at the end."""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from faults import audit, shop
from faults.kinds import KINDS
from faults.load import Back, Load, Times
from faults.server import Server
from lingdang.db.embedded import EmbeddedServer

PATIENCE = 120.0
"""Seconds within which service must be back by itself."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is done, one fault after the other. The seed decides the victims and the moments."""

    kinds: Sequence[str]
    seed: int = 1
    workers: int = 2
    tls: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    kinds: Sequence[str]
    verdict: audit.Verdict
    repeated: int
    replayed: int
    times: list[Times]
    """One for each fault."""


class NotBackError(Exception):
    """Service did not come back by itself."""


async def run(plan: Plan, place: Path, tell: Callable[[float], None] = lambda _: None) -> Outcome:
    """Carry out the plan in the empty directory `place`. `tell` hears of each recovery, in seconds."""
    data_dir = place / "shop"
    shop.prepare(data_dir)
    load = Load(shop.customers(data_dir))
    server = Server(data_dir, workers=plan.workers, tls=plan.tls)
    times: list[Times] = []
    await server.start()
    try:
        async with load.running(server.url, server.trust()):
            chance = random.Random(plan.seed)
            await _service(load)
            for kind in plan.kinds:
                back = load.back()
                await asyncio.gather(KINDS[kind](server, chance), _returned(load, back))
                assert back.times is not None, "service is back"
                times.append(back.times)
                tell(back.times.whole)
                await asyncio.sleep(chance.uniform(0.05, 0.4))
    finally:
        await server.stop()
    return Outcome(
        kinds=plan.kinds,
        verdict=_audit(data_dir, load),
        repeated=load.repeated,
        replayed=load.replayed,
        times=times,
    )


async def _service(load: Load) -> None:
    """Wait until every customer has bought something. Raises NotBackError."""
    await _returned(load, load.back())


async def _returned(load: Load, back: Back) -> None:
    if not await back.wait(PATIENCE):
        raise NotBackError(f"not every customer was served within {PATIENCE:.0f} s; {dict(load.unexpected)}")


def _audit(data_dir: Path, load: Load) -> audit.Verdict:
    """Audit the database that the stopped server has left."""
    database = EmbeddedServer(data_dir)
    try:
        return audit.audit(database.start(), load)
    finally:
        database.stop()
