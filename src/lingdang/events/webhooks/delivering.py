"""Pages of events, from the journal or of a replay: sent, and written down once each event arrived or is held."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from lingdang.db.pool import Connection, connection_of
from lingdang.events.webhooks import held, places
from lingdang.events.webhooks.held import Held, WaitingList, Whose
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.places import Endpoint, Replay
from lingdang.events.webhooks.reads import ToldAfter, read_told
from lingdang.events.webhooks.retrying import write_down
from lingdang.events.webhooks.running import Run
from lingdang.events.webhooks.sending import Answer
from lingdang.events.webhooks.strands import Strand
from lingdang.events.webhooks.turn import Turn, first_failure, is_reset, is_wanted, row_behind

PAGE = 100
"""Events that are read at a time; for an endpoint with batches, two of them if that is more. To tell so many takes some
milliseconds, in which an event loop serves nobody else."""
UNPROVEN = 50
"""Where nothing of a page arrives and nothing is behind it, it makes no more rows than this: the endpoint fails."""


class Page:
    """Events that were read, and those of them that have arrived (`done`, by id), until all is written down."""

    def __init__(
        self, bucket: int, after: int, read: ToldAfter, told: list[Told], replay: Replay | None = None
    ) -> None:
        self.bucket = bucket
        self.after = after
        self.cursor = read.cursor
        self.more = read.more
        self.told = told
        self.replay = replay
        self.done: set[str] = set()

    def free(self, waiting: WaitingList) -> list[Told]:
        """What can be sent: nothing of the same customer is held."""
        return [each for each in self.left() if each.whose not in waiting or is_reset(each.event)]

    def parts(self, waiting: WaitingList) -> Iterator[list[Told]]:
        """What can be sent, cut before and behind each event that tells of a restore."""
        for _, part in groupby(self.free(waiting), key=lambda each: each.event.id if is_reset(each.event) else None):
            yield list(part)

    def narrow(self, endpoint: Endpoint) -> None:
        """Leave out what the endpoint, written anew meanwhile, asks for no more."""
        if self.replay is None:
            self.told = [each for each in self.told if is_wanted(endpoint, each.event)]

    @property
    def is_barred(self) -> bool:
        """Whether it has to tell of a restore."""
        return any(is_reset(each.event) for each in self.left())

    def left(self) -> list[Told]:
        """What has not arrived."""
        return [each for each in self.told if each.event.id not in self.done]


async def read_page(turn: Turn, bucket: int, most: int) -> Page | None:
    """The next page of the journal; None at its end, and while too much is held."""
    if turn.waiting.is_full:
        return None
    async with connection_of(turn.parts.pool) as connection:
        after = await places.cursor_of(connection, turn.endpoint_id, bucket)
    read = await turn.parts.reads.read(bucket, after, most)
    if read.cursor == after:
        return None
    told = [each for each in read.told if is_wanted(turn.endpoint, each.event)]
    return Page(bucket, after, read, told)


async def read_replay(turn: Turn, most: int) -> Page | None:
    """The next page of what is replayed; None where there is none, and while too much is held."""
    if turn.waiting.is_full:
        return None
    async with connection_of(turn.parts.pool) as connection:
        replay = await places.next_replay(connection, turn.endpoint_id)
        if replay is None:
            return None
        read = await read_told(connection, replay.bucket, replay.position, most, turn.parts.low)
    told = [each for each in read.told if _is_of(replay, each)]
    return Page(replay.bucket, replay.position, read, told, replay)


async def deliver(turn: Turn, page: Page) -> bool:
    """Send what can be sent of a page. Returns whether the page is done with: what failed is held then, and so is what
    is not answered yet.

    Behind an event that tells of a restore nothing is sent before that was accepted.
    """
    run, slow = turn.run(page.done), list[Strand]()
    for part in page.parts(turn.waiting):
        if is_reset(part[0].event):
            await _tell_reset(turn, page, part)
        elif turn.endpoint.batched:
            await run.in_order(part)
        else:
            slow = await turn.strands.send(run, _by_customer(part), partial(_may_leave, turn, page))
        if turn.health.stopped is not None or not (slow or turn.may_send()):
            return False
    return await settle(turn, page, run, slow)


def _may_leave(turn: Turn, page: Page) -> bool:
    """Whether what is under way may be left behind, which makes rows of it and of what waits behind it."""
    goes_on = turn.health.stopped is None and turn.may_send() and not page.is_barred
    return goes_on and (bool(page.done) or len(page.left()) <= UNPROVEN)


async def _tell_reset(turn: Turn, page: Page, reset: Sequence[Told]) -> None:
    run = turn.run(page.done)
    await run.in_order(reset)
    if reset[0].event.id not in page.done:
        turn.health.stopped = turn.health.stopped or run.last


async def settle(turn: Turn, page: Page, run: Run, slow: Sequence[Strand] = ()) -> bool:
    """Write down what became of a page: its failures, what is still under way, what waits behind both, and the cursor.
    Returns False, and writes nothing, where that would be many rows for an endpoint at which nothing arrives."""
    now = turn.parts.clock()
    rows = _rows(page, {each.told.event.id: first_failure(each, now) for each in run.failures.values()})
    if run.failures and len(rows) > UNPROVEN and not page.done and not page.more:
        turn.health.stopped = next(iter(run.failures.values())).answer
        return False
    async with turn.strands.leaving(slow, turn.waiting.tried), turn.writing() as connection:
        added = await held.add(connection, turn.endpoint_id, rows, now)
        await _move(connection, turn, page)
    for whose in added:
        turn.waiting.change(whose, 1)
    for strand in slow:
        turn.strands.keep(strand, partial(_finish, turn, strand))
    return True


async def _finish(turn: Turn, strand: Strand) -> Answer | None:
    """Write down what became of what was under way when its page was done with. Returns the answer that stops the
    endpoint."""
    try:
        await strand.task
        async with connection_of(turn.parts.pool) as connection:
            rows = await held.rows_of(connection, turn.endpoint_id, strand.whose, len(strand.events))
        gone = [row for row in rows if row.event_id in strand.run.done]
        await write_down(turn, strand.whose, gone, None, rows, strand.run.failures.get(strand.whose))
    finally:
        turn.waiting.tried.discard(strand.whose)
    return turn.health.stopped


async def _move(connection: Connection, turn: Turn, page: Page) -> None:
    if page.replay is None:
        await places.move(connection, turn.endpoint_id, page.bucket, page.after, page.cursor)
    else:
        await places.move_replay(connection, turn.endpoint_id, page.replay, page.cursor, page.more)
        await held.arrived(connection, turn.endpoint_id, list(page.done))


def _rows(page: Page, failed: dict[str, Held]) -> list[Held]:
    """What a page leaves behind, in its order: what failed, by its id, and what waits or is still under way."""
    rows = [failed.get(each.event.id) or row_behind(each) for each in page.left()]
    return [row._replace(replayed=page.replay is not None) for row in rows]


def _is_of(replay: Replay, told: Told) -> bool:
    """Whether an event is to be sent again."""
    return (
        told.position <= replay.upto
        and (replay.types is None or told.event.type in replay.types)
        and (replay.customer is None or told.whose[1] == replay.customer)
    )


def _by_customer(events: Sequence[Told]) -> list[list[Told]]:
    """The events of each customer, in their order."""
    found: dict[Whose, list[Told]] = {}
    for each in events:
        found.setdefault(each.whose, []).append(each)
    return list(found.values())
