"""Importing: good rows kept, bad ones named with their line, and the same file again changes nothing."""

import csv
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lingdang.catalog import importing
from lingdang.catalog.importing import Counts, Rejected, import_products
from lingdang.catalog.mapping import ColumnMapping, MappingError, pairs
from lingdang.catalog.rows import Source, format_of
from lingdang.catalog.text import is_blank, trimmed

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

Rows = list[tuple[Any, ...]]


def run(url: str, path: Path, shape: ColumnMapping | None = None, now: datetime = NOW) -> tuple[Counts, list[Rejected]]:
    rejected: list[Rejected] = []
    source = Source(path, format_of(path))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            mapping = shape or ColumnMapping({}, {})
            return import_products(connection, source, mapping, now, on_rejected=rejected.append), rejected
    finally:
        source.close()


def products(url: str, columns: str = "*") -> Rows:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT {columns} FROM product ORDER BY product_id").fetchall()  # type: ignore[arg-type]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_csv_with_every_field(database_url: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "productId,title,currency,price,listPrice,publisher,intro,coverUrl,attributes.authors,onSaleFrom,status,popularity\n"
        'p-1,三体,GEM,80,100,重庆出版社,"line one\nline two",https://x.test/c.png,刘慈欣,2026-01-01T00:00:00Z,withdrawn,7\n',
    )
    assert run(database_url, path) == (Counts(created=1), [])
    assert products(
        database_url, "title, currency, price, list_price, publisher, intro, cover_url, attributes, status, popularity"
    ) == [
        (
            "三体", "GEM", 80, 100, "重庆出版社", "line one\nline two", "https://x.test/c.png", {"authors": "刘慈欣"},
            "withdrawn", 7,
        )
    ]  # fmt: skip


def test_json_lines(database_url: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '{"productId": "p-1", "title": "A", "price": 5, "attributes": {"year": 1999, "new": true}}\n'
        '{"productId": "p-2", "title": "B", "price": 5.5}\n'
        '{"productId": "p-3", "title": "C", "price": 5, "attributes": {"a": {"b": 1}}}\n',
    )
    counts, rejected = run(database_url, path)
    assert counts == Counts(created=1, rejected=2)
    assert [r.line for r in rejected] == [2, 3]
    assert products(database_url, "product_id, attributes") == [("p-1", {"year": 1999, "new": True})]


def test_mapping_patterns_and_defaults(database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,name,cost,year,shelf\n7,Emma,90,1815,x\n8,Persuasion,,1817,x\n")
    mapping = ColumnMapping(
        pairs(["productId=bk-{id}", "title=name", "price=cost", "attributes.year=year"]), pairs(["price=120"])
    )
    assert run(database_url, path, mapping) == (Counts(created=2), [])
    assert mapping.ignored == {"shelf"}
    assert products(database_url, "product_id, title, price, list_price, attributes") == [
        ("bk-7", "Emma", 90, 90, {"year": "1815"}),
        ("bk-8", "Persuasion", 120, 120, {"year": "1817"}),
    ]


@pytest.mark.parametrize("field", ["name", "attributes.", "attributes", "=x", "title="])
def test_a_mapping_of_no_field_is_refused(field: str) -> None:
    with pytest.raises(MappingError):
        ColumnMapping(pairs([field if "=" in field else f"{field}=column"]), {})


def test_again_changes_nothing_and_a_change_changes_one(database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "productId,title,price\na,A,1\nb,B,2\n")
    run(database_url, path)
    before = products(database_url)
    assert run(database_url, path, now=NOW + timedelta(days=1))[0] == Counts(unchanged=2)
    assert products(database_url) == before

    write(path, "productId,title,price\na,A,1\nb,B,3\nc,C,4\n")
    assert run(database_url, path, now=NOW + timedelta(days=2))[0] == Counts(created=1, updated=1, unchanged=1)
    assert products(database_url, "product_id, price, created_at, updated_at") == [
        ("a", 1, NOW, NOW),
        ("b", 3, NOW, NOW + timedelta(days=2)),
        ("c", 4, NOW + timedelta(days=2), NOW + timedelta(days=2)),
    ]


def test_the_first_of_two_rows_of_one_product_stands(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)  # also across chunks
    path = write(tmp_path / "a.csv", "productId,title,price\na,First,1\nb,B,2\na,Second,3\n")
    counts, rejected = run(database_url, path)
    assert counts == Counts(created=2, rejected=1)
    assert rejected == [Rejected(4, "productId a was given before, on line 2")]
    assert products(database_url, "title") == [("First",), ("B",)]


def text(**options: Any) -> st.SearchStrategy[str]:
    """Texts as an import stores them."""
    made = st.text(st.characters(exclude_categories=["Cs", "Cc"], **options), max_size=30)
    return made.map(lambda each: trimmed(unicodedata.normalize("NFC", each)))


GOOD = st.fixed_dictionaries(
    {
        "title": text().filter(lambda title: not is_blank(title)),
        "price": st.integers(0, 10**13).map(str),
        "intro": text(include_characters="\n"),
    }
)
SPOILT = st.sampled_from(
    [
        {"title": ""},
        {"title": " "},
        {"title": "\u200b"},
        {"title": "\u3164\u2800"},
        {"title": "x" * 301},
        {"title": "be\x07ll"},
        {"title": "nu\x00l"},
        {"price": ""},
        {"price": "-1"},
        {"price": "1.5"},
        {"price": "19.000"},
        {"price": str(10**13 + 1)},
        {"price": "ten"},
        {"productId": "with space"},
        {"productId": "x" * 65},
        {"intro": "x" * 5001},
    ]
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings.default.max_examples // 2,
)
@given(rows=st.lists(st.tuples(GOOD, st.none() | SPOILT), max_size=12))
def test_good_rows_are_kept_and_bad_ones_named_by_line(
    database_url: str, tmp_path: Path, rows: list[tuple[dict[str, str], dict[str, str] | None]]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE product")
    good: Rows = []
    bad_lines = []
    with (tmp_path / "rows.csv").open("w+", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["productId", "title", "price", "intro"], lineterminator="\n")
        writer.writeheader()
        line = 2
        for number, (fields, spoilt) in enumerate(rows):
            row = {"productId": f"p-{number:02}", **fields, **(spoilt or {})}
            writer.writerow(row)
            if spoilt is None:
                good.append((row["productId"], row["title"], int(row["price"]), row["intro"]))
            else:
                bad_lines.append(line)
            line += 1 + sum(value.count("\n") for value in row.values())
    counts, rejected = run(database_url, tmp_path / "rows.csv")
    assert counts == Counts(created=len(good), rejected=len(bad_lines))
    assert [r.line for r in rejected] == bad_lines
    assert all(r.reason for r in rejected)
    assert products(database_url, "product_id, title, price, intro") == good
