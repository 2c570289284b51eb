"""Files as people's spreadsheets and exports make them, through the command as they run it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner

from lingdang.cli.main import main

CASES = Path(__file__).parents[1] / "cases" / "catalogue"

Lines = list[int]


class Shell:
    """`lingdang catalog import` on one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def load(self, file: Path | str | bytes, *options: str, name: str = "a.csv") -> dict[str, Any]:
        """Import a file, or one with this content. Returns the report, with the exit code as `exit`."""
        if not isinstance(file, Path):
            content = file.encode() if isinstance(file, str) else file
            file = self.folder / name
            file.write_bytes(content)
        result = self.run("catalog", "import", str(file), "--json", *options)
        return {"exit": result.exit_code, **msgspec.json.decode(result.stdout)}

    def run(self, *arguments: str) -> Any:
        environ = {"LINGDANG_DATABASE_URL": self.url, "LINGDANG_DATA_DIR": str(self.folder / "data")}
        return CliRunner(env=environ).invoke(main, arguments)

    def products(self, columns: str = "product_id, title, price") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            statement = f"SELECT {columns} FROM product ORDER BY product_id"
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    return Shell(database_url, tmp_path)


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    found = report["counts"]
    return found["created"], found["updated"], found["unchanged"], found["rejected"]


def rejected(report: dict[str, Any]) -> Lines:
    assert all(rejection["reason"] for rejection in report["rejections"])
    return [rejection["line"] for rejection in report["rejections"]]


def test_a_price_with_a_dot_is_refused_and_not_guessed(shell: Shell) -> None:
    report = shell.load(CASES / "dot-price.csv")
    assert (rejected(report), counts(report)) == ([2, 3], (1, 0, 0, 2))
    assert report["rejections"][0]["reason"] == "price: Expected a whole number in digits alone, got '2.500'"
    assert shell.products() == [("dp-3", "Drei", 12)]


def test_a_price_is_read_in_the_notation_that_is_said(shell: Shell) -> None:
    assert rejected(shell.load(CASES / "dot-price.csv", "--thousands", ".")) == []
    assert [row[2] for row in shell.products()] == [2500, 19000, 12]
    assert rejected(shell.load(CASES / "dot-price.csv", "--decimal", ".")) == [2]
    assert [row[2] for row in shell.products()] == [2500, 19, 12]


@pytest.mark.parametrize(
    "cell",
    [
        "25.0",
        "1e3",
        "1E3",
        "NaN",
        "inf",
        "٣",
        "1_000",
        "+5",
        "0x10",
        "- 5",
        "−5",
        "-5",
        "1'000",
        '"1,000"',
        "1 000",
        "9" * 31,
        "9" * 5000,
        "10" * 9,
        "½",
        "10²",
        "十",
    ],
)
@pytest.mark.parametrize("field", ["price", "listPrice", "popularity"])
def test_what_is_no_whole_number_is_rejected(shell: Shell, field: str, cell: str) -> None:
    others = {"price": "1", "listPrice": "9999", "popularity": "3"} | {field: cell}
    report = shell.load(f"productId,title,{','.join(others)}\na,A,{','.join(others.values())}\n")
    assert (rejected(report), shell.products()) == ([2], [])
    assert report["rejections"][0]["reason"].startswith(f"{field}: ")


@pytest.mark.parametrize("cell", [" 25 ", "２５", "\u300025", "025", "25\u00a0", "\ufeff25"])
def test_digits_are_read_whatever_stands_around_them(shell: Shell, cell: str) -> None:
    assert rejected(shell.load(f"productId,title,price\na,A,{cell}\n")) == []
    assert shell.products() == [("a", "A", 25)]


@pytest.mark.parametrize(("sign", "cell"), [(",", '"1,000"'), (" ", "1 000"), (" ", "1\u202f000"), ("'", "1'000")])
def test_groups_of_thousands(shell: Shell, sign: str, cell: str) -> None:
    text = (
        f"productId,title,price\na,A,{cell}\nb,B,1\nc,C,{cell[:-2] if cell[-1] != chr(34) else cell[:-3] + chr(34)}\n"
    )
    assert rejected(shell.load(text, "--thousands", sign)) == [4]
    assert shell.products() == [("a", "A", 1000), ("b", "B", 1)]


def test_numbers_in_json_are_whole_ones_or_their_text(shell: Shell) -> None:
    prices = ["25", '"25"', "25.5", "25.0", "1e2", "true", "null", '"２５"', "[25]", "9" * 40]
    lines = [f'{{"productId": "p-{n}", "title": "T", "price": {price}}}' for n, price in enumerate(prices)]
    report = shell.load("\n".join(lines), name="a.jsonl")
    assert rejected(report) == [3, 4, 5, 6, 7, 9, 10]
    assert [row[0] for row in shell.products()] == ["p-0", "p-1", "p-7"]


def test_what_a_file_does_not_name_stays(shell: Shell) -> None:
    shell.load(CASES / "withdrawn-1.csv")
    assert counts(shell.load(CASES / "withdrawn-2.csv")) == (0, 1, 0, 0)
    assert shell.products("price, list_price, status, publisher, intro") == [(42, 42, "withdrawn", "Ace", "long text")]
    assert counts(shell.load(CASES / "withdrawn-2.csv")) == (0, 0, 1, 0)


FULL = (
    "productId,title,price,listPrice,currency,publisher,intro,coverUrl,onSaleFrom,onSaleUntil,status,popularity,"
    "attributes.authors,attributes.year\n"
    "p-1,Emma,40,50,GEM,Ace,text,https://x.test/c,2020-01-01T00:00:00Z,2021-01-01T00:00:00Z,withdrawn,7,Ann,1815\n"
)
ALL = "title, price, list_price, currency, publisher, intro, cover_url, on_sale_until, status, popularity, attributes"


def test_an_empty_cell_leaves_its_field_and_a_file_may_name_nothing_but_the_id(shell: Shell) -> None:
    shell.load(FULL)
    before = shell.products("*")
    header, _, _ = FULL.partition("\n")
    for row in ("p-1" + "," * 13, "p-1", "p-1," + "\u3000," * 12 + " "):
        assert counts(shell.load(f"{header}\n{row}\n")) == (0, 0, 1, 0)
    assert counts(shell.load("productId\np-1\n")) == (0, 0, 1, 0)
    assert shell.products("*") == before


def test_clear_empty_empties_what_can_be_and_brings_nothing_back_on_sale(shell: Shell) -> None:
    shell.load(FULL)
    header, _, _ = FULL.partition("\n")
    report = shell.load(f"{header}\np-1{',' * 13}\n", "--clear-empty")
    assert counts(report) == (0, 1, 0, 0)
    assert shell.products(ALL) == [("Emma", 40, 40, "GEM", None, "", None, None, "withdrawn", 7, {})]


def test_null_in_json_empties_and_other_attributes_stay(shell: Shell) -> None:
    shell.load(FULL)
    line = {"productId": "p-1", "publisher": None, "attributes": {"year": None, "isbn": "1"}, "title": None}
    assert counts(shell.load(msgspec.json.encode(line), name="a.jsonl")) == (0, 1, 0, 0)
    assert shell.products("title, publisher, intro, attributes, status") == [
        ("Emma", None, "text", {"authors": "Ann", "isbn": "1"}, "withdrawn")
    ]


def test_a_default_fills_what_neither_row_nor_product_has(shell: Shell) -> None:
    shell.load(FULL + "p-2,Persuasion,30\n")
    defaults = ["publisher=Penguin", "status=active", "currency=COIN", "price=1", "attributes.year=1900"]
    options = [word for default in defaults for word in ("--default", default)]
    assert counts(shell.load("productId,title\np-1,\np-2,\np-3,New\n", *options)) == (1, 1, 1, 0)
    assert shell.products("price, currency, publisher, status, attributes->>'year'") == [
        (40, "GEM", "Ace", "withdrawn", "1815"),
        (30, "BELL", "Penguin", "active", "1900"),
        (1, "COIN", "Penguin", "active", "1900"),
    ]


@pytest.mark.parametrize(
    ("before", "row", "after"),
    [
        ("10,", "12,", (12, 12)),
        ("10,", "8,", (8, 8)),
        ("80,100", "90,", (90, 100)),
        ("80,100", "120,", (120, 120)),
        ("80,100", ",90", (80, 90)),
        ("80,100", "100,100", (100, 100)),
    ],
)
def test_a_list_price_that_was_the_price_follows_it(
    shell: Shell, before: str, row: str, after: tuple[int, int]
) -> None:
    shell.load(f"productId,title,price,listPrice\np,P,{before}\n")
    assert rejected(shell.load(f"productId,price,listPrice\np,{row}\n")) == []
    assert shell.products("price, list_price") == [after]


def test_a_change_that_makes_no_product_changes_nothing(shell: Shell) -> None:
    shell.load(FULL)
    before = shell.products("*")
    report = shell.load("productId,listPrice,onSaleFrom\np-1,39,\np-2,5,\n")
    assert rejected(report) == [2, 3]
    assert rejected(shell.load("productId,onSaleFrom\np-1,2022-01-01T00:00:00Z\n")) == [2]
    assert shell.products("*") == before


@pytest.mark.parametrize("encoding", ["gbk-remark-column", "gbk-header-only", "utf16"])
def test_a_file_that_is_not_utf8_is_told_so_and_nothing_is_written(shell: Shell, encoding: str) -> None:
    report = shell.load(CASES / f"{encoding}.csv")
    assert (report["exit"], counts(report), report["rejections"]) == (2, (0, 0, 0, 0), [])
    assert "not UTF-8" in report["error"]
    assert f"--encoding {'utf-16' if encoding == 'utf16' else 'gb18030'}" in report["error"]
    assert shell.products() == []


@pytest.mark.parametrize(
    ("name", "options", "rows"),
    [
        ("gbk-remark-column", ["--encoding=gb18030"], [("gr-5", "Dune", 40)]),
        (
            "gbk-header-only",
            ["--encoding=gb18030", "--map", "title=书名", "--map", "price=价格"],
            [("ge-1", "Dune", 40), ("ge-2", "Emma", 30)],
        ),
        (
            "utf16",
            ["--encoding=utf-16", "--map", "title=书名", "--map", "price=价格", "--map", "publisher=出版社"],
            [("gbk-1", "三体", 39), ("gbk-2", "活着", 28)],
        ),
    ],
)
def test_it_is_read_as_what_it_is_said_to_be(
    shell: Shell, name: str, options: list[str], rows: list[tuple[str, str, int]]
) -> None:
    shell.load(CASES / f"{name}.csv", *options)
    assert shell.products() == rows


def test_what_stands_in_a_column_that_nobody_asked_for_is_told_in_json(shell: Shell) -> None:
    head = "productId,title,price,备注\n" + "".join(f"p-{n:02},三体,1,好\n" for n in range(50))
    report = shell.load(head.encode() + b"bad,Dune,40,\xff\xfe\n" + "p-99,活着,2,\n".encode())
    assert (rejected(report), counts(report), report["ignoredColumns"]) == ([52], (51, 0, 0, 1), ["备注"])
    assert report["rejections"][0]["reason"] == "not UTF-8"


def test_blank_rows_are_passed_over_and_short_ones_are_rows(shell: Shell) -> None:
    assert (shell.load(CASES / "blank-rows.csv")["exit"], shell.products()) == (0, [("br-1", "Dune", 40)])
    assert shell.load(CASES / "short-rows.csv")["exit"] == 0
    assert shell.products("product_id, publisher")[1:] == [("sr-1", "Ace"), ("sr-2", None)]


def test_an_unclosed_quote_names_its_line_and_swallows_nothing(shell: Shell) -> None:
    report = shell.load(CASES / "unclosed.csv")
    assert report["rejections"] == [{"line": 2, "reason": "a quoted field that begins on line 2 is not closed"}]
    assert [row[0] for row in shell.products()] == ["u-2", "u-3", "u-4"]


def test_a_row_of_several_lines_that_is_rejected_says_how_many(shell: Shell) -> None:
    report = shell.load('productId,title,price\nu-1,"Dune,10\nu-2,Emma,10\nu-3,Ulysses",10\nu-4,Ok,10\n')
    reason = "title: Expected no control characters, such as line ends (the row has 3 lines: was a quote not closed?)"
    assert report["rejections"] == [{"line": 2, "reason": reason}]


def test_titles_of_which_nothing_shows_are_rejected(shell: Shell) -> None:
    assert rejected(shell.load(CASES / "zwsp-title.csv")) == [2, 3, 4, 5]
    assert shell.products() == []


def test_other_files_of_spreadsheets(shell: Shell) -> None:
    assert rejected(shell.load(CASES / "bom.csv")) == []
    assert rejected(shell.load(CASES / "semicolon.csv")) == []
    assert rejected(shell.load(CASES / "formula.csv")) == []
    assert rejected(shell.load(CASES / "newlines.csv")) == [5]
    assert shell.products("product_id, title, price, intro") == [
        ("bom-1", "三体", 39, ""),
        ("f-1", '=HYPERLINK("http://x","y")', 10, ""),
        ("n-1", "Dune", 10, "line one\r\nline two\n三行"),
        ("sc-1", "Dune", 40, ""),
    ]


def test_ratings_are_numbers_and_authors_are_text(shell: Shell) -> None:
    assert rejected(shell.load(CASES / "rating.csv")) == []
    line = {
        "productId": "rt-2",
        "title": "Nineteen",
        "price": 1,
        "attributes": {"authors": 1984, "averageRating": "n/a"},
    }
    shell.load(msgspec.json.encode(line), name="a.jsonl")
    assert shell.products("attributes") == [
        ({"averageRating": 4.5, "authors": "Ann"},),
        ({"averageRating": "n/a", "authors": "1984"},),
    ]


def test_names_ids_and_words_are_read_as_they_are_meant(shell: Shell) -> None:
    text = "\ufeffproductid, TITLE ,ｐｒｉｃｅ,Status,currency,publisher\n ａ-1\u200b,\u3000三体 ,5, WITHDRAWN ,gem, \n"
    assert rejected(shell.load(text)) == []
    assert shell.products("product_id, title, price, status, currency, publisher") == [
        ("a-1", "三体", 5, "withdrawn", "GEM", None)
    ]


def test_a_pattern_over_an_empty_cell_is_no_value(shell: Shell) -> None:
    report = shell.load("id,title,price\n1,A,5\n,B,5\n", "--map", "productId=bk-{id}")
    assert (rejected(report), shell.products()) == ([3], [("bk-1", "A", 5)])


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("productId,name,price\na,A,1\n", ["--map", "title=nmae"]),
        ("id,title,price\na,A,1\n", []),
        ("productId,title,price\na,A,1\n", ["--default", "price=1.000"]),
        ("productId,title,price\na,A,1\n", ["--thousands", "12"]),
        ("", []),
        ("productId,title,price\na,A,1\n", ["--no-such-option"]),
        ("productId,title,price\na,A,1\n", ["--encoding", "klingon"]),
    ],
)
def test_whatever_is_wrong_the_answer_is_json(shell: Shell, content: str, options: list[str]) -> None:
    report = shell.load(content, *options)
    assert report["exit"] == 2
    assert report["error"]
    assert shell.products() == []


def test_a_file_that_is_not_there_and_a_database_that_is_not_are_told_in_json(shell: Shell) -> None:
    missing = shell.run("catalog", "import", "no-such.csv", "--json")
    assert (missing.exit_code, "no-such.csv" in msgspec.json.decode(missing.stdout)["error"]) == (2, True)
    away = Shell("postgresql://127.0.0.1:1/none", shell.folder).load("productId,title,price\na,A,1\n")
    assert away["exit"] == 1
    assert "cannot be reached" in away["error"]


def test_when_the_database_refuses_the_counts_are_of_what_was_committed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lingdang.catalog.importing.CHUNK", 2)
    with psycopg.connect(shell.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE product ADD CHECK (product_id <> 'c')")
    report = shell.load("productId,title,price\na,A,1\nb,B,1\nc,C,1\nd,D,1\n")
    assert (report["exit"], counts(report)) == (1, (2, 0, 0, 0))
    assert "database" in report["error"]
    assert [row[0] for row in shell.products()] == ["a", "b"]


def test_somebody_elses_new_product_is_met_and_changed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes between the look for it and the writing."""
    from lingdang.catalog import importing

    looked = importing._Writer._there

    def meanwhile(self: Any, product_ids: list[str]) -> Any:
        found = looked(self, product_ids)
        if not found:
            with psycopg.connect(shell.url, autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO product (product_id, title, currency, price, list_price, publisher, created_at,"
                    " updated_at) VALUES ('a', 'Theirs', 'BELL', 7, 7, 'Ace', now(), now())"
                )
        return found

    monkeypatch.setattr(importing._Writer, "_there", meanwhile)
    assert counts(shell.load("productId,title,price\na,Ours,1\n")) == (0, 1, 0, 0)
    assert shell.products("title, publisher") == [("Ours", "Ace")]


def test_a_report_fits_into_an_output_that_is_not_utf8(shell: Shell) -> None:
    (shell.folder / "a.csv").write_text("productId,title,price,备注\na,A,1,x\n", encoding="utf-8")
    environ = {
        "LINGDANG_DATABASE_URL": shell.url,
        "LINGDANG_DATA_DIR": str(shell.folder),
        "PYTHONIOENCODING": "latin-1",
    }
    command = [sys.executable, "-m", "lingdang", "catalog", "import", str(shell.folder / "a.csv")]
    result = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.count("\\u")) == (0, 2)
    assert shell.products() == [("a", "A", 1)]


HEADER = "productId,title,price\n"


@pytest.mark.parametrize(
    ("encoding", "codec", "title"),
    [
        ("shift_jis", "cp932", "三体Ⅲ 髙橋さんの①"),
        ("big5", "cp950", "碁王與裏恒的故事"),
        ("euc-jp", "euc_jp", "吾輩は猫である"),
        ("euc-kr", "cp949", "해리포터와 똠방각하"),
        ("windows-1252", "cp1252", "L’Étranger – Œuvres"),
    ],
)
def test_what_spreadsheets_write_in_their_own_encodings(shell: Shell, encoding: str, codec: str, title: str) -> None:
    content = f"{HEADER}a,{title},5\nb,{title},6\nc,{title},7\n".encode(codec)
    report = shell.load(content)
    assert (report["exit"], "not UTF-8 (line 2)" in report["error"], shell.products()) == (2, True, [])
    assert shell.load(content, "--encoding", encoding)["exit"] == 0
    assert [row[1] for row in shell.products()] == [title] * 3


def test_a_guessed_encoding_shows_what_it_would_read(shell: Shell) -> None:
    """EUC-KR is GB18030 too, byte by byte; only a reader sees that it makes no sense."""
    title = "토지"
    report = shell.load(f"{HEADER}a,{title},5\n".encode("euc-kr"))
    assert f"“{title.encode('euc-kr').decode('gb18030')}" in report["error"]
    assert "“三体" in shell.load(f"{HEADER}a,三体,5\n".encode("gb18030"))["error"]
    assert shell.products() == []


@pytest.mark.parametrize("sign", "，；｜")
def test_full_width_separators(shell: Shell, sign: str) -> None:
    assert shell.load(f"productId{sign}title{sign}price\na{sign}三体{sign}５\n")["exit"] == 0
    assert shell.products() == [("a", "三体", 5)]


@pytest.mark.parametrize("before", ["\n", "\r\n\r\n", ",,\n", '"","",""\n', " \t\n\u3000\n"])
def test_blank_rows_before_the_header_are_passed_over(shell: Shell, before: str) -> None:
    report = shell.load(f"{before}{HEADER}a,A,5\nb,,x\n")
    assert counts(report) == (1, 0, 0, 1)
    assert rejected(report) == [before.count("\n") + 3]


def test_two_columns_for_one_field_are_refused(shell: Shell) -> None:
    """The later one had won without a word."""
    content = "productId,title,Title,price\na,A,B,5\n"
    report = shell.load(content)
    assert (report["exit"], "title and Title" in report["error"], shell.products()) == (2, True, [])
    assert shell.load(content, "--map", "title=Title")["exit"] == 0
    assert shell.products() == [("a", "B", 5)]


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("status", "下架", "status: Expected active or withdrawn, got '下架'"),
        ("onSaleFrom", "2027-01-31", "onSaleFrom: Expected a moment with its zone, such as 2027-01-31T16:00:00Z"),
        ("attributes.bad name", "x", "attributes: Expected names of 1 to 64 of A-Z a-z 0-9 . _ -"),
    ],
)
def test_reasons_say_what_is_expected(shell: Shell, column: str, cell: str, said: str) -> None:
    report = shell.load(f"productId,title,price,{column}\na,A,5,{cell}\n")
    assert [rejection["reason"].partition(" (")[0] for rejection in report["rejections"]] == [said]
    assert shell.products() == []


def test_standard_input_is_a_dash(shell: Shell) -> None:
    environ = os.environ | {"LINGDANG_DATABASE_URL": shell.url, "LINGDANG_DATA_DIR": str(shell.folder / "data")}
    command = [sys.executable, "-m", "lingdang", "catalog", "import", "-", "--format", "csv", "--json"]
    ended = subprocess.run(command, input=f"{HEADER}a,A,5\n".encode(), env=environ, capture_output=True, check=False)
    assert (ended.returncode, shell.products()) == (0, [("a", "A", 5)]), ended.stderr


def test_a_file_without_a_known_ending_is_named_once(shell: Shell) -> None:
    report = shell.load("[]", name="books.json")
    assert (report["exit"], report["error"].count("books.json")) == (2, 1)
