"""`python -m proof.bench.budget`: what settling one payment costs by itself, part by part, in CPU time and WAL.

Settlement alone, without HTTP, tokens and signatures: batches of a set size, one after the other. The bytes are those
of the last round, read from the log with PostgreSQL's own pg_waldump.
"""

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from lingdang.clock import system_clock
from lingdang.ids import uuid7
from lingdang.ledger.lines import Line
from lingdang.ledger.paying import Pay
from lingdang.ledger.settlement import Settlement
from proof.bench import buying
from proof.bench.figures import spread
from proof.bench.meters import Meters
from proof.shop import BATCH_LIMIT, key_of, new_database, own_server, settlement_on

BATCHES = (1, 16, 64, 128, BATCH_LIMIT)
LINES = 3
LEAST_SHARE = 0.005
"""Parts of the log below this are not told apart."""

_PLACE = "SELECT pg_current_wal_insert_lsn()"
_RECORD = re.compile(r"^rmgr: (\S+)\s+len \(rec/tot\):\s+\d+/\s*(\d+).*?desc: (\S+)")
_RELATION = re.compile(r"rel \d+/\d+/(\d+)")


class Ran(NamedTuple):
    """Microseconds a payment: of PostgreSQL's CPU, of Python's, and elapsed."""

    postgres: float
    python: float
    elapsed: float
    wal: float
    """Bytes."""


@click.command()
@click.option("--customers", type=click.IntRange(max(BATCHES)), default=20_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--moved", is_flag=True, help="Of customers whose wallets have moved since the checkout.")
def main(customers: int, rounds: int, moved: bool) -> None:
    """Settle payments of three books in batches of several sizes, in turns."""
    with own_server() as (place, url):
        shop = buying.stocked(new_database(url, "shop"), place, customers)
        asyncio.run(_measure(shop.url, customers, rounds, moved))


async def _measure(url: str, customers: int, rounds: int, moved: bool) -> None:
    settlement = settlement_on(url)
    settlement.open()
    seen: dict[int, list[Ran]] = {batch: [] for batch in BATCHES}
    with psycopg.connect(url, autocommit=True) as connection:
        meters = Meters(connection)
        orders = _orders(buying.books(url).real, customers, moved)
        await _settle(settlement, meters, list(islice(orders, customers)), max(BATCHES))
        connection.execute("CHECKPOINT")
        await _settle(settlement, meters, list(islice(orders, customers)), max(BATCHES))
        counts = {batch: min(customers, 2000 * batch) for batch in BATCHES}
        for _ in range(rounds):
            start = meters.value(_PLACE)
            for batch, count in counts.items():
                seen[batch].append(await _settle(settlement, meters, list(islice(orders, count)), batch))
        click.echo(_table(seen))
        click.echo(_parts(connection, meters, start, meters.value(_PLACE), sum(counts.values())))
    await settlement.close()


def _orders(books: Sequence[Line], customers: int, moved: bool) -> Iterator[Pay]:
    """Three books for each customer in turn, never one that they have."""
    twice = [*books, *books]
    for bought in range(0, len(books) - LINES, LINES):
        for number in range(1, customers + 1):
            first = (bought + 7919 * number) % len(books)
            lines = tuple(twice[first : first + LINES])
            total = sum(line.price for line in lines)
            yield Pay(
                customer=key_of(f"cust-{1 + (number * 10_007) % customers}"),
                session_id=uuid7(),
                order_id=uuid7(),
                currency="BELL",
                lines=lines,
                vouchers=(),
                subtotal=total,
                discount=0,
                total=total,
                expires_at=system_clock() + timedelta(hours=1),
                transfers=None if moved else buying.CREDITS + bought // LINES,
            )


async def _settle(settlement: Settlement, meters: Meters, orders: Sequence[Pay], batch: int) -> Ran:
    """Settle them all, `batch` at a time. Raises the Problem of one that is refused."""
    with meters.window(None) as cost:
        python, started = time.process_time(), time.perf_counter()
        for first in range(0, len(orders), batch):
            await asyncio.gather(*map(settlement.submit, orders[first : first + batch]))
        python, elapsed = time.process_time() - python, time.perf_counter() - started
    each = 1e6 / len(orders)
    return Ran(cost[0].postgres_cpu * each, python * each, elapsed * each, cost[0].wal_bytes / len(orders))


def _table(seen: dict[int, list[Ran]]) -> str:
    lines = ["| batch | PostgreSQL µs | Python µs | elapsed µs | WAL bytes |", "| ---: |" + " ---: |" * 4]
    for batch, runs in seen.items():
        spreads = [spread(figures) for figures in zip(*runs, strict=True)]
        cells = [f"{median:,.0f} ({least:,.0f}–{most:,.0f})" for least, median, most in spreads]
        lines.append(f"| {batch} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _parts(
    connection: "psycopg.Connection[tuple[object, ...]]", meters: Meters, start: str, end: str, payments: int
) -> str:
    """The log's records between two places, by kind and relation, in bytes a payment."""
    names = {
        str(node): str(name)
        for node, name in connection.execute("SELECT relfilenode, relname FROM pg_class WHERE relfilenode <> 0")
    }
    program = Path(meters.postmaster.exe()).parent / "pg_waldump"
    log = Path(meters.value("SHOW data_directory")) / "pg_wal"
    command = [str(program), f"--path={log}", f"--start={start}", f"--end={end}"]
    size: Counter[str] = Counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as dump:
        for line in dump.stdout or ():
            if record := _RECORD.match(line):
                relation = _RELATION.search(line)
                where = names.get(relation[1], relation[1]) if relation else ""
                size[f"{where} {record[1]} {record[3]}".strip()] += int(record[2])
    total = sum(size.values())
    told = {part: bytes_ for part, bytes_ in size.most_common() if bytes_ >= LEAST_SHARE * total}
    told["all else"] = total - sum(told.values())
    rows = [f"| {part} | {bytes_ / payments:,.0f} |" for part, bytes_ in told.items()]
    return "\n".join(["", "| WAL | bytes a payment |", "| --- | ---: |", *rows])


if __name__ == "__main__":
    main()
