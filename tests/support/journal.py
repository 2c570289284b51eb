"""Sealing and verifying a test's database, past the server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from msgspec import structs

from lingdang.catalog.memory import Memory
from lingdang.cli.reconcile import verify_seals
from lingdang.clock import Clock, system_clock
from lingdang.db.flush import flush
from lingdang.db.pool import Connection, Pool, connect_options
from lingdang.deployment import Deployment, make_sealer, make_witness
from lingdang.journal.sealer import Sealer
from lingdang.journal.verifying import Sealed
from lingdang.keys import Keyring
from lingdang.ledger import store
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.rules import Command, settle
from lingdang.settings import Settings
from support.customers import key_of, make_known
from support.money import add_products, credit, line, open_settlement, pay


def deployment_of(database_url: str, keyring: Keyring, clock: Clock = system_clock, buckets: int = 1) -> Deployment:
    return Deployment(Settings(), database_url, keyring, buckets=buckets, clock=clock)


@asynccontextmanager
async def open_sealer(
    database_url: str, keyring: Keyring, clock: Clock = system_clock, buckets: int = 1
) -> AsyncIterator[Sealer]:
    """A sealer that seals when it is told to."""
    async with Pool(database_url, 2, False) as pool:
        yield make_sealer(deployment_of(database_url, keyring, clock, buckets), pool)


async def seal_all(database_url: str, keyring: Keyring, buckets: int = 1) -> int:
    """One round of a sealer that knows nothing yet, and its witness kept; the number of transfers it sealed."""
    async with open_sealer(database_url, keyring, buckets=buckets) as sealer:
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


_HAND_OUT = """
INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)
VALUES ('ten', '{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}', 'active', 1, 2, now(), now());
INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
SELECT 0, customer, gen_random_uuid(), 'ten', now(), now() + interval '1 year' FROM customer;
"""


async def fill(database_url: str) -> None:
    """Ann and Bob, each with two credits and an order of two books with a voucher; three transfers of each."""
    add_products(database_url, *(f"book-{number}" for number in range(1, 10)))
    make_known(database_url, "ann", "bob")
    sql(database_url, _HAND_OUT)
    async with open_settlement(database_url) as settlement:
        for name in ("ann", "bob"):
            await settlement.submit(credit(name, 300, credit_id="first"))
            await settlement.submit(credit(name, 50, kind="bonus", credit_id="second"))
            [(voucher_id,)] = sql(database_url, f"SELECT voucher_id FROM voucher WHERE customer = {key_of(name)}")
            order = pay(name, line("book-1", 100), line("book-2", 60, 10, publisher=None))
            await settlement.submit(structs.replace(order, vouchers=(UsedVoucher(str(voucher_id), 10),)))


async def buy(database_url: str, name: str, product_id: str) -> None:
    """One more order, of one book for 10 bells."""
    async with open_settlement(database_url) as settlement:
        await settlement.submit(pay(name, line(product_id, 10)))


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application has them."""
    async with await Connection.connect(database_url, **connect_options(False)) as connection:
        yield connection


async def write(connection: Connection, commands: Sequence[Command]) -> None:
    """Settle a batch and commit, as a settlement does."""
    await write_in_flight(connection, commands)
    await connection.execute("COMMIT")


async def write_in_flight(connection: Connection, commands: Sequence[Command]) -> None:
    """Settle a batch and leave the transaction open."""
    await connection.execute(store.begin(0).encode())
    state, now = await store.load(connection, 0, commands, system_clock, Memory())
    await flush(connection, store.saving(0, settle(state, commands, now)[1]))


@asynccontextmanager
async def in_flight(database_url: str, *commands: Command) -> AsyncIterator[Connection]:
    """A settlement that has written these and not ended."""
    async with connected(database_url) as connection:
        await write_in_flight(connection, commands)
        yield connection


def checks(database_url: str, keyring: Keyring, witness: Path | None = None) -> list[str]:
    return [difference.check for difference in verify(database_url, keyring, witness=witness).differences]
