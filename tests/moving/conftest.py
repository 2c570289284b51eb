"""Commands on a database of a test's own, with a small catalogue."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from lingdang.cli.main import main
from support.commands import Run
from support.money import add_products


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Runs one `lingdang` command on the test's shop, which has the books a, b and c."""
    add_products(database_url, "a", "b", "c")
    environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: object) -> Any:
        return CliRunner(env=environ).invoke(main, [*map(str, arguments)])

    return run


@pytest.fixture
def move_in(run: Run, tmp_path: Path) -> Any:
    """Moves files in; answers the exit code, the report and the refused rows."""

    def move_in(*arguments: object) -> tuple[int, Any, list[Any]]:
        refused = tmp_path / "refused.jsonl"
        result = run("move-in", *arguments, "--refused", refused, "--json")
        assert result.stdout, result.output
        rows = refused.read_bytes().splitlines() if refused.exists() else []
        return result.exit_code, msgspec.json.decode(result.stdout), [msgspec.json.decode(row) for row in rows]

    return move_in
