"""`lingdang topup` on a database of one's own."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.ids import uuid7
from support.topups import SIX_YUAN

_BEGUN = """
INSERT INTO topup (customer, topup_id, bucket, package_id, name, account, channel, currency, paid, bonus, price,
                   price_currency, created_at, expires_at, status, returns, told, differs, received, refunded, disputed,
                   lost, test, version, finished, asks)
VALUES (7, %s, 0, 'six', '600 bells', 'sandbox', 'web', 'BELL', 600, 60, 600, 'CNY', now(), now() + interval '1 hour',
        'pending', '[]', '{}', '{}', 0, 0, 0, 0, false, 0, false, 0)
"""
PUT = ("package", "put", "six", "--name", "600 bells", "--paid", "600", "--money", "CNY")


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Any:
    """Runs one `lingdang topup …` on the test's database, with the sandbox."""

    def run(*args: str, sandbox: str = "true") -> Result:
        environ = {
            "LINGDANG_DATABASE_URL": database_url,
            "LINGDANG_DATA_DIR": str(tmp_path / "data"),
            "LINGDANG_SANDBOX": sandbox,
        }
        return CliRunner().invoke(main, ["topup", *args], env=environ)

    return run


def test_a_package_is_put_and_listed(run: Any) -> None:
    done = run(*PUT, "--price", "600", "--bonus", "60", "--store-product", "apple=six", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["packageId"], told["price"], told["storeProducts"]) == (
        "six",
        {"amount": 600, "currency": "CNY"},
        {"apple": "six"},
    )
    free = run(
        "package", "put", "free", "--name", "as you like", "--money", "CNY", "--per-bell", "7/100", "--least", "1",
        "--most", "9000", "--inactive",
    )  # fmt: skip
    assert free.stdout == "free  as you like: 1 to 9000 BELL, 0.07 CNY for each 100, not sold\n"
    assert run("package", "list").stdout.splitlines()[1] == "six  600 bells: 600+60 BELL for 6.00 CNY"
    assert [each["packageId"] for each in json.loads(run("package", "list", "--json").stdout)] == ["free", "six"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "price"),
        (("--price", "600", "--per-bell", "1"), "perBell"),
        (("--per-bell", "0.07"), "expected AMOUNT"),
        (("--price", "600", "--provider", "Not A Name"), "provider"),
        (("--price", "1.5"), "integer"),
    ],
)
def test_what_is_no_package_is_refused(run: Any, options: tuple[str, ...], said: str) -> None:
    done = run(*PUT, *options)
    assert done.exit_code == 2
    assert said in done.output
    assert run("package", "list", "--json").stdout == "[]\n"


def test_packages_are_imported_together(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "packages.jsonl"
    file.write_text(json.dumps(SIX_YUAN | {"packageId": "six"}))
    assert run("package", "import", str(file)).stdout == "1 created, 0 replaced\n"
    file.write_text("{")
    wrong = run("package", "import", str(file))
    assert (wrong.exit_code, "line 1" in wrong.output) == (1, True)


def test_top_ups_are_listed_shown_and_asked_for(run: Any, database_url: str) -> None:
    topup_id = uuid7(datetime.now(UTC))
    run("list")  # it makes the tables
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_BEGUN, (topup_id,))
    for command in (("list",), ("list", "--status", "pending"), ("show", str(topup_id)), ("ask", str(topup_id))):
        done = run(*command)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{topup_id}  pending         6.00 CNY  sandbox  ")
    assert run("list", "--status", "paid").stdout == ""
    assert json.loads(run("show", str(topup_id), "--json").stdout)["topupId"] == str(topup_id)
    nobody = run("show", str(uuid7()))
    assert (nobody.exit_code, "there is no top-up" in nobody.output) == (1, True)


def test_gift_codes_are_in_a_new_file_alone(run: Any, database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    done = run("codes", "spring", "3", "--amount", "100", "--expires", "2099-01-31", "--out", str(out))
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(out.open()))
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*), min(amount) FROM gift_code").fetchone() == (3, 100)
    assert len(rows) >= 3
    again = run("codes", "spring", "3", "--amount", "100", "--out", str(out))
    assert (again.exit_code, "exists already" in again.output) == (1, True)


def test_a_day_is_compared_with_its_list(run: Any, database_url: str) -> None:
    found = uuid7()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sandbox_payment (account, topup_id, price, currency, name, state, received, paid_in, at)"
            " VALUES ('sandbox', %s, 600, 'CNY', 'n', 'paid', 600, 'CNY', '2026-11-22 12:00+00')",
            (found,),
        )
    done = run("compare", "sandbox", "2026-11-22")
    assert (done.exit_code, done.stdout) == (0, "1 listed, 1 differed\n"), done.output
    assert json.loads(run("compare", "sandbox", "2026-11-22", "--json").stdout) == {"listed": 1, "differing": 0}
    assert run("list", "--status", "review").stdout.count("differs: unknown") == 1
    unknown = run("compare", "elsewhere", "2026-11-22")
    assert (unknown.exit_code, "there is no account elsewhere" in unknown.output) == (1, True)


def test_a_shop_that_the_demo_filled_has_its_sandbox_without_a_setting(run: Any, database_url: str) -> None:
    told = run("compare", "sandbox", "2026-11-22", sandbox="false")
    assert (told.exit_code, "LINGDANG_SANDBOX=true adds the sandbox" in told.output) == (1, True)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE deployment SET demo = 'filled'")
    done = run("compare", "sandbox", "2026-11-22", sandbox="false")
    assert (done.exit_code, done.stdout) == (0, "0 listed, 0 differed\n"), done.output
