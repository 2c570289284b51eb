"""`lingdang catalog import`: what it prints and how it exits."""

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.demo.books import BOOKS

ROWS = "id,name,cost,shelf\n1,A,5,x\n2,,5,x\n3,C,ten,x\n"
MAPPED = ["--map", "productId=bk-{id}", "--map", "title=name", "--map", "price=cost"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def lingdang(database_url: str, tmp_path: Path, *arguments: Any) -> Result:
    environment = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
    return CliRunner(env=environment).invoke(main, ["catalog", "import", *map(str, arguments)])


def count(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM product").fetchone()
    return 0 if row is None else int(row[0])


def test_bad_rows_are_named_and_the_exit_code_is_one(database_url: str, tmp_path: Path, file: Path) -> None:
    result = lingdang(database_url, tmp_path, file, *MAPPED)
    assert result.exit_code == 1
    assert "line 3: " in result.stderr
    assert "line 4: " in result.stderr
    assert result.stdout == ("1 created, 0 updated, 0 unchanged, 2 rejected\nColumns not used: shelf (see --map)\n")
    assert count(database_url) == 1


def test_the_report_as_json(database_url: str, tmp_path: Path, file: Path) -> None:
    result = lingdang(database_url, tmp_path, file, *MAPPED, "--json")
    assert result.exit_code == 1
    report = msgspec.json.decode(result.stdout)
    assert report["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 2}
    assert [rejection["line"] for rejection in report["rejections"]] == [3, 4]
    assert report["ignoredColumns"] == ["shelf"]


def test_the_books_by_their_preset(database_url: str, tmp_path: Path) -> None:
    result = lingdang(database_url, tmp_path, BOOKS, "--preset", "goodbooks")
    assert (result.exit_code, result.stdout) == (0, "10000 created, 0 updated, 0 unchanged, 0 rejected\n")
    assert count(database_url) == 10_000


@pytest.mark.parametrize(
    "options",
    [["--map", "name=title"], ["--map", "title"], ["--format", "xml"], ["--preset", "goodbooks", "--map", "title=a"]],
)
def test_impossible_options_change_nothing(database_url: str, tmp_path: Path, file: Path, options: list[str]) -> None:
    result = lingdang(database_url, tmp_path, file, *options)
    assert result.exit_code == 2
    assert count(database_url) == 0


@pytest.mark.parametrize(("name", "content"), [("a.csv", ""), ("a.txt", ROWS), ("a.csv", "a,a\n1,2\n")])
def test_an_unusable_file_changes_nothing(database_url: str, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    result = lingdang(database_url, tmp_path, tmp_path / name)
    assert result.exit_code == 2
    assert count(database_url) == 0
