"""`python -m proof.bench.startup`: from the start to the first payment, and bulk loading beside COPY alone."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import click
import psycopg

from lingdang.catalog.products import WRITTEN_COLUMNS
from proof.bench import buying
from proof.bench.figures import Spread, spread
from proof.bench.load import prepared, run
from proof.bench.offers import Offers
from proof.bench.tables import Line, show
from proof.server import clean_environ, lingdang, serving
from proof.shop import build, embedded, new_database, own_server

CUSTOMERS = 300
START_SECONDS = 3.0
LEAST_OF_COPY = 0.5
FLOOR_OF_COPY, FLOOR_SECONDS = 0.25, 15.0
"""Beyond these the command fails; generous, because machines are shared."""

_BLOCK = 2**20


@click.command()
@click.option("--starts", type=click.IntRange(1), default=5, show_default=True)
@click.option("--products", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--codes", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of the import and the codes.")
def main(starts: int, products: int, codes: int, rounds: int) -> None:
    """Measure the start on an existing data directory, `catalog import` and `coupons codes`."""
    with own_server() as (place, url):
        started = _starts(place / "data", starts)
        imported = spread([_import(place, url, products, number) for number in range(rounds)])
        made = spread([_codes(place, url, codes, number) for number in range(rounds)])
    lines = [
        Line("start to first payment, s", START_SECONDS, started, most=True),
        Line(f"import of {products:,} products × COPY alone", LEAST_OF_COPY, imported),
        Line(f"{codes:,} one-time codes × COPY alone", LEAST_OF_COPY, made),
    ]
    click.echo(show(lines))
    fine = started.median <= FLOOR_SECONDS and min(imported.median, made.median) >= FLOOR_OF_COPY
    sys.exit(0 if fine else 1)


def _starts(data_dir: Path, count: int) -> Spread:
    """Seconds from `lingdang serve` to its first payment's answer, on a data directory that has been in use."""
    data_dir.mkdir()
    with embedded(data_dir) as url:
        shop = buying.stocked(url, data_dir, CUSTOMERS)
        buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
        made = Offers(shop).payments(buying.purchases(buyers, buying.books(url).real, 3))
        payments = list(islice(made, count + 1))
    return spread([_start(data_dir, payment) for payment in payments][1:])


def _start(data_dir: Path, payment: bytes) -> float:
    started = time.perf_counter()
    with serving(data_dir, {}, workers=2, tls=True) as server:
        load = run(server.target, [prepared(iter([payment]))], 60)
        seconds = time.perf_counter() - started
    if load.outcomes != {"200": 1}:
        raise click.ClickException(f"the first payment was answered {load.outcomes}")
    return seconds


def _import(place: Path, url: str, products: int, number: int) -> float:
    """The rate of `catalog import` over that of COPY of the same rows into an equal table."""
    source = place / "products.csv"
    if not source.exists():
        _write_products(source, products)
    database = build(new_database(url, "imported"), place).url
    seconds = _timed(lambda: _lingdang(place, database, "catalog", "import", str(source)))
    columns = f"{WRITTEN_COLUMNS}, created_at, updated_at"
    copied = _copy_alone(database, "product", columns, place)
    click.echo(f"round {number + 1}  import {seconds:.1f} s, COPY {copied:.1f} s", err=True)
    return copied / seconds


def _codes(place: Path, url: str, codes: int, number: int) -> float:
    database = build(new_database(url, "coded"), place).url
    with psycopg.connect(database, autocommit=True) as connection:
        definition = {"name": "Bench", "effect": {"kind": "fixed", "amount": 10}}
        connection.execute(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)"
            " VALUES ('bench', %s, 'active', 1, 0, now(), now())",
            (json.dumps(definition),),
        )
    out = place / f"codes-{number}.csv"
    seconds = _timed(lambda: _lingdang(place, database, "coupons", "codes", "bench", str(codes), f"--out={out}"))
    copied = _copy_alone(database, "coupon_code", "*", place)
    click.echo(f"round {number + 1}  codes {seconds:.1f} s, COPY {copied:.1f} s", err=True)
    return copied / seconds


def _copy_alone(database: str, table: str, columns: str, place: Path) -> float:
    """Seconds that COPY of all of a table's rows, in the order of loading, takes into an equal empty one."""
    dump = place / "dump.copy"
    named = "" if columns == "*" else f"({columns})"
    with psycopg.connect(database, autocommit=True) as connection:
        with dump.open("wb") as file, connection.cursor().copy(f"COPY {table} {named} TO STDOUT".encode()) as out:
            for block in out:
                file.write(block)
        connection.execute(f"CREATE TABLE alone (LIKE {table} INCLUDING ALL)".encode())

        def load() -> None:
            with dump.open("rb") as file, connection.cursor().copy(f"COPY alone {named} FROM STDIN".encode()) as copy:
                while block := file.read(_BLOCK):
                    copy.write(block)

        seconds = _timed(load)
    dump.unlink()
    return seconds


def _write_products(path: Path, count: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("productId", "title", "price", "listPrice", "publisher", "intro"))
        for number in range(count):
            writer.writerow(
                (
                    f"p-{number * 7919 % count:07}",
                    f"The {number % 977} tales of volume {number}",
                    100 + number % 900,
                    1000 + number % 900,
                    f"House {number % 500}",
                    "An introduction of a few words, as a shop has it.",
                )
            )


def _lingdang(place: Path, database: str, *arguments: str) -> None:
    environ = clean_environ() | {"LINGDANG_DATABASE_URL": database}
    command = lingdang(*arguments, data_dir=place / "commands")
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise click.ClickException(done.stderr or done.stdout)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
