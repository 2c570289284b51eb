"""Commands on a database of a test's own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.keys import Keyring
from support.commands import Run
from support.journal import fill


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
