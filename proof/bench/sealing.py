"""`python -m proof.bench.sealing`: what sealing the journal costs, and what it leaves to the payments.

Two questions. How many transfers a second does one sealer seal when it has nothing else to wait for? And how many
payments a second does one process settle with a sealer beside them in the same event loop, compared with none? Without
HTTP, so that the settlement is as fast, and the sealer as much in its way, as can be. Both in turns, and the medians.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import psycopg
import structlog
from rich.console import Console
from rich.progress import track

from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.db.pool import Pool, make_pool
from lingdang.ids import uuid7
from lingdang.journal import sealer as pacing
from lingdang.journal.sealer import Sealer
from lingdang.journal.sealing import Sealing
from lingdang.journal.seals import SealKeys
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring
from lingdang.ledger.commands import Line
from lingdang.ledger.paying import Pay
from lingdang.signer import Signer
from proof.bench import databases
from proof.bench.shop import new_keyring

IN_FLIGHT = 128
LINES = 3

_CUSTOMERS = """
INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining)
SELECT 0, n, 'BELL', 1000000000, 1, now(), '{paid}', '{1000000000}'
  FROM generate_series(1, %(customers)s::integer) AS n;
INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts, cause,
                      detail)
SELECT 0, n, 'BELL', 1, 'expiry', 1000000000, 1000000000, now(), 1, '["x","wallet:paid"]',
       '{-1000000000,1000000000}', gen_random_uuid(), '{}'
  FROM generate_series(1, %(customers)s::integer) AS n
"""

_PRODUCTS = """
INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)
SELECT 'book-' || n, 'T', 'BELL', 100, 100, now(), now() FROM generate_series(1, 600) AS n
"""


class Shop(NamedTuple):
    """What is measured: a fresh database with customers, none of whom has bought the round's books."""

    url: str
    keyring: Keyring
    customers: int
    directory: Path


class Round(NamedTuple):
    """One round's figures: payments a second, and transfers sealed a second (0: no sealer ran)."""

    paid: float
    sealed: float


@click.command()
@click.option("--customers", default=20_000, show_default=True, help="Wallets; in a round each pays for one order.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of either kind, in turns.")
def main(customers: int, rounds: int) -> None:
    """Measure the sealer alone, and payments with and without a sealer beside them."""
    console = Console(soft_wrap=True, highlight=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = EmbeddedServer(directory / "data")
        url = server.start()
        try:
            shop = _fill(url, directory, customers)
            asyncio.run(_measure(shop, rounds, console.print))
        finally:
            server.stop()


def _fill(url: str, directory: Path, customers: int) -> Shop:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    url = url.replace("/postgres?", "/shop?", 1)
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_PRODUCTS)
        for statement in _CUSTOMERS.split(";"):
            connection.execute(statement.encode(), {"customers": customers})
        connection.execute("VACUUM ANALYZE")
    return Shop(url, new_keyring(directory), customers, directory)


def _sealer(shop: Shop, pool: Pool) -> Sealer:
    sealing = Sealing(SealKeys(shop.keyring), Signer(shop.keyring), "bench", 1)
    return Sealer(pool, sealing, system_clock, timedelta(seconds=900), Witness(shop.directory / "witness.jws"))


async def _measure(shop: Shop, rounds: int, say: Callable[[str], None]) -> None:
    async with make_pool(shop.url, 4, False) as pool:
        sealer = _sealer(shop, pool)
        await _timed(sealer)
        without, beside, alone = [], [], []
        for number in track(range(rounds), description="Rounds", transient=True):
            without.append(await _pay(shop, 2 * number, None))
            alone.append(await _timed(sealer))
            beside.append(await _pay(shop, 2 * number + 1, sealer))
            await _timed(sealer)
        quiet = [await _quiet(shop, sealer) for _ in range(5)]
    _say_all(say, "sealer alone, transfers/s", alone)
    _say_all(say, "payments/s, no sealer", [r.paid for r in without])
    _say_all(say, "payments/s, sealer beside", [r.paid for r in beside])
    _say_all(say, "  sealed meanwhile/s", [r.sealed for r in beside])
    say(f"round with nothing new     {median(quiet) * 1000:8.1f} ms every {pacing.ROUND_SECONDS:g} s")
    say(_sizes(shop))


def _say_all(say: Callable[[str], None], name: str, figures: list[float]) -> None:
    each = " ".join(f"{figure:,.0f}" for figure in figures)
    say(f"{name:27}{median(figures):8,.0f}   of {each}")


async def _timed(sealer: Sealer) -> float:
    """Seal what there is; transfers a second."""
    before, started = sealer.sealed, time.perf_counter()
    await sealer.round()
    return (sealer.sealed - before) / (time.perf_counter() - started)


async def _quiet(shop: Shop, sealer: Sealer) -> float:
    """Seconds of a round after a transaction that moved no money."""
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("UPDATE product SET popularity = popularity WHERE product_id = 'book-1'")
    started = time.perf_counter()
    await sealer.round()
    return time.perf_counter() - started


async def _pay(shop: Shop, number: int, sealer: Sealer | None) -> Round:
    """Every customer pays for one order; the sealer, if any, works in the same event loop at its own pace."""
    settlement = databases.settlement(shop.url)
    settlement.open()
    sealing = asyncio.create_task(_keep_sealing(sealer)) if sealer else None
    before = sealer.sealed if sealer else 0
    orders = iter([_order(n, number) for n in range(1, shop.customers + 1)])

    async def buyer() -> None:
        for order in orders:
            await settlement.submit(order)

    started = time.perf_counter()
    await asyncio.gather(*(buyer() for _ in range(IN_FLIGHT)))
    seconds = time.perf_counter() - started
    sealed = (sealer.sealed if sealer else 0) - before
    if sealing:
        sealing.cancel()
        with suppress(asyncio.CancelledError):
            await sealing
    await settlement.close()
    return Round(shop.customers / seconds, sealed / seconds)


async def _keep_sealing(sealer: Sealer) -> None:
    """Rounds without a pause between them: more than a server does, which rests for seconds."""
    while True:
        await sealer.round()
        await asyncio.sleep(0.2)


def _order(customer: int, number: int) -> Pay:
    books = [f"book-{LINES * number + n}" for n in range(1, LINES + 1)]
    lines = tuple(Line(book, f"The title of {book}", "A publisher", 100, 100, 0) for book in books)
    return Pay(
        customer=customer,
        session_id=uuid7(),
        order_id=uuid7(),
        currency="BELL",
        lines=lines,
        vouchers=(),
        subtotal=100 * LINES,
        discount=0,
        total=100 * LINES,
        expires_at=system_clock() + timedelta(hours=1),
        transfers=1 + number,
    )


def _sizes(shop: Shop) -> str:
    with psycopg.connect(shop.url) as connection:
        row = connection.execute(
            "SELECT sum(last_seq - first_seq + 1), count(*), pg_total_relation_size('seal') + "
            "pg_total_relation_size('seal_checkpoint'), pg_total_relation_size('transfer') + "
            "pg_total_relation_size('entitlement') FROM seal"
        ).fetchone()
    assert row is not None, "an aggregate answers one row"
    sealed, seals, size, journal = map(int, row)
    return (
        f"on disk                    {size / sealed:8.0f} bytes a transfer in {seals:,} seals of {sealed:,} transfers; "
        f"what they seal takes {journal / sealed:.0f}"
    )


if __name__ == "__main__":
    main()
