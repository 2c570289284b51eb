"""Commands on a database of a test's own."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from support.commands import Run
from support.customers import make_known
from support.journal import fill

_BEGUN = """
INSERT INTO topup (customer, topup_id, bucket, package_id, name, account, channel, currency, paid, bonus, price,
                   price_currency, created_at, expires_at, status, returns, told, differs, received, refunded, disputed,
                   lost, test, version, finished, asks)
VALUES (%s, %s, 0, 'six', '600 bells', %s, 'web', 'BELL', 600, 60, 600, 'CNY', now(), now() + interval '1 hour',
        'pending', '[]', '{}', '{}', 0, 0, 0, 0, false, 0, false, 0)
"""
_AT_SANDBOX = """
INSERT INTO sandbox_payment (account, topup_id, price, currency, name, state, received, paid_in, at)
VALUES (%s, %s, 600, 'CNY', '600 bells', %s, %s, 'CNY', now())
"""


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Any:
    """Runs one `lingdang` command on the test's database."""

    def run(*args: str, stdin: str = "") -> Result:
        environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(main, list(args), input=stdin, env=environ)

    return run


@pytest.fixture
def lingdang(database_url: str, keyring: Keyring, tmp_path: Path) -> Run:
    """The command on a database of its own, with Ann's and Bob's transfers in it."""
    asyncio.run(fill(database_url))
    environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_KEYRING_FILE": str(keyring.path)}

    def run(*args: object) -> Result:
        return CliRunner().invoke(main, [*map(str, args), "--data-dir", str(tmp_path)], env=environ)

    return run


@pytest.fixture
def topup(database_url: str, tmp_path: Path) -> Run:
    """Runs one `lingdang topup …` on the test's database, with the sandbox unless told otherwise."""
    structlog.reset_defaults()  # a test before this one may have configured it: then commands leave logs where they go

    def run(*args: str, sandbox: str = "true", **settings: str) -> Result:
        environ = {
            "LINGDANG_DATABASE_URL": database_url,
            "LINGDANG_DATA_DIR": str(tmp_path / "data"),
            "LINGDANG_SANDBOX": sandbox,
        }
        return CliRunner().invoke(main, ["topup", *args], env=environ | settings)

    return run


@pytest.fixture
def begun(topup: Run, database_url: str) -> Callable[..., str]:
    """Writes down a top-up of Ann's at the sandbox, with what was received there; returns its id."""
    topup("list")  # it makes the tables

    def begin(received: int = 0, account: str = "sandbox") -> str:
        [ann] = make_known(database_url, "ann")
        topup_id = uuid7(datetime.now(UTC))
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(_BEGUN, (ann.key, topup_id, account))
            connection.execute(_AT_SANDBOX, (account, topup_id, "paid" if received else "open", received))
        return str(topup_id)

    return begin
