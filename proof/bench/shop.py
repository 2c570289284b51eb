"""The shop that is measured: real books, and customers with money in two lots each."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from lingdang.catalog.terms import MARK
from lingdang.clock import rfc3339, system_clock
from lingdang.demo.books import load_demo_catalogue
from lingdang.identity.sessions import Sessions
from lingdang.ids import Customer
from lingdang.keys import Keyring, create_keyring
from lingdang.ledger.commands import Line
from lingdang.settings import SIGN_TYPES, SignType
from proof.bench.signing import public_jwk

PAID = 10**10
BONUS = 10**9
CREDITS = 2
"""Bells in each customer's two lots, of which the bonus is spent first and neither runs out, and how many transfers."""

HOT_BOOKS = 100_000
"""Books that hot customers buy, each of them once."""
HOUSE_BOOKS = 600
"""Books of the one publisher that everybody buys from."""

_MORE_BOOKS = """
INSERT INTO product (product_id, title, publisher, currency, price, list_price, search, created_at, updated_at)
SELECT prefix || n, 'Volume ' || n, 'House ' || n %% houses, 'BELL', 100 + n %% 900, 1000,
       array_to_tsvector(ARRAY[%(mark)s]), now(), now()
  FROM (VALUES ('hot-', 500, %(hot)s), ('house-', 1, %(house)s)) AS k (prefix, houses, count),
       generate_series(1, count) AS n
"""

_FILL = """
WITH ids AS (
    INSERT INTO customer (customer, customer_id, created_at)
    SELECT key, name, now() FROM unnest(%(keys)s::bigint[], %(names)s::text[]) AS c (key, name) RETURNING customer
), wallets AS (
    INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining, next_expiry)
    SELECT 0, customer, 'BELL', %(paid)s + %(bonus)s, %(credits)s, now(), ARRAY[%(lot)s, 'paid'],
           ARRAY[%(bonus)s, %(paid)s]::bigint[], %(expiry)s
      FROM ids
), movements (seq, credit_id, kind, lot, amount, balance, expires_at) AS (
    VALUES (1, 'first', 'paid', 'paid', %(paid)s::bigint, %(paid)s::bigint, NULL::timestamptz),
           (2, 'gift', 'bonus', %(lot)s, %(bonus)s::bigint, (%(paid)s + %(bonus)s)::bigint, %(expiry)s)
)
INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts, cause,
                      detail)
SELECT 0, customer, 'BELL', seq, 'credit', amount, balance, now(), 1,
       json_build_array('clearing:' || kind, 'wallet:' || lot), ARRAY[-amount, amount],
       encode('\\x00'::bytea || substr(sha256(convert_to(customer || ' credit ' || credit_id, 'UTF8')), 1, 15),
              'hex')::uuid,
       json_build_object('creditId', credit_id, 'kind', kind, 'reason', 'benchmark', 'expiresAt', expires_at)
  FROM ids, movements
"""


def key_of(cust_id: str) -> int:
    """The key of a customer of the benchmark. Keys are spread as those of customers who came over years."""
    return int.from_bytes(sha256(cust_id.encode()).digest()[:7], "big")


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


def fill(database_url: str, customers: int) -> None:
    """Put the demo catalogue and `customers` customers with wallets into an empty, migrated database."""
    now = system_clock()
    load_demo_catalogue(database_url, now)
    expiry = (now + timedelta(days=365)).replace(microsecond=0)
    values: dict[str, Any] = {"paid": PAID, "bonus": BONUS, "credits": CREDITS, "expiry": expiry}
    values["names"] = [f"cust-{number}" for number in range(1, customers + 1)]
    values["keys"] = [key_of(name) for name in values["names"]]
    values["lot"] = f"bonus@{rfc3339(expiry)}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_FILL, values)
        connection.execute(_MORE_BOOKS, {"hot": HOT_BOOKS, "house": HOUSE_BOOKS, "mark": MARK})
        connection.execute("VACUUM (ANALYZE)")


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
    sessions = Sessions(keyring, 1, SIGN_TYPES, 12 * 3600)
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


def new_keyring(directory: Path) -> Keyring:
    """A keyring of its own, in a file of this directory."""
    path = directory / "keyring.json"
    create_keyring(path, system_clock())
    return Keyring(path)


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
