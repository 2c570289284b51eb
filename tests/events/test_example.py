"""`examples/follow_events.py` has what the shop has, also when it was stopped, and when a restore was declared."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lingdang.cli.epoch import declare_lost
from lingdang.keys import Keyring
from support.consumer import read_all
from support.happened import everything
from support.journal import deployment_of, sql
from support.money import credit, open_settlement
from support.pages import ROOT
from support.people import api_key
from support.served import eventually
from support.shop import Shop

pytestmark = pytest.mark.slow


@contextmanager
def following(shop: Shop, key: dict[str, str], books: Path) -> Iterator[None]:
    """The example runs for as long as the block."""
    environ = {**os.environ, "LINGDANG_URL": shop.url, "LINGDANG_KEY": key["Authorization"].removeprefix("Bearer ")}
    process = subprocess.Popen([sys.executable, str(ROOT / "examples/follow_events.py"), str(books)], env=environ)
    try:
        yield
        assert process.poll() is None, "it goes on"
    finally:
        process.kill()
        process.wait()


def followed(books: Path) -> list[tuple[str, ...]]:
    """What it has: ids and types in their order."""
    if not books.exists():
        return []
    connection = sqlite3.connect(books, timeout=60)
    try:
        return connection.execute("SELECT id, type FROM event ORDER BY position, cust_id, seq").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


async def has_all(shop: Shop, books: Path) -> None:
    expected = sorted((event["id"], event["type"]) for event in await read_all(shop.database_url))
    await asyncio.to_thread(eventually, lambda: sorted(followed(books)) == expected)


async def test_it_has_what_the_shop_has(shop: Shop, keyring: Keyring, tmp_path: Path) -> None:
    url, books = shop.database_url, tmp_path / "events.db"
    key = await api_key(shop, "events:read")
    await everything(url)
    with following(shop, key, books):
        await has_all(shop, books)
        async with open_settlement(url) as settlement:
            await settlement.submit(credit("ann", 1))
        await has_all(shop, books)
    async with open_settlement(url) as settlement:
        await settlement.submit(credit("bob", 2))
    sql(url, "DELETE FROM transfer WHERE position = (SELECT max(position) FROM transfer)")
    await declare_lost(deployment_of(url, keyring))
    with following(shop, key, books):
        await has_all(shop, books)
