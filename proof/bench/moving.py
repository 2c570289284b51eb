"""`python -m proof.bench.moving`: how many rows a second a move-in books, beside COPY alone.

A file of wallets and rights with bad rows among them is moved into an empty shop: killed and started again as often as
is asked, then to its end, and once more to see what finding nothing new takes. Then the very rows that it left in the
tables are copied into empty tables with the same keys and checks by COPY: what PostgreSQL takes for them in any case.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.console import Console

from proof.shop import NumberedBooks, add_books, build, new_database, own_server

TABLES = ("customer", "wallet", "transfer", "entitlement")
BOOKS = 1000
Print = Callable[[str], None]


@click.command()
@click.option("--wallets", default=20_000, show_default=True)
@click.option("--rights", default=100_000, show_default=True)
@click.option("--bad", default=0.01, show_default=True, help="The share of bad rows.")
@click.option("--kills", default=0, show_default=True, help="How often it is killed in the middle.")
def main(wallets: int, rights: int, bad: float, kills: int) -> None:
    """Measure a move-in of so many wallets and rights."""
    say = Console(soft_wrap=True, highlight=False).print
    with own_server() as (place, url):
        database = build(new_database(url, "shop"), place).url
        with psycopg.connect(database, autocommit=True) as connection:
            add_books(connection, NumberedBooks("book-", BOOKS, "100"))
        file, rows = _write(place / "rows.jsonl", wallets, rights, bad)
        say(f"{rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB")
        for number in range(kills):
            _killed(database, place, file, (number + 1) * rows // (kills + 1), say)
        _whole(database, place, file, rows, "moved in", say)
        _whole(database, place, file, rows, "again, nothing new", say)
        _copied(database, place, say)


def _write(path: Path, wallets: int, rights: int, bad: float) -> tuple[Path, int]:
    """The file, and how many rows it has. Every customer has a lot, and the rights are spread over them."""
    every = round(1 / bad) if bad else 0
    count = 0
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for row in _rows(wallets, rights):
            count += 1
            if every and count % every == 0:
                row["custId"] = "no custId"
            file.write(encode(row) + b"\n")
    return path, count


def _rows(wallets: int, rights: int) -> Iterator[dict[str, Any]]:
    for number in range(wallets):
        yield {"kind": "lot", "custId": f"cust-{number}", "amount": 1 + number % 5000, "origin": "paid"}
    for number in range(rights):
        book = number // wallets + number % wallets
        yield {"kind": "right", "custId": f"cust-{number % wallets}", "productId": f"book-{book % BOOKS + 1}"}


@contextmanager
def _moving(database: str, place: Path, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    environ = os.environ | {"LINGDANG_DATABASE_URL": database, "LINGDANG_DATA_DIR": str(place / "data")}
    refused = str(place / "refused.jsonl")
    command = [sys.executable, "-m", "lingdang", "move-in", str(file), "--refused", refused, "--json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield process


def _killed(database: str, place: Path, file: Path, until: int, say: Print) -> None:
    """Move in, and kill it once so many rows are booked."""
    began = time.perf_counter()
    with _moving(database, place, file) as process:
        while process.poll() is None and _counted(database) < until:
            pass
        process.kill()
    ended = "it had ended" if process.returncode == 0 else "killed"
    say(f"{ended} after {time.perf_counter() - began:,.1f} s with {_booked(database):,} rows booked")


def _counted(database: str) -> int:
    """The rows that are booked, and a rest: counting takes a sixth of the time."""
    began = time.perf_counter()
    booked = _booked(database)
    time.sleep(max(0.2, 5 * (time.perf_counter() - began)))
    return booked


def _booked(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM transfer").fetchone()
    return row[0] if row else 0


def _whole(database: str, place: Path, file: Path, rows: int, what: str, say: Print) -> None:
    before, began = _booked(database), time.perf_counter()
    with _moving(database, place, file) as process:
        report = msgspec.json.decode(process.communicate()[0])
    seconds = time.perf_counter() - began
    booked = _booked(database) - before
    agrees = "the totals agree" if report["agrees"] else "THE TOTALS DO NOT AGREE"
    say(
        f"{what}: {seconds:,.1f} s, {rows / seconds:,.0f} rows/s read, {booked / seconds:,.0f} rows/s booked; "
        f"{report['refused']:,} refused; {agrees}"
    )


def _copied(database: str, place: Path, say: Print) -> None:
    """COPY of the rows that are in the tables into empty ones with the same keys and checks."""
    total = seconds = 0.0
    with psycopg.connect(database, autocommit=True) as connection:
        for table in TABLES:
            path = place / table
            _out(connection, table, path)
            connection.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)".encode())
            began = time.perf_counter()
            total += _in(connection, f"copied_{table}", path)
            seconds += time.perf_counter() - began
    booked = _booked(database)
    say(
        f"COPY alone: {total:,.0f} rows of {', '.join(TABLES)} in {seconds:,.1f} s, "
        f"{booked / seconds:,.0f} rows/s of the journal"
    )


def _out(connection: psycopg.Connection[Any], table: str, path: Path) -> None:
    with (
        path.open("wb") as file,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} TO STDOUT".encode()) as copy,
    ):
        for block in copy:
            file.write(block)


def _in(connection: psycopg.Connection[Any], table: str, path: Path) -> int:
    with path.open("rb") as file, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            while block := file.read(2**18):
                copy.write(block)
        return cursor.rowcount


if __name__ == "__main__":
    main()
