"""One turn of a courier: the endpoint as it is now, and how it is sent to."""

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from lingdang.clock import Clock
from lingdang.db.pool import Connection, Pool, connection_of, transaction
from lingdang.events import kinds
from lingdang.events.event import Event
from lingdang.events.telling import Thresholds
from lingdang.events.webhooks import places, retries
from lingdang.events.webhooks.figures import Record, attempt
from lingdang.events.webhooks.held import Held, WaitingList
from lingdang.events.webhooks.leases import InDoubtError, Leases
from lingdang.events.webhooks.messages import Told, message
from lingdang.events.webhooks.places import Endpoint
from lingdang.events.webhooks.reads import Reads
from lingdang.events.webhooks.running import Failure, Health, Run
from lingdang.events.webhooks.secrets import Secrets
from lingdang.events.webhooks.sending import Answer, Sender
from lingdang.events.webhooks.signing import Secret, signed_headers
from lingdang.events.webhooks.strands import Strands
from lingdang.events.webhooks.targets import TargetError, read_target
from lingdang.journal.pace import Pace

LOOK_SECONDS = 1.0
"""How often a turn looks whether the endpoint is still as it was."""

chance: retries.Chance = random.SystemRandom().random


class Parts(msgspec.Struct, frozen=True):
    """What the couriers of one process share. `counts` adds up requests by outcome."""

    pool: Pool
    sender: Sender
    secrets: Secrets
    leases: Leases
    pace: Pace
    clock: Clock
    buckets: int
    low: Thresholds
    reads: Reads
    counts: dict[str, int]


class Turn:
    """A turn at one endpoint."""

    def __init__(
        self,
        parts: Parts,
        endpoint_id: str,
        endpoint: Endpoint,
        secrets: Sequence[Secret],
        record: Record,
        waiting: WaitingList,
        strands: Strands,
        health: Health,
    ) -> None:
        self.parts = parts
        self.endpoint_id = endpoint_id
        self.endpoint = endpoint
        self.health = health
        self.waiting = waiting
        self.strands = strands
        self._secrets = secrets
        self._is_over = False
        self._look_at = time.monotonic() + LOOK_SECONDS
        self.record = record

    def run(self, done: set[str]) -> Run:
        """Some events of this turn, of which those of `done` have arrived."""
        return Run(self._send, self.endpoint.batch, self.health, self._looks_the_same, done)

    def may_send(self) -> bool:
        """Whether this worker still sends for the endpoint, which was the same when it was looked at last."""
        return not self._is_over and self.parts.leases.is_valid(self.endpoint_id)

    async def _looks_the_same(self) -> bool:
        """Whether the turn goes on. With a slow receiver it takes minutes, in which the endpoint may be written anew or
        get another secret."""
        if time.monotonic() >= self._look_at and self.may_send():
            self._look_at = time.monotonic() + LOOK_SECONDS
            async with connection_of(self.parts.pool) as connection:
                found = await places.load(connection, self.endpoint_id, self.parts.clock())
            self._is_over = found is None or found.state != self.endpoint.state
        return self.may_send()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A transaction that nobody can make but who sends for the endpoint. Raises LeaseLostError, and InDoubtError
        when it may have been committed or not."""
        begun = False
        try:
            async with transaction(self.parts.pool) as connection:
                await self.parts.leases.require(connection, self.endpoint_id, self.endpoint.created_at)
                begun = True
                yield connection
        except Exception as error:
            if begun:
                raise InDoubtError(self.endpoint_id) from error
            raise

    async def _send(self, told: Sequence[Told]) -> Answer:
        """Send these events as one message."""
        made = message(told, batched=self.endpoint.batched, thin=self.endpoint.thin)
        try:
            target = read_target(self.endpoint.url)
        except TargetError as error:
            return Answer(None, 0.0, reason=str(error))
        headers = signed_headers(self._secrets, made.id, self.parts.clock(), made.body)
        answer = await self.parts.sender.send(target, headers, made.body)
        self.parts.counts[outcome(answer)] += 1
        noted = attempt(made.id, self.parts.clock(), len(told), answer)
        self.record.note(noted, [each.event.time for each in told])
        return answer


def outcome(answer: Answer) -> str:
    """Under which word a request is counted."""
    if answer.accepted:
        return "accepted"
    return "unanswered" if answer.status is None else "refused"


def reason(answer: Answer) -> str:
    """Why a request failed, in one line."""
    return answer.reason or f"{answer.status} {answer.body}".strip()


def first_failure(failure: Failure, now: datetime) -> Held:
    """The row of an event that failed for the first time."""
    asked = retries.read_retry_after(failure.answer.retry_after, now)
    due = now + retries.pause(1, asked, chance)
    return row_behind(failure.told)._replace(failures=1, first_failed_at=now, due_at=due, reason=reason(failure.answer))


def row_behind(told: Told) -> Held:
    """The row of an event that waits for one before it."""
    bucket, customer = told.whose
    return Held(bucket, customer, told.position, told.event.id, told.event.time)


def is_wanted(endpoint: Endpoint, event: Event) -> bool:
    """Whether the endpoint has asked for events of the type. Of a restore everybody is told."""
    return endpoint.types is None or event.type in endpoint.types or is_reset(event)


def is_reset(event: Event) -> bool:
    """Whether it tells of a restore: what is behind it makes sense to those only who know of that."""
    return event.type == kinds.RESET
