"""`serve --demo`: an empty shop is filled; one in which there is anything is left as it is.

The filling has three steps, each of which happens whole or not at all: the books, the customer with their vouchers and
the packages of bells, and the bells. How far it came is kept in the database, so that one that was interrupted goes on
where it was.
"""

import asyncio

import click
import psycopg

from lingdang.backoffice.wallets import CreditRequest, credit_wallet
from lingdang.db.pool import Pool, connect_options, transaction
from lingdang.demo import BELLS, CUSTOMER, PASSWORD
from lingdang.demo.books import add_demo_books
from lingdang.demo.coupons import give_demo_coupons
from lingdang.demo.packages import sell_demo_packages
from lingdang.deployment import Deployment, deploy, settling
from lingdang.identity.customers import known_customer, store_customer
from lingdang.identity.passwords import Passwords
from lingdang.ids import bucket_of
from lingdang.settings import Settings

_GIFT = CreditRequest(credit_id="demo", amount=BELLS, kind="paid", reason="Demo")

_STEP = "SELECT demo FROM deployment"
_HELD_STEP = "SELECT demo FROM deployment FOR UPDATE"
"""Two that fill one shop come one after the other."""
_DONE = "UPDATE deployment SET demo = %s"
_LOCK = "LOCK TABLE product, customer, coupon, wallet, transfer, topup_package IN SHARE ROW EXCLUSIVE MODE"
_TABLES = ("product", "customer", "wallet", "transfer", "entitlement", "coupon", "voucher", "topup_package")
"""An empty shop has no row of any."""
_TABLES_BUT_BOOKS = _TABLES[1:]


def fill_demo(settings: Settings, url: str) -> str | None:
    """Books, the customer `demo`, their bells and vouchers, in a shop in which there is nothing.

    Answers what was found instead, in words; None when the shop is filled, now or since an earlier start.
    """
    shop = deploy(settings, url)
    with psycopg.connect(url, **connect_options(settings.pgbouncer)) as connection:
        found = _add_books(connection, shop) or asyncio.run(_add_customer(shop))
        if found:
            return found
        if connection.execute(_STEP).fetchone() != ("filled",):
            asyncio.run(_add_bells(shop))
            connection.execute(_DONE, ("filled",))
    return None


def has_demo_customer(settings: Settings, url: str) -> bool:
    """Whether the customer with the published password was put into this shop."""
    with psycopg.connect(url, **connect_options(settings.pgbouncer)) as connection:
        return connection.execute(_STEP).fetchone() in (("customer",), ("filled",))


def _add_books(connection: psycopg.Connection, shop: Deployment) -> str:
    """The first step. Answers what is in the shop already, and then adds nothing."""
    if connection.execute(_STEP).fetchone() != (None,):
        return ""
    if found := _words(_TABLES, connection.execute(_present(_TABLES)).fetchone()):
        return found
    click.echo("Filling the shop with books …", err=True)
    with connection.transaction():
        if connection.execute(_HELD_STEP).fetchone() != (None,):
            return ""
        connection.execute(_LOCK)
        if found := _words(_TABLES, connection.execute(_present(_TABLES)).fetchone()):
            return found
        add_demo_books(connection, shop.clock())
        connection.execute(_DONE, ("books",))
    return ""


async def _add_customer(shop: Deployment) -> str:
    """The second step, likewise: a filling may have been interrupted long ago, and the shop be in use since."""
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    now = shop.clock()
    async with Pool(shop.database_url, 2, shop.settings.pgbouncer) as pool, transaction(pool) as connection:
        if await (await connection.execute(_HELD_STEP)).fetchone() != ("books",):
            return ""
        await connection.execute(_LOCK)
        present = await (await connection.execute(_present(_TABLES_BUT_BOOKS))).fetchone()
        if found := _words(_TABLES_BUT_BOOKS, present):
            return found
        key = (await store_customer(connection, CUSTOMER, hashed, now)).customer.key
        await give_demo_coupons(connection, bucket_of(key, shop.buckets), key, now)
        await sell_demo_packages(connection, now)
        await connection.execute(_DONE, ("customer",))
    return ""


async def _add_bells(shop: Deployment) -> None:
    """The third step. Whoever repeats it books nothing more: the credit's id is the same."""
    async with Pool(shop.database_url, 1, shop.settings.pgbouncer) as pool:
        customer = await known_customer(pool, CUSTOMER)
    async with settling(shop) as settlement:
        await credit_wallet(settlement, customer, _GIFT)


def _present(tables: tuple[str, ...]) -> str:
    """The question in which of the tables there is something."""
    return "SELECT " + ", ".join(f"EXISTS (SELECT FROM {table})" for table in tables)  # noqa: S608 - those above


def _words(tables: tuple[str, ...], present: tuple[bool, ...] | None) -> str:
    """The tables in which there is something; nothing when there is none."""
    return ", ".join(f"{table}s" for table, there in zip(tables, present or (), strict=True) if there)
