"""The command line: every command has help, is quick to start, and keeps its errors to one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lingdang.cli.main import main
from support.served import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "command",
    [
        *([], ["serve"], ["migrate"], ["keys"], ["keys", "rotate"], ["keys", "list"], ["keys", "retire"]),
        *(["catalog"], ["catalog", "import"], ["wallet"], ["wallet", "credit"], ["reconcile"]),
        *(["journal"], ["journal", "seal"], ["journal", "checkpoint"], ["epoch"], ["epoch", "new"]),
        *(["statement"], ["statement", "issue"], ["statement", "verify"]),
    ],
    ids=" ".join,
)
def test_every_command_has_help(command: list[str]) -> None:
    answer = CliRunner().invoke(main, [*command, "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage:" in answer.output


def test_help_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys; from lingdang.cli.main import main; main(['--help'], standalone_mode=False);"
        "print(sorted(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("litestar", "psycopg", "uvicorn", "alembic", "cryptography"):
        assert f"'{heavy}'" not in answer.stdout


def test_serving_loads_no_migration_tools() -> None:
    code = "import sys; import lingdang.serving.worker; print(sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("alembic", "sqlalchemy", "faker", "polyfactory"):
        assert f"'{heavy}'" not in answer.stdout


def test_damaged_keyring_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "keyring.json").write_text("{")
    for command in (["keys", "list"], ["serve", "--port", "0"]):
        answer = run(tmp_path, *command)
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        assert "keyring.json: not a keyring" in answer.stderr
    assert not (tmp_path / "pg").exists()


def test_tls_settings_go_together(tmp_path: Path) -> None:
    answer = run(tmp_path, "serve", "--port", "0", tls_cert="cert.pem")
    assert answer.returncode == 1
    assert "LINGDANG_TLS_KEY" in answer.stderr


def test_more_connections_than_the_embedded_database_has_are_refused_at_the_start(tmp_path: Path) -> None:
    refused = run(tmp_path / "shop", "serve", "--workers", "17", "--port", "0")
    assert refused.returncode == 1
    assert "17 workers would open up to 397 connections, and the embedded database has 380" in refused.stderr
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["coupons", "codes", "spring", "5", "--out", "codes.csv"], 1),
        (["wallet", "credit", "ann", "5", "--reason", "r"], 1),
        (["wallet", "credit", "ann", "ten", "--reason", "r"], 2),
        (["apikey", "list"], 1),
        (["customer", "add", "ann"], 1),
        (["reconcile"], 1),
        (["journal", "seal"], 1),
        (["migrate"], 1),
        (["statement", "verify", "no-such-file", "--jwks", "no-such-file"], 2),
        (["no-such-command"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_whoever_asks_for_json_is_told_in_json_what_went_wrong(tmp_path: Path, command: list[str], code: int) -> None:
    environ = {"LINGDANG_DATABASE_URL": "postgresql://127.0.0.1:1/away", "LINGDANG_DATA_DIR": str(tmp_path)}
    answer = CliRunner(env=environ).invoke(main, [*command, "--json"])
    assert (answer.exit_code, list(json.loads(answer.stdout))) == (code, ["error"])
    assert "Error:" in answer.stderr


def test_a_fault_of_the_program_is_told_in_json_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lingdang.cli.migrate.settings_of", lambda _: 1 / 0)
    answer = CliRunner().invoke(main, ["migrate", "--json"])
    assert isinstance(answer.exception, ZeroDivisionError)
    assert "ZeroDivisionError" in json.loads(answer.stdout)["error"]
