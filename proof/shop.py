"""The one way to build a shop that something is proved on: a database, its keys, its customers, books and coupons.

What is put into the tables is what the application would have left there. What one proof needs beyond it is its own.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg

from lingdang.catalog.memory import Memory
from lingdang.catalog.terms import MARK
from lingdang.clock import rfc3339, system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring, create_keyring
from lingdang.ledger.settlement import Settlement
from lingdang.settings import SIGN_TYPES

SESSION_SECONDS = 12 * 3600
BATCH_LIMIT = 256
"""Commands in a batch of `settlement_on`, at most."""

_CUSTOMERS = """
WITH ids AS (
    INSERT INTO customer (customer, customer_id, password_hash, password_changed_at, created_at)
    SELECT key, name, %(hash)s, CASE WHEN %(hash)s::text IS NOT NULL THEN now() END, now()
      FROM unnest(%(keys)s::bigint[], %(names)s::text[]) AS c (key, name)
    RETURNING customer
), credits AS (
    SELECT * FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(credited)s::text[], %(amounts)s::bigint[],
                         %(balances)s::bigint[], %(ends)s::timestamptz[])
                  WITH ORDINALITY AS c (credit_id, kind, lot, amount, balance, expires_at, seq)
), wallets AS (
    INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining, next_expiry)
    SELECT 0, customer, 'BELL', %(balance)s, %(count)s, now(), %(lots)s, %(remaining)s::bigint[], %(next)s
      FROM ids WHERE %(count)s > 0
)
INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts, cause,
                      detail)
SELECT 0, customer, 'BELL', seq, 'credit', amount, balance, now(), 1,
       json_build_array('clearing:' || kind, 'wallet:' || lot), ARRAY[-amount, amount],
       encode('\\x00'::bytea || substr(sha256(convert_to(customer || ' credit ' || credit_id, 'UTF8')), 1, 15),
              'hex')::uuid,
       json_build_object('creditId', credit_id, 'kind', kind, 'reason', 'proof', 'expiresAt', expires_at)
  FROM ids, credits
"""
_BOOKS = """
INSERT INTO product (product_id, title, intro, publisher, currency, price, list_price, popularity, search, created_at,
                     updated_at)
SELECT %(prefix)s || n, {title}, %(intro)s, {publisher}, 'BELL', {price}, {list_price}, {popularity},
       array_to_tsvector({words} || %(mark)s::text), now(), now()
  FROM generate_series(1, %(count)s) AS n
"""
_COUPON = """
INSERT INTO coupon (coupon_id, definition, status, code, per_customer, claimed, created_at, updated_at)
VALUES (%(coupon_id)s, %(definition)s, 'active', %(code)s, 1000000, %(claimed)s, now(), now())
"""
_VOUCHERS = """
INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
SELECT 0, key, uuidv7(), %s, now(), now() + interval '1 year' FROM unnest(%s::bigint[]) AS n (key)
"""

Connection = psycopg.Connection[Any]


class Shop(NamedTuple):
    """A migrated database, and the keyring of whoever serves it."""

    url: str
    keyring: Keyring


class Credit(NamedTuple):
    """Bells in a lot of their own, credited under an id."""

    credit_id: str
    kind: str
    amount: int
    expires_at: datetime | None = None

    @property
    def lot(self) -> str:
        """The lot's name."""
        return self.kind if self.expires_at is None else f"{self.kind}@{rfc3339(self.expires_at)}"


@dataclass(frozen=True)
class NumberedBooks:
    """Books with one prefix before their numbers. The texts are SQL of the number `n`."""

    prefix: str
    count: int
    price: str
    list_price: str | None = None
    title: str = "'Book ' || n"
    publisher: str = "NULL::text"
    popularity: str = "0"
    words: str = "ARRAY[]::text[]"
    """What searches find it by."""
    intro: str = ""


@contextmanager
def own_server() -> Iterator[tuple[Path, str]]:
    """A temporary directory, and the URL of an embedded server in it, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="lingdang-proof-", ignore_cleanup_errors=True) as directory:
        place = Path(directory)
        with embedded(place / "database") as url:
            yield place, url


@contextmanager
def embedded(data_dir: Path) -> Iterator[str]:
    """The URL of an embedded server's own database, until the block ends."""
    server = EmbeddedServer(data_dir)
    try:
        yield server.start()
    finally:
        server.stop()


def new_database(url: str, name: str) -> str:
    """The URL of a new, empty database beside that of `url`, in place of one of this name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?", 1)


def build(url: str, place: Path) -> Shop:
    """An empty shop in this database, with the keyring in `place`."""
    migrate(url)
    return Shop(url, keyring_in(place))


def keyring_in(place: Path) -> Keyring:
    """The keyring in this directory, made when there is none."""
    path = place / "keyring.json"
    create_keyring(path, system_clock())
    return Keyring(path)


def sessions_by(keyring: Keyring) -> Sessions:
    """Sessions as a server with this keyring issues them."""
    return Sessions(keyring, 1, SIGN_TYPES, SESSION_SECONDS)


def settlement_on(url: str) -> Settlement:
    """A settlement of its own on a shop's database, without a server around it."""
    return Settlement(
        url,
        Memory(),
        buckets=1,
        clock=system_clock,
        pgbouncer=False,
        queue_limit=2000,
        batch_limit=BATCH_LIMIT,
        seconds=30.0,
        give_up_seconds=20.0,
    )


def key_of(cust_id: str) -> int:
    """A key for a customer. Keys are spread as those of customers who came over years."""
    return int.from_bytes(sha256(cust_id.encode()).digest()[:7], "big")


def add_customers(
    connection: Connection, keys: Mapping[str, int], credits: Sequence[Credit] = (), password_hash: str | None = None
) -> None:
    """Customers by their ids with their keys, each with these credits in this order."""
    lots = sorted(credits, key=_spent)
    values = {
        "names": list(keys),
        "keys": list(keys.values()),
        "hash": password_hash,
        "ids": [credit.credit_id for credit in credits],
        "kinds": [credit.kind for credit in credits],
        "credited": [credit.lot for credit in credits],
        "amounts": [credit.amount for credit in credits],
        "balances": list(accumulate(credit.amount for credit in credits)),
        "ends": [credit.expires_at for credit in credits],
        "balance": sum(credit.amount for credit in credits),
        "count": len(credits),
        "lots": [credit.lot for credit in lots],
        "remaining": [credit.amount for credit in lots],
        "next": min((credit.expires_at for credit in credits if credit.expires_at), default=None),
    }
    connection.execute(_CUSTOMERS, values)


def _spent(credit: Credit) -> tuple[bool, bool, float]:
    """Bonus before paid, what lapses before what does not, and the soonest first."""
    until = credit.expires_at
    return credit.kind == "paid", until is None, 0.0 if until is None else until.timestamp()


def add_books(connection: Connection, books: NumberedBooks) -> None:
    """So many books, numbered from 1."""
    names = ("title", "publisher", "price", "popularity", "words")
    written = {name: getattr(books, name) for name in names} | {"list_price": books.list_price or books.price}
    statement = _BOOKS.format(**{name: text.replace("%", "%%") for name, text in written.items()})
    values = {"prefix": books.prefix, "count": books.count, "intro": books.intro, "mark": MARK}
    connection.execute(statement.encode(), values)


def add_coupon(
    connection: Connection,
    coupon_id: str,
    effect: Mapping[str, Any],
    stacking: Mapping[str, Any] | None = None,
    *,
    code: str | None = None,
    keys: Iterable[int] = (),
) -> None:
    """A coupon; each of `keys` is a customer who has a voucher of it."""
    definition: dict[str, Any] = {"name": coupon_id, "effect": effect}
    definition |= {} if stacking is None else {"stacking": stacking}
    holders = list(keys)
    values = {"coupon_id": coupon_id, "definition": msgspec.json.encode(definition).decode()}
    connection.execute(_COUPON, values | {"code": code, "claimed": len(holders)})
    connection.execute(_VOUCHERS, (coupon_id, holders))
