"""`lingdang wallet credit`: a day's end in the shop's zone, and an answer that says the moment."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from lingdang.cli.main import main

GIFT = ("wallet", "credit", "alice", "500", "--reason", "welcome", "--kind", "bonus")
NEW = "--create-customer"


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "LINGDANG_DATABASE_URL": database_url,
        "LINGDANG_DATA_DIR": str(tmp_path / "data"),
        "TZ": "America/New_York",
    }


def run(environ: dict[str, str], *arguments: str) -> Any:
    return CliRunner(env=environ).invoke(main, [*GIFT, *arguments])


@pytest.mark.parametrize(
    ("zone", "expires", "utc"),
    [
        (None, "2997-01-31", "2997-01-31T16:00:00Z"),
        ("UTC", "2997-01-31", "2997-02-01T00:00:00Z"),
        ("Asia/Tokyo", "2997-01-31T09:00", "2997-01-31T00:00:00Z"),
        (None, "2997-01-31T09:00:00Z", "2997-01-31T09:00:00Z"),
        (None, "2999-12-31", "2999-12-31T16:00:00Z"),
    ],
)
def test_bells_last_to_the_end_of_their_day(environ: dict[str, str], zone: str | None, expires: str, utc: str) -> None:
    environ = environ | ({} if zone is None else {"LINGDANG_TIME_ZONE": zone})
    shown = run(environ, NEW, "--expires", expires, "--json", "--credit-id", "gift")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["expiresAt"] == utc
    told = run(environ, "--expires", expires, "--credit-id", "gift")
    assert "nothing was added" in told.stdout
    assert f"lapses at {utc.replace('Z', '.000Z')} (" in told.stdout
    assert (zone or "Asia/Shanghai") in told.stdout


def test_what_has_no_end_says_nothing_of_one(environ: dict[str, str]) -> None:
    told = run(environ, NEW)
    assert told.exit_code == 0
    assert "lapses" not in told.stdout


@pytest.mark.parametrize(
    ("expires", "why"),
    [
        ("31.01.2997", "Expected a day"),
        ("9999-12-31", "2000 to 2999"),
        ("9999-12-30", "2000 to 2999"),
        ("3000-01-01", "2000 to 2999"),
        ("1999-12-31T15:59:59", "2000 to 2999"),
        ("2020-01-01", "It is in the past"),
    ],
)
def test_a_wrong_end_says_why(environ: dict[str, str], database_url: str, expires: str, why: str) -> None:
    refused = run(environ, NEW, "--expires", expires)
    assert refused.exit_code != 0
    assert why in " ".join(refused.output.split())
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM wallet").fetchone() == (0,)


def test_nobody_has_heard_of_them(environ: dict[str, str], database_url: str) -> None:
    refused = run(environ)
    assert refused.exit_code == 1
    assert "nobody has heard of the customer alice: --create-customer adds them" in refused.output
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM customer").fetchone() == (0,)
    assert "alice: +500 BELL bonus, balance 500" in run(environ, NEW).stdout
    assert "balance 1000" in run(environ).stdout
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute("SELECT customer_id FROM customer").fetchall() == [("alice",)]
