"""Behind PgBouncer in transaction mode, with LINGDANG_PGBOUNCER=true: migrated, served and paid through it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from lingdang.db.migrate import migrate
from lingdang.keys import Keyring
from support.buyer import buyer, give, stock
from support.served import eventually, is_well, run, serving
from support.shop import open_shop

CONFIGURATION = """\
[databases]
* = host={host} port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
min_pool_size = 0
server_idle_timeout = 1
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pgbouncer(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of the test's database through a PgBouncer with fewer connections than the shop has."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    parts = urlsplit(database_url)
    configuration = tmp_path / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(host=parse_qs(parts.query)["host"][0], port=port))
    command = [program, str(configuration)]
    if os.geteuid() == 0:  # it refuses to run as root, as PostgreSQL does
        command = [program, "-u", "pgserver", str(configuration)]
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o755)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    url = f"postgresql://postgres@127.0.0.1:{port}{parts.path}"
    eventually(lambda: _answers(url))
    yield url
    process.terminate()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_orders_are_paid_through_it(pgbouncer: str, keyring: Keyring) -> None:
    async with open_shop(pgbouncer, keyring, pgbouncer=True) as shop:
        stock(shop, *[f"b{number}" for number in range(12)])
        await give(shop, "ann", 10_000)
        ann = buyer(shop)
        for number in range(12):
            assert (await shop.http.put(f"/v1/cart/items/b{number}", headers=ann.headers)).status_code == 200
            answer = await ann.buy(f"b{number}")
            assert answer.status_code == 200, answer.text
            assert (await ann.get("/v1/entitlements")).status_code == 200
        assert shop.sql("SELECT balance FROM wallet") == [(8_800,)]


def test_migrated_and_served_through_it(pgbouncer: str, database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    settings = {"database_url": pgbouncer, "pgbouncer": "true"}
    assert "from revision none to" in run(tmp_path / "shop", "migrate", **settings).stdout
    assert migrate(pgbouncer)[0] == migrate(pgbouncer)[1]
    with serving(tmp_path / "shop", "--http", "--workers", "2", **settings) as served, served.client() as client:
        assert all(is_well(client) for _ in range(20))
