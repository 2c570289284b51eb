"""The demo catalogue: real books (books.csv; licence and credit in README.md), with invented prices and imprints."""

import zlib
from datetime import datetime
from math import isqrt
from pathlib import Path
from typing import Any

import psycopg

from lingdang.catalog.importing import Counts, import_products
from lingdang.catalog.mapping import Row
from lingdang.catalog.rows import Source
from lingdang.db.pool import connect_options

BOOKS = Path(__file__).with_name("books.csv")

IMPRINTS = (
    "Bellwether House",
    "Paper Lantern",
    "Nine Rivers Press",
    "Harbour & Quill",
    "Copper Bell Books",
    "Longhill",
    "Little Comet",
    "青檐书坊",
)
"""Publishers that do not exist: the data set names none."""


def load_demo_catalogue(database_url: str, now: datetime, *, pgbouncer: bool = False) -> Counts:
    """Import the 10,000 books; those already there and unchanged stay as they are."""
    with psycopg.connect(database_url, **connect_options(pgbouncer)) as connection:
        return add_demo_books(connection, now)


def add_demo_books(connection: psycopg.Connection[Any], now: datetime) -> Counts:
    """The same on the caller's connection, and within the caller's transaction if there is one."""
    source = Source(BOOKS, "csv")
    try:
        return import_products(connection, source, book, now)
    finally:
        source.close()


def book(row: Row) -> dict[str, Any]:
    """A row of the goodbooks-10k data set as a product. Raises ValueError for a row that is not of it."""
    try:
        number, ratings = int(row["book_id"]), int(row["ratings_count"])
        hundredths = round(float(row["average_rating"]) * 100)
        authors, year = row["authors"], int(row["year"]) if row["year"] else None
        title = " ".join(row["title"].split())
        facts = {"isbn10": row["isbn10"], "language": row["language"], "year": year}
        imprint = IMPRINTS[zlib.crc32(authors.encode()) % len(IMPRINTS)]
    except KeyError as missing:
        raise ValueError(f"the row has no column {missing}: not the goodbooks-10k data set") from None
    except (TypeError, AttributeError, OverflowError):  # JSON has other values than texts, and a text may say "inf"
        raise ValueError("a value is of another kind than those of the goodbooks-10k data set") from None
    list_price = _list_price(ratings, hundredths)
    return {
        "productId": f"book-{number}",
        "title": title,
        "listPrice": list_price,
        "price": _price(number, list_price),
        "publisher": imprint,
        "intro": _intro(authors, year, hundredths, ratings),
        "popularity": ratings,
        "attributes": {
            "authors": authors,
            "averageRating": hundredths / 100,
            "ratingsCount": ratings,
            **{name: fact for name, fact in facts.items() if fact not in ("", None)},
        },
    }


def _list_price(ratings: int, hundredths: int) -> int:
    """Bells, whole tens: 200, one for each 5 of the root of its ratings, one for each 0.01 above (below) 3.50."""
    return max(50, (200 + isqrt(ratings) // 5 + hundredths - 350) // 10 * 10)


def _price(number: int, list_price: int) -> int:
    """Every fourth book is reduced by 30 %."""
    return list_price * 7 // 10 if number % 4 == 0 else list_price


def _intro(authors: str, year: int | None, hundredths: int, ratings: int) -> str:
    published = "" if year is None else f", first published in {year}" if year > 0 else f", written about {-year} BC"
    return f"By {authors}{published}. Readers rate it {hundredths / 100:.2f} of 5 in {ratings:,} ratings."
