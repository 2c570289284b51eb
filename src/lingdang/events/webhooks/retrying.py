"""What is held for an endpoint, tried again when it is due: customer by customer, in each one's order."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from lingdang.db.pool import Connection, connection_of
from lingdang.events.reading import read_events
from lingdang.events.telling import Thresholds
from lingdang.events.webhooks import held, places, retries
from lingdang.events.webhooks.held import Waiting, Whose
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.running import Failure, Run
from lingdang.events.webhooks.sending import Answer
from lingdang.events.webhooks.turn import Turn, chance, is_wanted, reason
from lingdang.journal.positions import horizon

TRIED = 20
"""Customers of whom something is tried in a turn, …"""
AT_ONCE = 4
"""… so many of them at the same time."""
LOOKED_AT = 100
"""Rows that are given up between two looks at how many those are."""
TOGETHER = 20
"""Rows of one customer that are tried in a row; for an endpoint with batches, a batch if that is more."""

_BEHIND = "too many waited behind an event that failed"

_log = structlog.get_logger(__name__)


async def retry_due(turn: Turn) -> bool:
    """Try what is due. Returns whether there was anything."""
    async with connection_of(turn.parts.pool) as connection:
        found = await held.due(connection, turn.endpoint_id, turn.parts.clock(), TRIED)
    due = [whose for whose in found if whose not in turn.waiting.tried]
    await turn.strands.try_again((partial(_again, turn, whose) for whose in due), AT_ONCE)
    return bool(due)


async def _again(turn: Turn, whose: Whose) -> Answer | None:
    await retry(turn, whose, max(TOGETHER, turn.endpoint.batch))
    return turn.health.stopped


async def has_given_up(turn: Turn) -> bool:
    """Whether so much was given up since the endpoint was written that it is to be paused; looked at now and then."""
    if turn.waiting.parked < LOOKED_AT:
        return False
    turn.waiting.parked = 0
    async with connection_of(turn.parts.pool) as connection:
        return await held.has_given_up(connection, turn.endpoint_id, turn.endpoint.updated_at)


async def retry(turn: Turn, whose: Whose, most: int) -> Run | None:
    """Try the first rows of a customer, unless they are under way. Returns what became of them."""
    if whose in turn.waiting.tried:
        return None
    turn.waiting.tried.add(whose)
    try:
        return await _retry(turn, whose, most)
    finally:
        turn.waiting.tried.discard(whose)


async def _retry(turn: Turn, whose: Whose, most: int) -> Run:
    async with connection_of(turn.parts.pool) as connection:
        rows = await held.rows_of(connection, turn.endpoint_id, whose, most)
        told = await _told_anew(connection, rows, turn.parts.low)
    told = [(row, event if event is not None and _is_asked_for(turn, row, event) else None) for row, event in told]
    if any(_failed_alone(turn, row) for row in rows[:1]):
        turn.health.own.add(whose)
    run = turn.run(set())
    await run.in_order([event for _, event in told if event is not None])
    gone = [row for row, event in told if event is None or event.event.id in run.done]
    later = rows[0] if rows and not told else None
    await write_down(turn, whose, gone, later, [row for row, _ in told], run.failures.get(whose))
    return run


async def write_down(
    turn: Turn,
    whose: Whose,
    gone: Sequence[Waiting],
    later: Waiting | None,
    rows: Sequence[Waiting],
    failure: Failure | None,
) -> None:
    """Write down what became of a customer's rows, and let the next one have its time."""
    now, fewer, parked = turn.parts.clock(), len(gone), 0
    async with turn.writing() as connection:
        await held.delivered(connection, turn.endpoint_id, gone)
        if failure is not None:
            [row] = [row for row in rows if row.event_id == failure.told.event.id]
            parked = await _note_failure(connection, turn, whose, row, failure)
            fewer += parked
        if later is not None:
            await held.postpone(connection, turn.endpoint_id, later, now + retries.PAUSES[0])
        await held.let_next(connection, turn.endpoint_id, [whose], now)
    turn.waiting.change(whose, -fewer)
    turn.waiting.parked += parked


async def _note_failure(connection: Connection, turn: Turn, whose: Whose, row: Waiting, failure: Failure) -> int:
    """Have a row tried again later; or park it, if it was tried for long enough while others arrived, or all of its
    customer's, if those are too many. Returns how many were parked."""
    now, why = turn.parts.clock(), reason(failure.answer)
    is_over = _is_over(turn, row, now)
    if turn.waiting.is_crowded(whose) and (is_over is not None or turn.waiting.is_full):
        await held.failed(connection, turn.endpoint_id, row, now, now, why)
        number = await held.parked_whole(connection, turn.endpoint_id, whose, now, _BEHIND)
        _log.error("customer_parked", endpoint=turn.endpoint_id, first=row.event_id, events=number)
        return number
    if is_over:
        await held.parked(connection, turn.endpoint_id, row, now, why)
        _log.error("event_parked", endpoint=turn.endpoint_id, event_id=row.event_id, failures=row.failures + 1)
        return 1
    asked = retries.read_retry_after(failure.answer.retry_after, now)
    due = now + retries.pause(row.failures + 1, asked, chance)
    await held.failed(connection, turn.endpoint_id, row, now, due, why)
    return 0


def _is_over(turn: Turn, row: Waiting, now: datetime) -> bool | None:
    """Whether a row was tried for long enough; None while nobody can tell, because nothing else has arrived."""
    since = _tried_since(turn, row)
    if since is None or turn.endpoint.failing_since is not None or not _failed_alone(turn, row):
        return None
    return retries.is_over(since, now)


def _is_asked_for(turn: Turn, row: Waiting, told: Told) -> bool:
    """Whether an event is still to be sent: the endpoint may ask for fewer types than when it failed."""
    return row.replayed or is_wanted(turn.endpoint, told.event)


def _tried_since(turn: Turn, row: Waiting) -> datetime | None:
    """Since when a row has failed at the endpoint as it is written now."""
    return None if row.first_failed_at is None else max(row.first_failed_at, turn.endpoint.updated_at)


def _failed_alone(turn: Turn, row: Waiting) -> bool:
    """Whether something else arrived since a row has failed."""
    since, arrived = _tried_since(turn, row), turn.record.accepted_at
    return since is not None and arrived is not None and arrived > since


async def _told_anew(
    connection: Connection, rows: Sequence[Waiting], low: Thresholds
) -> list[tuple[Waiting, Told | None]]:
    """These rows with their events, each from the transaction that wrote it; None where a restore has lost it.

    Ends before a row that cannot be told for now: the horizon is below it, and it is not lost.
    """
    told: list[tuple[Waiting, Told | None]] = []
    for row in rows:
        read = await read_events(connection, row.bucket, row.position - 1, 1, low)
        found = next((event for event in read.events if event.id == row.event_id), None)
        if found is not None:
            told.append((row, Told((row.bucket, row.customer), row.position, found)))
        elif read.cursor >= row.position or await _is_lost(connection, row):
            told.append((row, None))
        else:
            break
    return told


async def _is_lost(connection: Connection, row: Waiting) -> bool:
    """Whether nothing stands where a row was. What is below the horizon once is there for every later statement."""
    below = await horizon(connection, row.bucket)
    return row.position < below and not await places.is_there(connection, row.bucket, row.position)
