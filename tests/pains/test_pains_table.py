"""docs/pains.md and the tests beside this one name each other."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ISSUE = re.compile(r"#\d+")


def table() -> dict[int, list[str]]:
    """The rows of docs/pains.md: cells by number."""
    lines = (ROOT / "docs" / "pains.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| \d+ \|", line)]
    assert len(rows) == len({row[0] for row in rows}), "each number once"
    return {int(row[0]): row for row in rows}


def written_here() -> dict[str, str]:
    """The tests of this folder by `path::name`, with their docstrings."""
    return {
        f"{path.relative_to(ROOT).as_posix()}::{node.name}": ast.get_docstring(node) or ""
        for path in sorted(HERE.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_pain_")
    }


def test_the_table_has_all_rows_and_each_is_tested_or_says_what_it_waits_for() -> None:
    rows = table()
    assert list(rows) == list(range(1, 26))
    for number, (_, failure, reported_at, why, tested, *more) in rows.items():
        assert all((failure, why)), number
        assert ISSUE.search(reported_at), number
        assert not more, number
        assert "::test_pain_" in tested or re.fullmatch(r"waits for (top-ups|webhooks)", tested), number


def test_every_test_in_the_table_exists_in_its_row_and_every_one_that_exists_is_named() -> None:
    named = [(test, number) for number, row in table().items() for test in re.findall(r"\S+::\w+", row[4])]
    assert sorted(test for test, _ in named) == sorted(written_here())
    for test, number in named:
        assert f"::test_pain_{number:02}_" in test


def test_every_test_cites_an_issue_of_its_row() -> None:
    """Or says "the same issues", of the test before it."""
    rows = table()
    for test, told in written_here().items():
        number = int(test.partition("::test_pain_")[2][:2])
        cited = set(ISSUE.findall(told))
        assert cited <= set(ISSUE.findall(rows[number][2])), test
        assert cited or told.startswith("The same issues"), test
