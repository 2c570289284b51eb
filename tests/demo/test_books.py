"""The demo's books: real facts, invented prices, and a file of any other shape is refused row by row."""

import csv
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from lingdang.catalog.importing import Counts
from lingdang.demo.books import BOOKS, IMPRINTS, book, load_demo_catalogue

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


GATSBY = {
    "book_id": "5",
    "title": "The Great Gatsby",
    "authors": "F. Scott Fitzgerald",
    "average_rating": "3.89",
    "ratings_count": "2683664",
    "year": "1925",
    "isbn10": "0743273567",
    "language": "eng",
}


@pytest.mark.parametrize(
    "value", ["", "inf", "-1", "1e400", "nan", "9" * 40, None, {}, [1], True, 1e308, "x\u0000"], ids=repr
)
@pytest.mark.parametrize("name", GATSBY)
def test_a_preset_rejects_what_it_cannot_read(name: str, value: Any) -> None:
    """With a ValueError, which names the row in the report; any other exception would end the import."""
    try:
        shaped = book(GATSBY | {name: value})
    except ValueError:
        return
    assert shaped["productId"].startswith("book-")


def test_the_demo_catalogue_is_ten_thousand_books_and_repeatable(database_url: str) -> None:
    assert load_demo_catalogue(database_url, NOW) == Counts(created=10_000)
    assert load_demo_catalogue(database_url, NOW) == Counts(unchanged=10_000)
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE price < list_price), min(price) > 0, max(price) < 1000 FROM product"
        ).fetchone()
    assert row == (2500, True, True)


def test_a_demo_book_has_real_facts_and_an_invented_price_and_imprint() -> None:
    with BOOKS.open(encoding="utf-8", newline="") as file:
        first = book(next(csv.DictReader(file)))
    assert first["productId"] == "book-1"
    assert first["title"] == "The Hunger Games (The Hunger Games, #1)"
    assert first["price"] == first["listPrice"] == 720
    assert first["publisher"] in IMPRINTS
    assert first["attributes"]["authors"] == "Suzanne Collins"
    assert first["attributes"]["year"] == 2008
