"""`lingdang topup package` on a database of one's own."""

import json
from pathlib import Path

import pytest

from support.commands import Run
from support.topups import SIX_YUAN

PUT = ("package", "put", "six", "--name", "600 bells", "--paid", "600", "--money", "CNY")


def test_a_package_is_put_and_listed(topup: Run) -> None:
    done = topup(
        *PUT,
        "--price",
        "600",
        "--bonus",
        "60",
        "--bonus-days",
        "90",
        "--store-product",
        "apple=six",
        "--json",
        "--provider",
        "sandbox",
    )
    assert done.exit_code == 0, done.output
    assert done.stderr == "Warning: there is no account apple in the settings, so nobody can buy it there yet.\n"
    told = json.loads(done.stdout)
    assert (told["packageId"], told["price"], told["storeProducts"]) == (
        "six",
        {"amount": 600, "currency": "CNY"},
        {"apple": "six"},
    )
    free = topup(
        "package", "put", "free", "--name", "as you like", "--money", "CNY", "--per-bell", "7/100", "--least", "1",
        "--most", "9000", "--inactive",
    )  # fmt: skip
    assert free.stdout == "free  as you like: 1 to 9000 BELL, 0.07 CNY for each 100, not sold\n"
    assert topup("package", "list").stdout.splitlines()[1] == (
        "six  600 bells: 600+60 BELL for 6.00 CNY, the bonus for 90 days, through sandbox, apple as six"
    )
    assert [each["packageId"] for each in json.loads(topup("package", "list", "--json").stdout)] == ["free", "six"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "price"),
        (("--price", "600", "--per-bell", "1"), "perBell"),
        (("--per-bell", "0.07"), "expected AMOUNT"),
        (("--price", "600", "--provider", "Not A Name"), "provider"),
        (("--price", "1.5"), "integer"),
        (("--price", "600", "--money", "cny"), "Expected 3 of A-Z"),
    ],
)
def test_what_is_no_package_is_refused(topup: Run, options: tuple[str, ...], said: str) -> None:
    done = topup(*PUT, *options)
    assert done.exit_code == 2
    assert said in done.output
    assert topup("package", "list", "--json").stdout == "[]\n"


def test_a_price_in_no_currency_is_refused(topup: Run, tmp_path: Path) -> None:
    done = topup(*PUT[:-1], "ABC", "--price", "600")
    assert (done.exit_code, "ABC is no currency of ISO 4217" in done.output) == (1, True)
    file = tmp_path / "packages.jsonl"
    file.write_text(json.dumps(SIX_YUAN | {"packageId": "six", "price": {"amount": 600, "currency": "CNX"}}))
    wrong = topup("package", "import", str(file))
    assert (wrong.exit_code, "line 1: invalid_request: CNX is no currency" in wrong.output) == (1, True)
    assert topup("package", "list", "--json").stdout == "[]\n"


def test_packages_are_imported_together(topup: Run, tmp_path: Path) -> None:
    file = tmp_path / "packages.jsonl"
    file.write_text(json.dumps(SIX_YUAN | {"packageId": "six"}))
    assert topup("package", "import", str(file)).stdout == "1 created, 0 replaced\n"
    file.write_text("{")
    wrong = topup("package", "import", str(file))
    assert (wrong.exit_code, "line 1" in wrong.output) == (1, True)
