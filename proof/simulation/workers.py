"""Workers: each the parts of a real worker that checkouts and payments go through, on wires of its own."""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from psycopg_pool.base import AttemptWithBackoff

from lingdang.catalog.memory import Memory
from lingdang.checkout.checkouts import Checkouts
from lingdang.checkout.order_token import OrderTokens
from lingdang.checkout.reading import CheckoutReader
from lingdang.coupons.chooser import Chooser
from lingdang.coupons.guessing import CodeLimits
from lingdang.db.lane import Lane
from lingdang.db.pool import Pool
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring
from lingdang.ledger import settlement as settling
from lingdang.ledger.settlement import Settlement
from lingdang.pacing import Pacing
from lingdang.payment.payments import Payments
from lingdang.payment.signing import SIGNED_FIELDS
from lingdang.settings import SIGN_TYPES, Settings
from proof.simulation.plan import BASE, OFFER_SECONDS, SESSION_SECONDS, Fault
from proof.simulation.wire import NOTHING, Wire

T = TypeVar("T")

WIRES = ("settlement", "checkout", "pool")

GIVE_UP_SECONDS = 0.03
"""How long a batch is run again: long enough for a broken connection, short enough to see what giving up answers."""
PATIENT_SECONDS = 3600.0
"""How long the database is waited for: only faults of the plan end a wait, not a slow machine."""
AGAIN_SECONDS = 0.002
"""The pause before a worker tries again to reach the database."""

_SECONDS: dict[tuple[Any, str], float] = {
    (settling, "AGAIN_SECONDS"): AGAIN_SECONDS,
    (settling, "LEAST_SECONDS"): PATIENT_SECONDS,
    (AttemptWithBackoff, "INITIAL_DELAY"): AGAIN_SECONDS,
    (AttemptWithBackoff, "DELAY_BACKOFF"): 1.0,
}
"""What the settlement and the pool wait for while a simulation runs."""


class LostError(Exception):
    """No answer came: the worker died, or the client hung up."""


class SimulatedClock:
    """The time, which moves only when it is told to."""

    def __init__(self) -> None:
        self.now = BASE
        self.latest = BASE
        self.skews: tuple[timedelta, ...] = ()

    def reset(self, skews: tuple[timedelta, ...]) -> None:
        """Begin anew at BASE, with these errors of the workers' clocks."""
        self.now = self.latest = BASE
        self.skews = skews
        self.move(timedelta())

    def move(self, by: timedelta) -> None:
        """Forward, or back."""
        self.now += by
        self.latest = max(self.latest, self.now + max(self.skews, default=timedelta()))

    def of(self, worker: int) -> datetime:
        """What this worker's clock shows."""
        return self.now + (self.skews[worker] if worker < len(self.skews) else timedelta())


class Worker:
    """One worker. Its parts are made by `start`, and gone after `kill`."""

    def __init__(self, number: int, database_url: str, keyring: Keyring, clock: SimulatedClock) -> None:
        self.number = number
        self.alive = False
        self.killed = 0
        self.wires = {name: Wire(database_url, self.kill) for name in WIRES}
        self._keyring = keyring
        self._clock = clock
        self._requests: set[asyncio.Task[Any]] = set()
        self._own: set[asyncio.Task[Any]] = set()

    def now(self) -> datetime:
        """What its clock shows."""
        return self._clock.of(self.number)

    async def start(self) -> None:
        """Make the parts anew, as a supervisor does after a death."""
        urls = {name: await wire.open() for name, wire in self.wires.items()}
        before = asyncio.all_tasks()
        self.sessions = Sessions(self._keyring, 1, SIGN_TYPES, SESSION_SECONDS)
        self.pool = Pool(
            urls["pool"], 2, pgbouncer=False, wait_seconds=PATIENT_SECONDS, statement_seconds=PATIENT_SECONDS
        )
        memory = Memory()
        self.settlement = Settlement(
            urls["settlement"],
            memory,
            buckets=1,
            clock=self.now,
            pgbouncer=False,
            queue_limit=100,
            batch_limit=8,
            seconds=PATIENT_SECONDS,
            give_up_seconds=GIVE_UP_SECONDS,
        )
        lane = Lane(urls["checkout"], pgbouncer=False, answer_seconds=PATIENT_SECONDS)
        self.reader = CheckoutReader(0, lane, memory, self.now, queue_limit=100, batch_limit=8)
        tokens = OrderTokens(self._keyring)
        self.checkouts = Checkouts(
            [self.reader],
            tokens,
            self.pool,
            CodeLimits(self.pool, self.now, 1000, 900, Pacing()),
            self.now,
            offer_seconds=OFFER_SECONDS,
            signed_fields=SIGNED_FIELDS,
            max_body_bytes=Settings().max_body_bytes,
            chooser=Chooser(),
        )
        self.payments = Payments(tokens, self.settlement)
        await self.pool.open()
        self.settlement.open()
        self.reader.open()
        self._own = asyncio.all_tasks() - before
        self.alive = True

    async def ask(self, work: Coroutine[Any, Any, T], patience: int | None = None) -> T:
        """Have a request handled here. Raises LostError when no answer comes, and whatever it is refused with."""
        if not self.alive:
            work.close()
            raise LostError
        task = asyncio.create_task(work)
        self._requests.add(task)
        try:
            if patience is not None:
                await spin(patience)
                task.cancel()
            return await task
        except asyncio.CancelledError:
            raise LostError from None
        finally:
            self._requests.discard(task)

    def kill(self) -> None:
        """Die at once: every connection breaks, nothing goes on."""
        if not self.alive:
            return
        self.alive = False
        self.killed += 1
        for wire in self.wires.values():
            wire.close()
        for task in self._requests | self._own:
            task.cancel()

    def expect(self, faults: Mapping[str, Mapping[int, Fault]]) -> None:
        """The faults to come, by wire."""
        for name, wire in self.wires.items():
            wire.expect(faults.get(name, NOTHING))

    async def calm(self) -> None:
        """Wait for the faults that are under way."""
        await asyncio.gather(*(wire.calm() for wire in self.wires.values()))

    async def revive(self) -> None:
        """Start again if it was killed."""
        if not self.alive:
            await self._bury()
            await self.start()

    async def _bury(self) -> None:
        """Let go of what a dead worker held in this process; on its wires nothing is heard of it."""
        for wire in self.wires.values():
            wire.close()
        with suppress(Exception):
            await self.pool.close(timeout=0)
        while pending := {task for task in self._own if not task.done()}:
            for task in pending:  # the pool's own tasks may survive a first time
                task.cancel()
            await asyncio.wait(pending, timeout=0.05)

    async def stop(self) -> None:
        """End well."""
        if self.alive:
            await self.settlement.close()
            await self.reader.close()
            await self.pool.close()
            for wire in self.wires.values():
                wire.close()
        else:
            await self._bury()


class Fleet:
    """The workers of one simulation, kept from seed to seed: connections are dearer than seeds."""

    def __init__(self, database_url: str, keyring: Keyring, size: int = 3) -> None:
        self.clock = SimulatedClock()
        self.database_url = database_url
        self.workers = [Worker(number, database_url, keyring, self.clock) for number in range(size)]

    async def __aenter__(self) -> "Fleet":
        self._normal = [(place, name, getattr(place, name)) for place, name in _SECONDS]
        for (place, name), seconds in _SECONDS.items():
            setattr(place, name, seconds)
        for worker in self.workers:
            await worker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for place, name, seconds in self._normal:
            setattr(place, name, seconds)
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    async def end_faults(self) -> None:
        """No fault comes any more. When this returns none is under way, and every worker is alive.

        A client who has hung up does not wait for the flush that is to kill its worker.
        """
        for worker in self.workers:
            worker.expect({})
        for worker in self.workers:
            await worker.calm()
            await worker.revive()

    def met(self) -> list[str]:
        """The kinds of fault that happened since they were announced."""
        return [kind for worker in self.workers for wire in worker.wires.values() for kind in wire.met]


async def spin(turns: int) -> None:
    """Let the event loop turn so many times."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def all_of(works: Sequence[Awaitable[None]]) -> None:
    """Wait for all of them; raises what the first one raised."""
    await asyncio.gather(*works)
