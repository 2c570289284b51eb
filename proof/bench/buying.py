"""The shop that is measured: real books, and customers with money in two lots each."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from lingdang.clock import system_clock
from lingdang.demo.books import load_demo_catalogue
from lingdang.ids import Customer
from lingdang.keys import Keyring
from lingdang.ledger.lines import Line
from lingdang.settings import SignType
from proof.bench.signing import public_jwk
from proof.shop import Credit, NumberedBooks, Shop, add_books, add_customers, build, key_of, sessions_by

PAID = 10**10
BONUS = 10**9
CREDITS = 2
"""Bells in each customer's two lots, of which the bonus is spent first and neither runs out, and how many transfers."""

HOT_BOOKS = 100_000
"""Books that hot customers buy, each of them once."""
HOUSE_BOOKS = 600
"""Books of the one publisher that everybody buys from."""

_PRICE = "100 + n % 900"
_MORE_BOOKS = (
    NumberedBooks("hot-", HOT_BOOKS, _PRICE, "1000", "'Volume ' || n", "'House ' || n % 500"),
    NumberedBooks("house-", HOUSE_BOOKS, _PRICE, "1000", "'Volume ' || n", "'House 0'"),
)


class Buyer(NamedTuple):
    """A customer with a session. `headers` are those of every request; one of the two keys signs."""

    customer: Customer
    session_id: UUID
    headers: bytes
    sign_type: SignType
    sign_key: str | None
    private_key: ec.EllipticCurvePrivateKey | None


class Purchase(NamedTuple):
    """What one customer buys next; nobody has it twice."""

    buyer: Buyer
    books: tuple[Line, ...]


def stocked(url: str, place: Path, customers: int) -> Shop:
    """A shop in this empty database with the demo catalogue, more books, and `customers` customers with wallets."""
    shop = build(url, place)
    now = system_clock()
    load_demo_catalogue(url, now)
    expiry = (now + timedelta(days=365)).replace(microsecond=0)
    keys = {name: key_of(name) for name in (f"cust-{number}" for number in range(1, customers + 1))}
    with psycopg.connect(url, autocommit=True) as connection:
        add_customers(connection, keys, [Credit("first", "paid", PAID), Credit("gift", "bonus", BONUS, expiry)])
        for books in _MORE_BOOKS:
            add_books(connection, books)
        connection.execute("VACUUM (ANALYZE)")
    return shop


class Books(NamedTuple):
    """Products as an order's lines at their price: the catalogue's, those of hot customers, those of one publisher."""

    real: list[Line]
    hot: list[Line]
    house: list[Line]


def books(database_url: str) -> Books:
    """Every product."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT product_id, title, publisher, list_price, price FROM product").fetchall()
    found = Books([], [], [])
    for product_id, title, by, listed, price in rows:
        kind = product_id.split("-")[0]
        place = found.hot if kind == "hot" else found.house if kind == "house" else found.real
        place.append(Line(product_id, title, by, listed, price, 0))
    return found


def buyers(keyring: Keyring, customers: int, sign_type: SignType, prefix: str = "cust-") -> list[Buyer]:
    """A session for each customer `prefix`1 and so on.

    With ES256 they share one key pair: only the server's work is measured.
    """
    sessions = sessions_by(keyring)
    private_key = ec.generate_private_key(ec.SECP256R1()) if sign_type == "ES256" else None
    jwk = public_jwk(private_key) if private_key else None
    now = datetime.now(UTC)
    made = []
    for number in range(1, customers + 1):
        customer = Customer(key_of(f"{prefix}{number}"), f"{prefix}{number}")
        issued = sessions.issue(customer, sign_type, jwk, now)
        headers = (
            f"Host: 127.0.0.1\r\nAuthorization: Bearer {issued.session_token}\r\nX-Cust-Id: {customer.cust_id}\r\n"
        )
        made.append(Buyer(customer, issued.session_id, headers.encode(), sign_type, issued.sign_key, private_key))
    return made


def purchases(buyers: list[Buyer], books: list[Line], count: int, seed: int = 1) -> Iterator[Purchase]:
    """`count` books each for all customers in turn, round after round, until the catalogue is bought.

    Customers come in an order that has nothing to do with their keys', and each begins at a book of their own.
    """
    chance = random.Random(seed)
    order = chance.sample(buyers, len(buyers))
    starts = [chance.randrange(len(books)) for _ in order]
    twice = books + books
    for bought in range(0, len(books) - count + 1, count):
        for buyer, start in zip(order, starts, strict=True):
            first = (start + bought) % len(books)
            yield Purchase(buyer, tuple(twice[first : first + count]))
