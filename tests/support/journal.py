"""Sealing and verifying a test's database, past the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from lingdang.app import Deployment, make_sealer, make_witness
from lingdang.clock import Clock, system_clock
from lingdang.db.pool import make_pool
from lingdang.journal.commands import verify_seals
from lingdang.journal.sealer import Sealer
from lingdang.journal.verifying import Sealed
from lingdang.keys import Keyring
from lingdang.settings import Settings
from support.money import add_products, credit, line, open_settlement, pay


def deployment_of(database_url: str, keyring: Keyring, clock: Clock = system_clock) -> Deployment:
    return Deployment(Settings(), database_url, keyring, buckets=1, clock=clock)


@asynccontextmanager
async def open_sealer(database_url: str, keyring: Keyring, clock: Clock = system_clock) -> AsyncIterator[Sealer]:
    """A sealer that seals when it is told to."""
    async with make_pool(database_url, 2, False) as pool:
        yield make_sealer(deployment_of(database_url, keyring, clock), pool)


async def seal_all(database_url: str, keyring: Keyring) -> int:
    """One round of a sealer that knows nothing yet, and its witness kept; the number of transfers it sealed."""
    async with open_sealer(database_url, keyring) as sealer:
        await sealer.round()
        await sealer.round()
        return sealer.sealed


def verify(database_url: str, keyring: Keyring, clock: Clock = system_clock, witness: Path | None = None) -> Sealed:
    """What `lingdang reconcile` says of the seals."""
    deployment = deployment_of(database_url, keyring, clock)
    kept = witness.read_text().strip() if witness else make_witness(deployment).read()
    with psycopg.connect(database_url, autocommit=True) as connection:
        return verify_seals(deployment, connection, kept)


def sql(database_url: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement; what it answers."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


async def fill(database_url: str) -> None:
    """Ann and Bob, each with two credits and an order of two books; three transfers of each."""
    add_products(database_url, *(f"book-{number}" for number in range(1, 10)))
    async with open_settlement(database_url) as settlement:
        for name in ("ann", "bob"):
            await settlement.submit(credit(name, 300, credit_id="first"))
            await settlement.submit(credit(name, 50, kind="bonus", credit_id="second"))
            await settlement.submit(pay(name, line("book-1", 100), line("book-2", 60, 10, publisher=None)))


async def buy(database_url: str, name: str, product_id: str) -> None:
    """One more order, of one book for 10 bells."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(pay(name, line(product_id, 10)))
