"""One run: a server of its own, writers, readers and trouble for so long, and the comparison at the end."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from lingdang.db.embedded import EmbeddedServer
from lingdang.journal.positions import RowPosition
from lingdang.ledger.reconcile import reconcile
from proof.consumer import books_of
from proof.faults.readers.reading import EventReader, Reader
from proof.faults.readers.trouble import Trouble
from proof.faults.readers.writers import CUSTOMERS, Writers
from proof.faults.shop import fill
from proof.shop import build, new_database, settlement_on

BUYERS = 4
"""With each of the two settlements."""
PAUSES = (0.005, 0.05, 0.5)
"""How long readers rest at most when they have read to the end; one for each."""
KINDS: Mapping[str, type[Reader]] = {"reader": Reader, "reader of events": EventReader}
DRAIN_SECONDS = 60.0

_ROWS = "SELECT position, customer, seq FROM transfer WHERE bucket = 0 ORDER BY position, customer, seq"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is done for how long; longer where not every kind of trouble was made by then.

    The seed decides moments and victims; which transactions they meet is chance.
    """

    seconds: float
    seed: int = 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: rows of the journal, epochs, pages read, what was done how often, and what was wrong."""

    rows: int
    epochs: int
    pages: int
    counts: Counter[str]
    faults: list[str]


async def run(plan: Plan, place: Path) -> Outcome:
    """Carry out the plan in the empty directory `place`."""
    server = EmbeddedServer(place)
    try:
        url = _prepared_server(server)
        shop = build(new_database(url, "shop"), place).url
        fill(shop, CUSTOMERS)
        return await _run(plan, server, place, shop, url)
    finally:
        server.stop()


def _prepared_server(server: EmbeddedServer) -> str:
    """The running server's URL; it takes prepared transactions."""
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_prepared_transactions = 20")
    server.stop()
    return server.start()


async def _run(plan: Plan, server: EmbeddedServer, place: Path, shop: str, other: str) -> Outcome:
    writers = Writers(shop, random.Random(plan.seed))
    trouble = Trouble(server, place, shop, random.Random(plan.seed + 1))
    readers = [
        make(f"{name} {number}", random.Random(plan.seed + 2 + number), pause)
        for name, make in KINDS.items()
        for number, pause in enumerate(PAUSES)
    ]
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    reading = [asyncio.create_task(reader.read(shop, last)) for reader in readers]
    await _write(plan, writers, trouble, shop, other)
    rows = _rows(shop)
    last.set_result(rows[-1].position)
    _, behind = await asyncio.wait(reading, timeout=DRAIN_SECONDS)
    for task in behind:
        task.cancel()
    for task in reading:
        with suppress(asyncio.CancelledError):
            await task
    return Outcome(
        rows=len(rows),
        epochs=_count(shop, "SELECT count(*) FROM journal_epoch"),
        pages=sum(reader.pages for reader in readers),
        counts=writers.counts + trouble.counts,
        faults=[
            *[fault for reader in readers for fault in judged(reader, rows)],
            *[fault for reader in readers if isinstance(reader, EventReader) for fault in _unheard(reader, shop, rows)],
            *_missing(shop, writers),
        ],
    )


async def _write(plan: Plan, writers: Writers, trouble: Trouble, shop: str, other: str) -> None:
    """Writers for so long, with trouble; all of them have ended when this returns."""
    settlements = [settlement_on(shop) for _ in range(2)]
    for settlement in settlements:
        settlement.open()
    writing = [
        *[writers.buy(settlement) for settlement in settlements for _ in range(BUYERS)],
        writers.dawdle(),
        writers.dawdle(),
        writers.prepare(),
        writers.notify(),
        writers.hold_an_id(shop),
        writers.hold_an_id(other),
    ]
    everybody = asyncio.gather(*writing)
    making = asyncio.create_task(trouble.make())
    enough = asyncio.gather(asyncio.sleep(plan.seconds), trouble.each_made.wait())
    unending: list[asyncio.Future[Any]] = [everybody, making]
    done, _ = await asyncio.wait([*unending, enough], return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()
    making.cancel()
    with suppress(asyncio.CancelledError):
        await making
    await asyncio.to_thread(_started, trouble)
    writers.end()
    await everybody
    for settlement in settlements:
        await settlement.close()


def _started(trouble: Trouble) -> None:
    """Whatever was cancelled, the server runs in the end."""
    trouble.server.start()


def _rows(shop: str) -> list[RowPosition]:
    with psycopg.connect(shop) as connection:
        return [RowPosition(*row) for row in connection.execute(_ROWS).fetchall()]


def _count(shop: str, query: str) -> int:
    with psycopg.connect(shop) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None, "it has one row"
    return int(row[0])


def judged(reader: Reader, rows: Sequence[RowPosition]) -> list[str]:
    """What the reader saw out of order, and what it saw otherwise than the table has it."""
    missed, invented = set(rows) - set(reader.places), set(reader.places) - set(rows)
    return [
        *reader.faults,
        *([f"{reader.name} missed {len(missed)} rows, the first: {min(missed)}"] if missed else []),
        *([f"{reader.name} saw {len(invented)} rows that are gone, the first: {min(invented)}"] if invented else []),
        *([f"{reader.name} saw rows twice"] if len(reader.places) > len(set(reader.places)) else []),
    ]


def _unheard(reader: EventReader, shop: str, rows: Sequence[RowPosition]) -> list[str]:
    """Whether it heard of as many notices as there are up to the last row, and can rebuild the books by the events."""
    faults: list[str] = []
    notices = _count(shop, f"SELECT count(*) FROM notice WHERE position <= {rows[-1].position}")
    if reader.notices < notices:
        faults.append(f"{reader.name} heard of {reader.notices} of {notices} notices")
    try:
        if reader.consumer.rebuilt() != books_of(shop):
            faults.append(f"{reader.name} rebuilt other books than there are")
    except AssertionError as error:
        faults.append(f"{reader.name} cannot rebuild the books: {error}")
    return faults


def _missing(shop: str, writers: Writers) -> list[str]:
    """What writers were told is there, and is not; and what `lingdang reconcile` says of the books."""
    with psycopg.connect(shop, autocommit=True) as connection:
        stored = {cause for (cause,) in connection.execute("SELECT cause FROM transfer").fetchall()}
        differences = reconcile(connection).differences
    lost = writers.causes - stored
    return [*([f"{len(lost)} answered commands are missing"] if lost else []), *map(str, differences)]
