"""The background task that delivers to webhooks: a courier for each endpoint whose lease this process holds.

Any number of processes may run one. Each endpoint is one process's at a time; when that is stopped or killed, another
one has its endpoints some seconds later and goes on from their cursors.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, connection_of, transaction
from lingdang.errors import Problem
from lingdang.events.epochs import Rollback
from lingdang.events.telling import Thresholds
from lingdang.events.webhooks import held, places
from lingdang.events.webhooks.courier import Courier
from lingdang.events.webhooks.figures import Record
from lingdang.events.webhooks.leases import RENEW_SECONDS, EndedError, Leases
from lingdang.events.webhooks.pressed import Pressed
from lingdang.events.webhooks.reads import Reads
from lingdang.events.webhooks.secrets import Secrets
from lingdang.events.webhooks.sending import Rules, Sender
from lingdang.events.webhooks.turn import Parts
from lingdang.journal.pace import Pace
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring
from lingdang.ledger.settled import ReadSettled, nothing

OUTCOMES = ("accepted", "refused", "unanswered")
LOOK_SECONDS = 30.0
LATE = timedelta(minutes=15)
COUNTED = 10_000

# Nobody holds the endpoint, or what is due there is not tried.
_OVERDUE = f"""
SELECT (SELECT count(*) FROM webhook_lease l JOIN webhook_endpoint e USING (endpoint_id)
         WHERE e.active AND l.until < clock_timestamp() - interval '1 minute')
     + (SELECT count(*) FROM (SELECT FROM webhook_held h JOIN webhook_endpoint e USING (endpoint_id)
         WHERE e.active AND e.failing_since IS NULL AND h.due_at < %b LIMIT {COUNTED}) h)
"""  # noqa: S608 - a constant

_log = structlog.get_logger(__name__)


class Couriers:
    """Delivers, in one process. `settled` answers what was settled so far: payments come first. `overdue` counts
    endpoints that nobody sends for, and events that are not tried though they are due."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        rules: Rules,
        clock: Clock,
        buckets: int,
        low: Thresholds,
        witness: Witness,
        settled: ReadSettled = nothing,
    ) -> None:
        self._pool = pool
        self._keyring = keyring
        self._rules = rules
        self._clock = clock
        self._buckets = buckets
        self._low = low
        self._rollback = Rollback(witness)
        self._settled = settled
        self._leases = Leases()
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._looked = 0.0
        self.overdue = {"webhook": 0}
        self.gauges: Mapping[str, Callable[[], float]] = {
            "lingdang_webhook_accepted_total": lambda: self._counts["accepted"],
            "lingdang_webhook_refused_total": lambda: self._counts["refused"],
            "lingdang_webhook_unanswered_total": lambda: self._counts["unanswered"],
            "lingdang_webhook_endpoints": lambda: len(self._couriers),
            "lingdang_webhook_endpoints_failing": lambda: sum(each.is_failing for each, _ in self._couriers.values()),
        }

    def lag(self) -> float:
        """Seconds since everything had been delivered or held at each endpoint of this process that does not fail."""
        return max((each.lag() for each, _ in self._couriers.values() if not each.is_failing), default=0.0)

    async def look(self) -> None:
        """Count what is overdue."""
        async with connection_of(self._pool) as connection:
            rows = await connection.execute(_OVERDUE, (self._clock() - LATE,), binary=True)
            [(count,)] = await rows.fetchall()
        self.overdue["webhook"] = int(count)

    async def run(self) -> None:
        """Deliver until it is cancelled; then others may at once."""
        sender, reads = Sender(self._rules), Reads(self._pool, self._low)
        parts = Parts(
            pool=self._pool,
            sender=sender,
            secrets=Secrets(self._keyring),
            leases=self._leases,
            pace=Pace(Pressed(self._settled, lambda: reads.read_so_far)),
            clock=self._clock,
            buckets=self._buckets,
            low=self._low,
            reads=reads,
            counts=self._counts,
        )
        try:
            while True:
                await self._round(parts)
                await asyncio.sleep(RENEW_SECONDS)
        finally:
            await self._end()
            await sender.close()

    async def _round(self, parts: Parts) -> None:
        try:
            async with transaction(self._pool) as connection:
                await self._rollback.refuse(connection)
                leased = await self._leases.take(connection)
            # A lease that was let go of meanwhile has an endpoint made anew behind it, or a restore that was declared.
            for endpoint_id in self._couriers.keys() - (leased.all - leased.new):
                self._couriers[endpoint_id][1].cancel()
            # Who begins reads what the one before has written down: not before that one has ended.
            self._couriers = {name: each for name, each in self._couriers.items() if not each[1].done()}
            for endpoint_id in sorted(leased.said - self._couriers.keys()):
                await self._begin(endpoint_id, parts)
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._looked = time.monotonic()
                await self.look()
                async with transaction(self._pool) as connection:
                    await parts.secrets.seal_anew(connection)
        except EndedError:
            _log.info("webhook_endpoint_left_at_once")
        except Problem as problem:
            _log.warning("webhooks_postponed", code=problem.code)
        except Exception:
            _log.exception("webhooks_failed")

    async def _begin(self, endpoint_id: str, parts: Parts) -> None:
        async with transaction(self._pool) as connection:
            endpoint = await places.load(connection, endpoint_id, self._clock())
            if endpoint is None:
                return
            # What the courier before was writing down has ended then.
            await self._leases.require(connection, endpoint_id, endpoint.created_at)
            record = Record(await places.read_figures(connection, endpoint_id))
            waiting = held.WaitingList(await held.waiting_of(connection, endpoint_id))
        parts.reads.forget()
        courier = Courier(endpoint_id, endpoint.created_at, parts, waiting, record)
        self._couriers[endpoint_id] = courier, asyncio.create_task(_ended(courier))

    async def _end(self) -> None:
        """Stop sending, and let go of the endpoints."""
        tasks = [task for _, task in self._couriers.values()]
        self._couriers.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        try:
            async with transaction(self._pool) as connection:
                await self._leases.release(connection)
        except Problem:
            _log.warning("webhook_leases_not_released")


async def _ended(courier: Courier) -> None:
    """Let a courier work until it ends."""
    try:
        await courier.run()
    except* EndedError as ended:
        why = sorted({type(error).__name__ for error in ended.exceptions})
        _log.info("webhook_endpoint_left", endpoint=courier.endpoint_id, why=why)
