"""What the tests of the shop and of its clients stand on: a real PostgreSQL, a fresh database each, a served shop."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.keys import Keyring, create_keyring
from support.ready import in_memory, keep_at, lay_out
from support.shop import Shop, open_shop

# A busy machine is not a fault: no example is judged by how long it takes.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("unhurried"), max_examples=20)
settings.register_profile("thorough", settings.get_profile("unhurried"), max_examples=2000)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the processes of this run keep the database that they copy."""
    base = tmp_path_factory.getbasetemp()
    keep_at((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ready")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an embedded server's own database, with a migrated database `template_shop` beside it."""
    with in_memory() as memory:
        directory = memory or tmp_path_factory.mktemp("data")
        lay_out(directory)
        server = EmbeddedServer(directory)
        url = server.start()
        _keep_a_template(url)
        yield url
        server.stop()


def _keep_a_template(url: str) -> None:
    with psycopg.connect(database(url, "template1"), autocommit=True) as connection:
        connection.execute("ALTER DATABASE postgres RENAME TO template_shop")
        connection.execute("CREATE DATABASE postgres TEMPLATE template0")


def database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return url.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture
def database_url(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated, empty database, dropped after the test."""
    with _fresh(postgres, f"shop_{abs(hash(request.node.nodeid))}") as url:
        yield url


@contextmanager
def _fresh(postgres: str, name: str) -> Iterator[str]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_shop".encode())
        yield database(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def shared_database_url(postgres: str) -> Iterator[str]:
    """One database for all tests of a file that take it: for those that leave everything as it was."""
    with _fresh(postgres, f"shop_{uuid4().hex}") as url:
        yield url


@pytest.fixture(scope="module")
def shared_keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """The keyring of who serves it."""
    path = tmp_path_factory.mktemp("shared") / "keyring.json"
    create_keyring(path, system_clock())
    return Keyring(path)


@pytest.fixture(scope="module")
async def shared_shop(shared_database_url: str, shared_keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop that serves it."""
    async with open_shop(shared_database_url, shared_keyring) as opened:
        yield opened


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """A new keyring of this test's own."""
    create_keyring(tmp_path / "keyring.json", system_clock())
    return Keyring(tmp_path / "keyring.json")


@pytest.fixture
async def shop(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop served over HTTP on a port of its own, in this process."""
    async with open_shop(database_url, keyring) as opened:
        yield opened


SLOW_ROOMS = ("attacks", "bench", "browser", "faults", "pains", "security", "simulation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves out: what needs a database, and the rooms that are all processes or long."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker("database")
        if item.path.parent.name in SLOW_ROOMS:
            item.add_marker("slow")
