"""One customer in several tabs: other workers, other sessions, and what happens while a payment is under way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import psycopg

from support.buyer import Buyer
from support.shop import PATIENCE, Shop


def at(shop: Shop, one: Buyer) -> Buyer:
    """The same customer in the same session, speaking to another worker."""
    return replace(one, shop=shop)


async def until(told: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until `told` is true, while the event loop goes on."""
    end = asyncio.get_running_loop().time() + seconds
    while not told():
        assert asyncio.get_running_loop().time() < end, "it did not become true in time"
        await asyncio.sleep(0.01)


def waiting(shop: Shop) -> int:
    """How many of the shop's transactions wait for a lock."""
    [(number,)] = shop.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(number)


def await_locks(database_url: str) -> None:
    """Have the ledger wait for a lock for as long as a test may hold it, instead of three seconds."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proconfig::text ~ 'lock_timeout'"
        ):
            connection.execute(f"ALTER FUNCTION {name} SET lock_timeout = '{PATIENCE:.0f}s'")


_WALLET = """
SELECT 1 FROM wallet JOIN customer USING (customer) WHERE customer_id = %s FOR UPDATE OF wallet
"""
_RIGHTS = """
SELECT 1 FROM entitlement JOIN customer USING (customer) WHERE customer_id = %s FOR UPDATE OF entitlement
"""


@asynccontextmanager
async def wallet_held(shop: Shop, cust_id: str) -> AsyncIterator[None]:
    """A payment of this customer that starts meanwhile is decided, but cannot write before the block ends."""
    with _held(shop, _WALLET, cust_id):
        yield


@asynccontextmanager
async def rights_held(shop: Shop, cust_id: str) -> AsyncIterator[None]:
    """Who notes that this customer opened a product, or ends a right, waits for the end of the block, in a queue."""
    with _held(shop, _RIGHTS, cust_id):
        yield


@contextmanager
def _held(shop: Shop, statement: str, cust_id: str) -> Iterator[None]:
    await_locks(shop.database_url)
    with psycopg.connect(shop.database_url) as holder:
        holder.execute(statement, (cust_id,))
        yield
        holder.rollback()
