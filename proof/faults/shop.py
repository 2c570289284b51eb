"""The shop that the faults hit: rich customers, more books than they buy, and a coupon to claim again and again."""

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg

from lingdang.clock import system_clock
from lingdang.coupons.spelling import normal_code
from lingdang.ids import Customer as Known
from proof.shop import (
    Credit,
    NumberedBooks,
    add_books,
    add_coupon,
    add_customers,
    build,
    embedded,
    keyring_in,
    sessions_by,
)

CUSTOMERS = 16
BOOKS = 20_000
START = 1_000_000_000
PRICE = 100
OFF = 10
CODE = "ten"


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
    with embedded(data_dir) as url:
        fill(build(url, data_dir).url)


def fill(database_url: str, count: int = CUSTOMERS) -> None:
    """Put the books, so many customers and the coupon into an empty shop. The customers' keys are 1, 2 and so on."""
    keys = {f"cust-{number}": number for number in range(1, count + 1)}
    with psycopg.connect(database_url) as connection:
        add_books(connection, NumberedBooks("book-", BOOKS, str(PRICE), title="'A book'"))
        add_customers(connection, keys, [Credit("gift", "paid", START)])
        add_coupon(connection, "ten", {"kind": "fixed", "amount": OFF}, code=normal_code(CODE))


def customers(data_dir: Path, count: int = CUSTOMERS) -> list[Customer]:
    """The shop's first customers, each with a session by the keyring of `data_dir`, which is made when missing."""
    sessions = sessions_by(keyring_in(data_dir))
    made = []
    for number in range(1, count + 1):
        issued = sessions.issue(Known(number, f"cust-{number}"), "HMAC-SHA256", None, system_clock())
        assert issued.sign_key is not None, "a keyed session has a sign key"
        made.append(Customer(number, issued.customer.cust_id, issued.session_id, issued.session_token, issued.sign_key))
    return made
