"""The shop that the faults hit: rich customers, more books than they buy, and a coupon to claim again and again."""

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg

from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.deployment import Deployment, make_sessions
from lingdang.ids import Customer as Known
from lingdang.keys import Keyring, create_keyring
from lingdang.settings import Settings

CUSTOMERS = 16
BOOKS = 20_000
START = 1_000_000_000
PRICE = 100
OFF = 10
CODE = "ten"

_VALUES = {"price": PRICE, "start": START, "books": BOOKS}
_FILL = (
    """
    INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)
    SELECT 'book-' || i, 'A book', 'BELL', %(price)s, %(price)s, now(), now() FROM generate_series(1, %(books)s) i
    """,
    """
    INSERT INTO customer (customer, customer_id, created_at)
    SELECT i, 'cust-' || i, now() FROM generate_series(1, %(customers)s) i
    """,
    """
    INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining)
    SELECT 0, customer, 'BELL', %(start)s, 1, now(), '{paid}', ARRAY[%(start)s::bigint] FROM customer
    """,
    """
    INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts,
                          cause, detail)
    SELECT bucket, customer, currency, 1, 'credit', balance, balance, moved_at, 1, '["clearing:paid","wallet:paid"]',
           ARRAY[-balance, balance],
           encode('\\x00'::bytea || substr(sha256(convert_to(customer || ' credit gift', 'UTF8')), 1, 15), 'hex')::uuid,
           '{"creditId": "gift", "kind": "paid", "reason": "test"}'
      FROM wallet
    """,
    """
    INSERT INTO coupon (coupon_id, definition, status, code, per_customer, created_at, updated_at)
    VALUES ('ten', '{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}', 'active', 'TEN', 1000000, now(),
            now())
    """,
)


class Customer(NamedTuple):
    """A customer with a session that signs with HMAC-SHA256."""

    key: int
    cust_id: str
    session_id: UUID
    token: str
    sign_key: str


def prepare(data_dir: Path) -> None:
    """Make the shop in `data_dir`, with the embedded database that `lingdang serve` will start there."""
    data_dir.mkdir(exist_ok=True)
    server = EmbeddedServer(data_dir)
    try:
        fill(server.start())
    finally:
        server.stop()


def fill(database_url: str, count: int = CUSTOMERS) -> None:
    """Migrate an empty database and put the shop with so many customers into it."""
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        for statement in _FILL:
            connection.execute(statement.encode(), _VALUES | {"customers": count})


def customers(data_dir: Path, count: int = CUSTOMERS) -> list[Customer]:
    """The shop's first customers, each with a session by the keyring of `data_dir`, which is made when missing."""
    path = data_dir / "keyring.json"
    create_keyring(path, system_clock())
    sessions = make_sessions(Deployment(Settings(), "", Keyring(path), buckets=1))
    made = []
    for number in range(1, count + 1):
        issued = sessions.issue(Known(number, f"cust-{number}"), "HMAC-SHA256", None, system_clock())
        assert issued.sign_key is not None, "a keyed session has a sign key"
        made.append(Customer(number, issued.customer.cust_id, issued.session_id, issued.session_token, issued.sign_key))
    return made
