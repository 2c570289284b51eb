"""A courier: delivers to one endpoint for as long as its worker has the endpoint's lease.

It reads a page of events after the cursor, sends them, and moves the cursor once each of them arrived or is held. What
was sent and not yet written down is sent again after a crash: an event arrives at least once. What is held is tried
again beside that, so that it holds up its own customer alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from lingdang.db.pool import connection_of, transaction
from lingdang.errors import Problem
from lingdang.events import kinds, notices
from lingdang.events.webhooks import held, places, retries
from lingdang.events.webhooks.delivering import PAGE, Page, deliver, read_page, read_replay, settle
from lingdang.events.webhooks.figures import Record
from lingdang.events.webhooks.held import WaitingList, Whose
from lingdang.events.webhooks.leases import EndedError, InDoubtError, LeaseLostError
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.retrying import has_given_up, retry, retry_due
from lingdang.events.webhooks.running import GONE, Health
from lingdang.events.webhooks.secrets import LostSecretError
from lingdang.events.webhooks.sending import Answer
from lingdang.events.webhooks.signing import Secret
from lingdang.events.webhooks.strands import Strands
from lingdang.events.webhooks.turn import Parts, Turn, chance, is_reset

IDLE_SECONDS = 0.5
"""How long a courier waits when nothing was new."""
PATIENCE_SECONDS = 5.0
"""How long it waits after a fault of its own."""
FIGURES_SECONDS = 5.0
"""How often what it has seen is written down."""
_PROBED = 20

_log = structlog.get_logger(__name__)


class Candidate(NamedTuple):
    """An event that may show that an endpoint works, and the page that it is of."""

    page: Page
    told: Told


class Courier:
    """Delivers to the endpoint of this name that was created at `created_at`. `waiting` is what is held for it, and
    `record` what was seen before. Whatever makes these doubtful ends the courier, and the next one begins from what is
    written down."""

    def __init__(
        self, endpoint_id: str, created_at: datetime, parts: Parts, waiting: WaitingList, record: Record
    ) -> None:
        self.endpoint_id = endpoint_id
        self._created_at = created_at
        self.is_failing = False
        self._parts = parts
        self._waiting = waiting
        self._record = record
        self._strands = Strands()
        self._pages: dict[int | None, Page] = {}
        """By bucket what was begun of the journal, and under None of a replay."""
        self._suspects: set[Whose] = set()
        self._suspects_held: set[Whose] = set()
        """Who made it stop: of what is new, and of what is held."""
        self._failed: set[Whose] = set()
        """Whose events failed since something arrived."""
        self._written_anew: datetime | None = None
        self._secrets: tuple[Sequence[int], Sequence[Secret]] | None = None
        """Those that sign, with their numbers."""
        self._has_looked = False
        """Whether a page of each bucket was read."""
        self._written = self._caught_up = time.monotonic()

    def lag(self) -> float:
        """Seconds since everything that was there had been delivered or held."""
        return time.monotonic() - self._caught_up

    async def run(self) -> None:
        """Deliver until the endpoint is paused, deleted or another worker's, or what is written down is in doubt.
        Raises ExceptionGroup of EndedError then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._for_ever(self.turn))
                tasks.create_task(self._for_ever(self.retry))
        finally:
            await self.close()

    async def close(self) -> None:
        """End what is under way. It is held, and sent again."""
        await self._strands.close()

    async def _for_ever(self, work: Callable[[], Awaitable[float]]) -> None:
        while True:
            try:
                await asyncio.sleep(await work())
            except InDoubtError:
                _log.warning("delivery_in_doubt", endpoint=self.endpoint_id, exc_info=True)
                raise
            except EndedError:
                raise
            except Problem as problem:
                _log.warning("delivery_postponed", endpoint=self.endpoint_id, code=problem.code)
                await asyncio.sleep(IDLE_SECONDS)
            except Exception:
                _log.exception("delivery_failed", endpoint=self.endpoint_id)
                await asyncio.sleep(PATIENCE_SECONDS)

    async def turn(self) -> float:
        """Deliver what there is now. Returns for how long there is nothing more."""
        await self._write_figures()
        began = time.monotonic()
        stopped = self._strands.look()
        turn = await self._begin(self._suspects)
        if turn is None:
            return IDLE_SECONDS
        turn.health.stopped = None if self.is_failing else stopped
        if not await self._work(turn):
            return IDLE_SECONDS
        return self._parts.pace.rest(time.monotonic() - began, self.lag())

    async def retry(self) -> float:
        """Try what is held and due. Returns for how long there is nothing more."""
        if not len(self._waiting) or self.is_failing or self._is_barred():
            return IDLE_SECONDS
        turn = await self._begin(self._suspects_held)
        if turn is None or self.is_failing:
            return IDLE_SECONDS
        more = await retry_due(turn)
        if await has_given_up(turn):
            await self._pause(turn, f"{held.MOST_PARKED} events were given up since it was written last.")
        if turn.health.stopped is not None:
            await self._stop(turn, turn.health.stopped)
            return IDLE_SECONDS
        self._suspects_held.clear()
        return 0.0 if more else IDLE_SECONDS

    async def _begin(self, suspects: set[Whose]) -> Turn | None:
        """What is needed now; None while nothing is to be sent. Raises EndedError, LeaseLostError."""
        parts, now = self._parts, self._parts.clock()
        if not parts.leases.is_valid(self.endpoint_id) or not parts.pace.allows(self.lag()):
            return None
        async with connection_of(parts.pool) as connection:
            endpoint = await places.load(connection, self.endpoint_id, now)
            if endpoint is None or endpoint.created_at != self._created_at:
                raise EndedError(self.endpoint_id)
            if endpoint.holder != parts.leases.holder:
                raise LeaseLostError(self.endpoint_id)
            self.is_failing = endpoint.failing_since is not None
            if self._written_anew != endpoint.updated_at:
                self._written_anew = endpoint.updated_at
                self._failed.clear()
            if endpoint.next_try_at is not None and endpoint.next_try_at > now:
                return None
            if self._secrets is None or self._secrets[0] != endpoint.secrets:
                try:
                    opened = await parts.secrets.in_use(connection, self.endpoint_id, now)
                except LostSecretError:
                    if self._secrets is None or self._secrets[1]:
                        _log.error("webhook_secret_lost", endpoint=self.endpoint_id)
                    self._secrets = (), ()
                    return None
                self._secrets = endpoint.secrets, opened
        arrived = any(page.done for page in self._pages.values())
        health = Health(arrived, suspects, self._failed)
        return Turn(
            parts, self.endpoint_id, endpoint, self._secrets[1], self._record, self._waiting, self._strands, health
        )

    async def _work(self, turn: Turn) -> bool:
        """Whether there is more to do at once."""
        more = turn.health.stopped is None and await self._go_on(turn)
        if turn.health.stopped is not None:
            await self._stop(turn, turn.health.stopped)
            return False
        return more

    async def _go_on(self, turn: Turn) -> bool:
        return (not self.is_failing or await self._probe(turn)) and await self._deliver_all(turn)

    async def _deliver_all(self, turn: Turn) -> bool:
        """Send on from each cursor, then what is replayed. Returns whether there is more."""
        more = False
        for bucket in range(self._parts.buckets):
            more |= await self._deliver(turn, bucket)
        self._has_looked = True
        if not more and turn.health.stopped is None and not self._waiting.is_full:
            self._caught_up = time.monotonic()
            more = turn.endpoint.is_replayed and await self._deliver(turn, None)
        return more

    async def _deliver(self, turn: Turn, bucket: int | None) -> bool:
        page = await self._page(turn, bucket)
        if page is None or turn.health.stopped is not None or not await deliver(turn, page):
            return False
        del self._pages[bucket]
        self._suspects.clear()
        return page.more or page.replay is not None

    def _is_barred(self) -> bool:
        """Whether a restore may have to be told of first."""
        begun = (page for bucket, page in self._pages.items() if bucket is not None)
        return not self._has_looked or any(page.is_barred for page in begun)

    async def _page(self, turn: Turn, bucket: int | None) -> Page | None:
        """The page that was begun, or the next one. What nothing has arrived of is read anew, with what came since."""
        begun = self._pages.get(bucket)
        if begun is not None and begun.done:
            begun.narrow(turn.endpoint)
            return begun
        most = max(PAGE, 2 * turn.endpoint.batch)
        if self._parts.pace.busy:
            most = min(most, self._parts.pace.most(self.lag()))
        page = await (read_replay(turn, most) if bucket is None else read_page(turn, bucket, most))
        if page is None:
            self._pages.pop(bucket, None)
        else:
            self._pages[bucket] = page
        return page

    async def _probe(self, turn: Turn) -> bool:
        """Send one event to an endpoint where everything failed. Returns whether it arrived.

        Each time it is another customer's, so that none whose event fails for its own sake hides a working endpoint.
        """
        tried = await self._candidates(turn)
        if not tried:
            return False
        answer = await self._answer(turn, tried[turn.endpoint.failures % len(tried)])
        if answer is not None and answer.accepted:
            await self._recover(turn)
            return True
        turn.health.stopped = turn.health.stopped or answer
        return False

    async def _answer(self, turn: Turn, chosen: Candidate | Whose) -> Answer | None:
        """How one event is answered; None when nothing was sent."""
        if isinstance(chosen, Candidate):
            run = turn.run(chosen.page.done)
            await run.in_order([chosen.told])
            return run.last
        tried = await retry(turn, chosen, 1)
        return None if tried is None else tried.last

    async def _candidates(self, turn: Turn) -> list[Candidate | Whose]:
        """Each customer's first event of those that can be sent, and each customer of whom something is held."""
        found: dict[Whose, Candidate | Whose] = {}
        replayed = [None] if turn.endpoint.is_replayed else []
        for bucket in (*range(self._parts.buckets), *replayed):
            page = await self._page(turn, bucket)
            while page is not None and page.more and not page.free(turn.waiting):
                # All of it waits behind what is held; beyond it there may be others.
                await settle(turn, page, turn.run(page.done))
                del self._pages[bucket]
                page = await self._page(turn, bucket)
            if page is None:
                continue
            first = next(page.parts(turn.waiting), [])
            for told in first:
                found.setdefault(told.whose, Candidate(page, told))
            if first and bucket is not None and is_reset(first[0].event):
                return [Candidate(page, first[0])]
        async with connection_of(self._parts.pool) as connection:
            for whose in await held.first(connection, self.endpoint_id, _PROBED):
                found.setdefault(whose, whose)
        return list(found.values())

    async def _recover(self, turn: Turn) -> None:
        async with turn.writing() as connection:
            await places.note_recovered(connection, self.endpoint_id)
            await held.begin_anew(connection, self.endpoint_id)
        _log.info("webhook_endpoint_recovered", endpoint=self.endpoint_id)
        self.is_failing = False

    async def _stop(self, turn: Turn, answer: Answer) -> None:
        """Leave the endpoint alone for a while; for good when it wants nothing more."""
        if answer.status == GONE:
            await self._pause(turn, "It answered 410.")
        now, failures = self._parts.clock(), turn.endpoint.failures + 1
        asked = retries.read_retry_after(answer.retry_after, now)
        due = now + retries.probe_pause(failures, asked, chance)
        async with turn.writing() as connection:
            await places.note_failing(connection, self.endpoint_id, now, failures, due)
        if not self.is_failing:
            _log.warning(
                "webhook_endpoint_failing", endpoint=self.endpoint_id, status=answer.status, reason=answer.reason
            )
        self.is_failing = True

    async def _pause(self, turn: Turn, reason: str) -> None:
        """The endpoint is sent nothing more: it keeps its position, and operators are told. Raises EndedError."""
        now = self._parts.clock()
        told = kinds.EndpointPaused(endpoint_id=self.endpoint_id, reason=reason)
        notice = notices.Notice(notices.NOBODY, kinds.PAUSED, f"{self.endpoint_id} {now.isoformat()}", told)
        async with transaction(self._parts.pool) as connection:
            await notices.begin(connection, 0)
        async with transaction(self._parts.pool) as connection:
            await notices.write(connection, 0, now, [notice])
        async with turn.writing() as connection:
            await places.note_gone(connection, self.endpoint_id, now)
        _log.error("webhook_endpoint_paused", endpoint=self.endpoint_id, reason=reason)
        raise EndedError(self.endpoint_id)

    async def _write_figures(self) -> None:
        """Write down what was seen, not too often."""
        if not self._record.changed or time.monotonic() - self._written < FIGURES_SECONDS:
            return
        self._written = time.monotonic()
        async with transaction(self._parts.pool) as connection:
            await places.write_figures(connection, self.endpoint_id, self._created_at, self._record.figures())
