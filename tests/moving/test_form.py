"""What a row and a file must be, and how each that is not is named."""

from pathlib import Path
from typing import Any

import pytest

from support.commands import Run
from support.moving import (
    asked,
    balances,
    comma_separated,
    customer,
    json_lines,
    library,
    lot,
    right,
)

BAD = [
    ({"kind": "lots", "custId": "x"}, "kind", "lots"),
    ({"custId": "x", "amount": 1, "origin": "paid"}, "kind", "kind"),
    (lot("x", "25.5"), "amount", "whole number"),
    (lot("x", 25.5), "amount", "whole number"),
    (lot("x", True), "amount", "whole number"),
    (lot("x", [1]), "amount", "whole number"),
    (lot("x", -1), "amount", ">= 1"),
    (lot("x", 10**15 + 1), "amount", "<= 1000000000000000"),
    (lot("x", 10**40), "amount", ""),
    (lot("", 1), "custId", "custId"),
    (lot("a b", 1), "custId", "1 to 128 of"),
    (lot("x" * 129, 1), "custId", "1 to 128 of"),
    (lot("x", 1, "gift"), "origin", "gift"),
    (lot("x", 1, origin=5), "origin", "str"),
    (lot("x", 1, expiresAt="31.01.2999"), "expiresAt", "Expected a day"),
    (lot("x", 1, expiresAt="2020-01-31"), "expiresAt", "lapsed"),
    (lot("x", 1, expiresAt="9999-12-31"), "expiresAt", "2000 to 2999"),
    (lot("x", 1, currency="bells"), "currency", "1 to 16 of"),
    (lot("x", 1, expires="2999-01-31"), "expires", "unknown"),
    (right("x", "no such"), "productId", "1 to 64 of"),
    (right("x", "zzz"), "productId", "no such product"),
    ({"kind": "right", "custId": "x"}, "productId", "missing"),
    (customer("x", groups=["a b"]), "groups[0]", "1 to 64 of"),
    (customer("x", createdAt="soon"), "createdAt", "Expected a day"),
]


@pytest.mark.parametrize(("row", "field", "why"), BAD)
def test_a_bad_row_is_named_with_its_field_and_reason(
    move_in: Any, database_url: str, tmp_path: Path, row: dict[str, Any], field: str, why: str
) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5), row])
    code, report, refused = move_in(file)
    assert (code, report["refused"], report["agrees"]) == (1, 1, True)
    [told] = refused
    assert (told["file"], told["line"], told["field"]) == (str(file), 2, field)
    assert why in told["reason"]
    assert told["row"]["custId" if "custId" in row else "kind"] or not row["custId"]
    assert balances(database_url) == {"ann": 5}
    assert library(database_url) == set()


def test_lines_that_are_no_rows(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5)])
    file.write_bytes(file.read_bytes() + b'[1]\n{"kind"\n\xff\xfe{}\n\n')
    code, _, refused = move_in(file)
    assert (code, [row["line"] for row in refused]) == (1, [2, 3, 4])
    assert balances(database_url) == {"ann": 5}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_other_encodings(move_in: Any, database_url: str, tmp_path: Path, encoding: str) -> None:
    file = comma_separated(tmp_path / "rows.csv", [lot("ann", "１２")], encoding)
    said = {"utf-16": ["--encoding", "utf-16"], "gb18030": ["--encoding", "gb18030"]}.get(encoding, [])
    code, _, _ = move_in(file, *said)
    assert (code, balances(database_url)) == (0, {"ann": 12})


def test_what_a_right_is_forgiven(move_in: Any, database_url: str, tmp_path: Path) -> None:
    rows = [
        right("ann", "a"),
        {"Kind": "right", "custid": " ann ", "productID": "b\t"},
        right("ann", "c") | {"amount": "", "origin": None},
        right("ann", "c") | {"amount": 1},
    ]
    code, _, refused = move_in(json_lines(tmp_path / "rows.jsonl", rows))
    assert (code, [(row["line"], row["field"]) for row in refused]) == (1, [(4, "amount")])
    assert library(database_url) == {("ann", "a"), ("ann", "b"), ("ann", "c")}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "kind,custId,amount,expires\nlot,ann,5,\n"),
        ("a.csv", "custId,amount,origin\nann,5,paid\n"),
        ("a.csv", ""),
        ("a.txt", '{"kind": "customer", "custId": "ann"}\n'),
    ],
)
def test_an_unusable_file_changes_nothing(run: Run, database_url: str, tmp_path: Path, name: str, content: str) -> None:
    good = json_lines(tmp_path / "good.jsonl", [lot("ann", 5)])
    (tmp_path / name).write_text(content)
    result = run("move-in", good, tmp_path / name, "--refused", tmp_path / "refused.jsonl")
    assert (result.exit_code, str(tmp_path / name) in result.stderr) == (2, True)
    assert asked(database_url, "SELECT * FROM customer") == []
