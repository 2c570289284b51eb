"""One kind of overload on a shop of its own: before it, during it, after it, and beside idle loops instead."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg

from lingdang.ledger.reconcile import reconcile
from proof.faults import shop
from proof.faults.overload import shop as stocked
from proof.faults.overload.children import child, heard, say
from proof.faults.overload.history import History, Newcomers, Span, buying
from proof.faults.overload.kinds import KINDS
from proof.faults.overload.processes import Memory, cpu_seconds, others_cpu_seconds, workers_ended
from proof.faults.overload.site import Attack, Attacked, Burning, Site
from proof.faults.server import Server
from proof.shop import embedded

OPEN_FILES = 1024
"""What the server's processes may open: what systems give when nobody asks for more."""
PATIENCE = 120.0
"""Seconds within which somebody must be able to buy, whatever goes on."""
IDLE_LOOPS = 4
"""How many share the CPU time that is burnt, so that the system gives it to them."""

_STORED = "SELECT order_id FROM orders JOIN customer USING (customer) WHERE customer_id = ANY(%s)"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, one kind after the other on the same shop."""

    kinds: tuple[str, ...]
    seconds: float = 10.0
    rounds: int = 1
    workers: int = 1
    share: float = 1.0
    """Of the connections that each kind has."""
    products: int = 300_000
    compared: bool = True
    """Whether idle loops are measured as well."""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """Some seconds: purchases, and the CPU seconds that the shop and others on this machine took."""

    span: Span
    paid: int
    cpu_seconds: float
    others: float


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison: before and beside idle loops, and the CPU seconds that these burnt."""

    before: Phase
    during: Phase
    burnt: float


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One attack. Memory is in bytes, of the workers alone."""

    before: Phase
    during: Phase
    after: Phase
    idle: Idle | None
    attacked: Attacked
    server_seconds: float
    """CPU seconds that the shop spent on the attack: all it took during it, less what its purchases took before."""
    refusals: Counter[str]
    newcomers: Newcomers
    longest_gap: float
    workers_ended: int
    memory_before: int
    memory_peak: int
    memory_after: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind did, in all its rounds."""

    kind: str
    connections: int
    rounds: list[Round]

    @property
    def workers_ended(self) -> int:
        """In all rounds."""
        return sum(each.workers_ended for each in self.rounds)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All outcomes, and what is wrong with the books in the end."""

    outcomes: list[Outcome]
    faults: list[str]


async def run(plan: Plan, place: Path) -> Result:
    """Carry out the plan in the empty directory `place`. Raises TimeoutError when nobody can buy any more."""
    data_dir = place / "shop"
    stocked.prepare(data_dir, plan.products)
    server = Server(data_dir, workers=plan.workers, tls=True, open_files=OPEN_FILES)
    everybody = shop.customers(data_dir, shop.CUSTOMERS + stocked.STRANGERS)
    buyers, strangers = everybody[: shop.CUSTOMERS], everybody[shop.CUSTOMERS :]
    await server.start()
    try:
        site = _site(server, strangers)
        async with buying(_site(server, buyers)) as history:
            await history.purchase(PATIENCE)
            outcomes = [await _Measuring(plan, server, site, history).kind(kind) for kind in plan.kinds]
    finally:
        await server.stop()
    names = [customer.cust_id for customer in buyers]
    return Result(outcomes=outcomes, faults=await asyncio.to_thread(_audit, data_dir, names, history))


def _site(server: Server, customers: list[shop.Customer]) -> Site:
    url = urlsplit(server.url)
    assert url.hostname is not None, "a server's address names a host"
    assert url.port is not None, "a server's address names a port"
    trust = str(server.data_dir / "tls" / "ca.pem")
    return Site(host=url.hostname, port=url.port, trust=trust, customers=customers)


class _Measuring:
    """The phases of one kind."""

    def __init__(self, plan: Plan, server: Server, site: Site, history: History) -> None:
        self._plan = plan
        self._server = server
        self._site = site
        self._history = history

    async def kind(self, name: str) -> Outcome:
        connections = max(1, round(KINDS[name].connections * self._plan.share))
        job = Attack(site=self._site, kind=name, connections=connections, seconds=self._plan.seconds)
        rounds = [await self._round(job) for _ in range(self._plan.rounds)]
        return Outcome(kind=name, connections=connections, rounds=rounds)

    async def _round(self, job: Attack) -> Round:
        ended, memory = workers_ended(self._server), Memory(self._server)
        async with child("proof.faults.overload.attackers", job) as attackers:
            await heard(attackers)
            before = await self._phase()
            memory_before = memory.now()
            async with memory.watched():
                await say(attackers, b"begin")
                during = await self._phase()
                attacked = msgspec.json.decode(await heard(attackers), type=Attacked)
                after = await self._phase()
        server_seconds = max(0.0, during.cpu_seconds - before.cpu_seconds * during.paid / max(1, before.paid))
        whole = Span(during.span.began, after.span.ended)
        return Round(
            before=before,
            during=during,
            after=after,
            memory_before=memory_before,
            memory_peak=memory.peak,
            memory_after=memory.now(),
            idle=await self._idle(attacked.cpu_seconds + server_seconds) if self._plan.compared else None,
            attacked=attacked,
            server_seconds=server_seconds,
            refusals=self._history.refusals(whole),
            newcomers=self._history.newcomers(whole),
            longest_gap=self._history.longest_gap(whole),
            workers_ended=workers_ended(self._server) - ended,
        )

    async def _idle(self, seconds: float) -> Idle:
        """Measure once more, with idle loops that take so many CPU seconds in the place of the attack."""
        job = Burning(rate=min(1.0, seconds / self._plan.seconds / IDLE_LOOPS), seconds=self._plan.seconds)
        async with AsyncExitStack() as stack:
            loops = [
                await stack.enter_async_context(child("proof.faults.overload.burning", job)) for _ in range(IDLE_LOOPS)
            ]
            for loop in loops:
                await heard(loop)
            before = await self._phase()
            for loop in loops:
                await say(loop, b"begin")
            during = await self._phase()
            return Idle(before=before, during=during, burnt=sum([float(await heard(loop)) for loop in loops]))

    async def _phase(self) -> Phase:
        """The plan's seconds, and longer only when nobody has bought anything by then."""
        began, spent, others = time.monotonic(), cpu_seconds(self._server), others_cpu_seconds(self._server)
        await asyncio.sleep(self._plan.seconds)
        if not self._history.paid(Span(began, time.monotonic())):
            await self._history.purchase(PATIENCE)
        span = Span(began, time.monotonic())
        return Phase(
            span=span,
            paid=self._history.paid(span),
            cpu_seconds=cpu_seconds(self._server) - spent,
            others=others_cpu_seconds(self._server) - others,
        )


def _audit(data_dir: Path, names: list[str], history: History) -> list[str]:
    """What is wrong in the database that the stopped server has left."""
    with embedded(data_dir) as url, psycopg.connect(url, autocommit=True) as connection:
        stored = {str(row[0]) for row in connection.execute(_STORED, (names,))}
        differences = reconcile(connection).differences
    told = set(history.order_ids())
    missing = {"were lost": len(told - stored), "were not answered": len(stored - told)}
    return [
        *(f"{count} orders {what}" for what, count in missing.items() if count),
        *(f"reconcile: {difference}" for difference in differences),
    ]
