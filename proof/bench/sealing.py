"""`python -m proof.bench.sealing`: what sealing the journal costs, and what it leaves to the payments.

Two questions. How many transfers a second does one sealer seal when it has nothing else to wait for? And how many
payments a second does one process settle with a sealer beside them in the same event loop, compared with none? Without
HTTP, so that the settlement is as fast, and the sealer as much in its way, as can be. Both in turns, and the medians.
"""

import asyncio
import logging
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
from lingdang.db.pool import Pool
from lingdang.ids import uuid7
from lingdang.journal import sealer as pacing
from lingdang.journal.sealer import Sealer
from lingdang.journal.sealing import Sealing
from lingdang.journal.seals import SealKeys
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring
from lingdang.ledger.lines import Line
from lingdang.ledger.paying import Pay
from lingdang.signer import Signer
from proof.shop import (
    Credit,
    NumberedBooks,
    add_books,
    add_customers,
    build,
    new_database,
    own_server,
    settlement_on,
)

IN_FLIGHT = 128
LINES = 3


class Measured(NamedTuple):
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
    with own_server() as (place, url):
        asyncio.run(_measure(_fill(new_database(url, "shop"), place, customers), rounds, console.print))


def _fill(url: str, place: Path, customers: int) -> Measured:
    shop = build(url, place)
    keys = {f"cust-{number}": number for number in range(1, customers + 1)}
    with psycopg.connect(url, autocommit=True) as connection:
        add_books(connection, NumberedBooks("book-", 600, "100"))
        add_customers(connection, keys, [Credit("gift", "paid", 1_000_000_000)])
        connection.execute("VACUUM ANALYZE")
    return Measured(url, shop.keyring, customers, place)


def _sealer(shop: Measured, pool: Pool) -> Sealer:
    sealing = Sealing(SealKeys(shop.keyring), Signer(shop.keyring), "bench", 1)
    return Sealer(pool, sealing, system_clock, timedelta(seconds=900), Witness(shop.directory / "witness.jws"))


async def _measure(shop: Measured, rounds: int, say: Callable[[str], None]) -> None:
    async with Pool(shop.url, 4, False) as pool:
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


async def _quiet(shop: Measured, sealer: Sealer) -> float:
    """Seconds of a round after a transaction that moved no money."""
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("UPDATE product SET popularity = popularity WHERE product_id = 'book-1'")
    started = time.perf_counter()
    await sealer.round()
    return time.perf_counter() - started


async def _pay(shop: Measured, number: int, sealer: Sealer | None) -> Round:
    """Every customer pays for one order; the sealer, if any, works in the same event loop at its own pace."""
    settlement = settlement_on(shop.url)
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


def _sizes(shop: Measured) -> str:
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
