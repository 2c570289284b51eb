"""One run: a shop of its own, load, the fault so many times, and the comparison at the end."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from proof.faults import audit, shop
from proof.faults.cluster import Cluster
from proof.faults.disk import small_disk
from proof.faults.kinds import KINDS
from proof.faults.load import Back, Load, Times
from proof.faults.server import Server
from proof.shop import build, embedded

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


@contextmanager
def _shop(plan: Plan, place: Path) -> Iterator[Server]:
    """The plan's shop, made and not yet started."""
    data_dir = place / "shop"
    if "standby" not in plan.kinds:
        shop.prepare(data_dir)
        yield Server(data_dir, workers=plan.workers, tls=plan.tls)
        return
    data_dir.mkdir()
    cluster = Cluster(place)
    cluster.start()
    try:
        shop.fill(build(cluster.url, data_dir).url)
        yield Server(data_dir, workers=plan.workers, tls=plan.tls, cluster=cluster)
    finally:
        cluster.stop()


@contextmanager
def _disk(plan: Plan, place: Path) -> Iterator[None]:
    """For a plan that fills it, a small file system of its own in `place`. Raises DiskError without the right to."""
    if "disk-full" in plan.kinds:
        with small_disk(place):
            yield
    else:
        yield


async def run(plan: Plan, place: Path, tell: Callable[[float], None] = lambda _: None) -> Outcome:
    """Carry out the plan in the empty directory `place`. `tell` hears of each recovery, in seconds."""
    with _disk(plan, place), _shop(plan, place) as server:
        load = Load(shop.customers(server.data_dir))
        times: list[Times] = []
        await server.start()
        try:
            async with load.running(server.url, server.trust()):
                async for back in _inject(plan, server, load):
                    times.append(back)
                    tell(back.whole)
        finally:
            await server.stop()
        return Outcome(
            kinds=plan.kinds,
            verdict=_audit(server, load),
            repeated=load.repeated,
            replayed=load.replayed,
            times=times,
        )


async def _inject(plan: Plan, server: Server, load: Load) -> AsyncIterator[Times]:
    """Do one fault after the other, each when service is back from the last. Yields the times of each recovery."""
    chance = random.Random(plan.seed)
    await _service(server, load)
    for kind in plan.kinds:
        back = load.back()
        await asyncio.gather(KINDS[kind](server, chance), _returned(server, load, back))
        assert back.times is not None, "service is back"
        yield back.times
        await asyncio.sleep(chance.uniform(0.05, 0.4))


async def _service(server: Server, load: Load) -> None:
    """Wait until every customer has bought something. Raises NotBackError."""
    await _returned(server, load, load.back())


async def _returned(server: Server, load: Load, back: Back) -> None:
    if not await back.wait(PATIENCE):
        raise NotBackError(
            f"not every customer was served within {PATIENCE:.0f} s; {dict(load.unexpected)}\n{server.log()[-4000:]}"
        )


def _audit(server: Server, load: Load) -> audit.Verdict:
    """Audit the database that the stopped server has left."""
    if server.cluster is not None:
        return audit.audit(server.cluster.url, load)
    with embedded(server.data_dir) as url:
        return audit.audit(url, load)
