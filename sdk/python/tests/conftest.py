"""One real shop for all tests of the client: a PostgreSQL of its own, served over HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.keys import Keyring, create_keyring
from support.shop import Shop, open_shop


@pytest.fixture(scope="session")
def shop_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("client-shop")


@pytest.fixture(scope="session")
def shop_database(shop_directory: Path) -> Iterator[str]:
    server = EmbeddedServer(shop_directory)
    url = server.start()
    migrate(url)
    yield url
    server.stop()


@pytest.fixture(scope="session")
def shop_keyring(shop_directory: Path) -> Keyring:
    keyring = shop_directory / "client-keyring.json"
    create_keyring(keyring, system_clock())
    return Keyring(keyring)


@pytest.fixture(scope="session")
async def shop(shop_database: str, shop_keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop whose customers and products are each test's own (see customers.py)."""
    async with open_shop(shop_database, shop_keyring) as opened:
        yield opened
