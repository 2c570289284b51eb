"""The settlement: the one door to the money. Commands gather, and are settled in one transaction a batch.

Several workers and machines may each run one on the same database: locks of the customers order them.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from lingdang.clock import Clock
from lingdang.db.deadline import breaks_after
from lingdang.db.failures import is_away, is_locked_out
from lingdang.db.gather import Gather, ObserveBatch
from lingdang.db.lane import Lane
from lingdang.db.pool import Connection
from lingdang.errors import Problem, retry_later
from lingdang.ids import bucket_of
from lingdang.ledger import store
from lingdang.ledger.catalogue import Catalogue
from lingdang.ledger.done import Done
from lingdang.ledger.rules import Command, Result, settle
from lingdang.ledger.settled import Settled
from lingdang.ledger.state import Changes

AGAIN_SECONDS = 0.1
"""The pause before a batch is run again while the database is away."""
LEAST_SECONDS = 0.1
"""What even the last attempt is given."""

_log = structlog.get_logger(__name__)


class Settlement:
    """One worker's way to settle commands: a lane of batches for each bucket."""

    def __init__(
        self,
        database_url: str,
        catalogue: Catalogue,
        *,
        buckets: int,
        clock: Clock,
        pgbouncer: bool,
        queue_limit: int,
        batch_limit: int,
        seconds: float,
        give_up_seconds: float,
        observe: ObserveBatch = lambda *_: None,
        observe_database: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._buckets = buckets
        self._lanes = [
            BucketLane(
                bucket,
                Lane(database_url, pgbouncer, begin=store.begin(bucket)),
                catalogue,
                clock,
                give_up_seconds,
                observe_database,
            )
            for bucket in range(buckets)
        ]
        self._gathers = [
            Gather(lane.run, queue_limit=queue_limit, batch_limit=batch_limit, seconds=seconds, observe=observe)
            for lane in self._lanes
        ]

    def __len__(self) -> int:
        """How many commands wait."""
        return sum(map(len, self._gathers))

    def settled(self) -> Settled:
        """What this one has settled so far."""
        return Settled(
            sum(gather.seconds_run for gather in self._gathers), sum(gather.calls_run for gather in self._gathers)
        )

    def require_room(self) -> None:
        """Raises Problem `overloaded` when no command would be taken, whoever's it is: nothing is spent on it then."""
        for gather in self._gathers:
            if gather.has_room():
                return
        raise self._gathers[0].refusal()

    async def submit(self, command: Command) -> Done:
        """Settle one command; when this returns, it is durable.

        Raises the Problem it is refused with: a rule's; `overloaded` when it was not executed and may be sent
        again; `outcome_unknown` when the database went away in the middle, and sending it again tells.
        """
        return await self._gathers[bucket_of(command.customer, self._buckets)].submit(command)

    def open(self) -> None:
        """Start settling, on the running event loop."""
        for gather in self._gathers:
            gather.open()

    async def close(self) -> None:
        """Refuse new commands, settle the accepted ones, and close the connections."""
        for gather in self._gathers:
            await gather.close()
        for lane in self._lanes:
            await lane.close()


class BucketLane:
    """Runs the batches of one bucket, one after the other, on one connection."""

    def __init__(
        self,
        bucket: int,
        lane: Lane,
        catalogue: Catalogue,
        clock: Clock,
        give_up_seconds: float,
        observe_database: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._bucket = bucket
        self._lane = lane
        self._catalogue = catalogue
        self._clock = clock
        self._give_up_seconds = give_up_seconds
        self._observe_database = observe_database

    async def close(self) -> None:
        """Close the connection; the next batch opens another."""
        await self._lane.close()

    async def run(self, commands: Sequence[Command]) -> Sequence[Result]:
        """Settle a batch, again and again while the database is away, and in halves when a command spoils it.

        Answers one result for each command. Never called while a batch of its own is under way.
        """
        return await self._settle(commands, _Attempt(time.monotonic() + self._give_up_seconds))

    async def _settle(self, commands: Sequence[Command], attempt: "_Attempt") -> Sequence[Result]:
        while True:
            try:
                return await self._once(commands, attempt)
            except Exception as error:
                if is_away(error):
                    _log.warning("database_away", size=len(commands), reason=type(error).__name__)
                    await self._lane.close()
                elif len(commands) > 1 and not attempt.is_over():
                    return await self._apart(commands, attempt)
                elif attempt.failed:
                    return [_refusal(commands[0], error, attempt)]
                elif not attempt.is_over():
                    # A race with another worker is seen and decided when it is run again.
                    attempt.failed = True
                    continue
            if attempt.is_over():
                return [retry_later(attempt.code, 2)] * len(commands)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self, commands: Sequence[Command], attempt: "_Attempt") -> Sequence[Result]:
        connection = await self._lane.connection()
        with breaks_after(connection, max(LEAST_SECONDS, attempt.give_up - time.monotonic())):
            return await self._on(connection, commands, attempt)

    async def _on(self, connection: Connection, commands: Sequence[Command], attempt: "_Attempt") -> Sequence[Result]:
        try:
            started = time.perf_counter()
            state, now = await store.load(
                connection, self._bucket, commands, self._clock, self._catalogue, in_doubt=attempt.failed
            )
            loaded = time.perf_counter()
            results, changes = settle(state, commands, now)
            if not changes:
                await store.leave(connection)
                return results
            decided = time.perf_counter()
            await self._save(connection, changes, attempt)
            self._observe_database(loaded - started + time.perf_counter() - decided)
            return results
        except BaseException:
            await self._lane.abandon(connection)
            raise

    async def _save(self, connection: Connection, changes: Changes, attempt: "_Attempt") -> None:
        try:
            await store.save(connection, self._bucket, changes)
        except Exception as error:
            # Who answers with an error has not committed; who went away may have.
            attempt.unknown |= is_away(error)
            raise

    async def _apart(self, commands: Sequence[Command], attempt: "_Attempt") -> Sequence[Result]:
        """Settle a batch that failed as two halves: a poisonous command is refused alone, its neighbours go through."""
        middle = len(commands) // 2
        halves = [_Attempt(attempt.give_up, attempt.unknown) for _ in range(2)]
        return [
            *await self._settle(commands[:middle], halves[0]),
            *await self._settle(commands[middle:], halves[1]),
        ]


class _Attempt:
    """How a batch has fared: whether it may have been committed unseen, and whether it failed by its own fault once.

    `give_up` is the moment, on the monotonic clock, from which on it is not run again.
    """

    def __init__(self, give_up: float, unknown: bool = False) -> None:
        self.give_up = give_up
        self.unknown = unknown
        self.failed = False

    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.give_up

    @property
    def code(self) -> str:
        """An earlier attempt may have been committed: only a repeat can tell, so nothing else is claimed."""
        return "outcome_unknown" if self.unknown else "overloaded"


def _refusal(command: Command, error: Exception, attempt: _Attempt) -> Problem:
    """The answer to a command that cannot be settled even alone."""
    if is_locked_out(error):
        return retry_later(attempt.code, 1)
    _log.error("command_refused", kind=type(command).__name__, exc_info=error)
    return Problem("internal_error")
