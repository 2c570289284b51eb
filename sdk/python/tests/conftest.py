"""One real shop for all tests of the client: a database of its own, served over HTTP."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring, create_keyring
from support.shop import Shop, open_shop


@pytest.fixture(scope="session")
def shop_database(postgres: str) -> str:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE client_shop TEMPLATE template_shop STRATEGY file_copy")
    return postgres.replace("/postgres?", "/client_shop?", 1)


@pytest.fixture(scope="session")
def shop_keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    keyring = tmp_path_factory.mktemp("client-shop") / "keyring.json"
    create_keyring(keyring, system_clock())
    return Keyring(keyring)


@pytest.fixture(scope="session")
async def shop(shop_database: str, shop_keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop whose customers and products are each test's own (see customers.py)."""
    async with open_shop(shop_database, shop_keyring) as opened:
        yield opened
