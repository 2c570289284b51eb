"""Customers of tests: their keys follow from their custIds, so that a test can name either without asking."""

from hashlib import sha256

import psycopg

from lingdang.ids import Customer, uuid7
from lingdang.owner import Owner

_NAMES: dict[int, str] = {}


def key_of(cust_id: str) -> int:
    """The key of a customer whom `make_known`, or whatever stands on it, put into a test's database."""
    key = int.from_bytes(sha256(cust_id.encode()).digest()[:7], "big")
    _NAMES[key] = cust_id
    return key


def customer_of(cust_id: str) -> Customer:
    """Whoever `key_of` names."""
    return Customer(key_of(cust_id), cust_id)


def owner_of(cust_id: str, bucket: int = 0) -> Owner:
    """Whoever `key_of` names, in a session of their own."""
    return Owner(bucket, key_of(cust_id), cust_id, uuid7())


def make_known(database_url: str, *cust_ids: str) -> list[Customer]:
    """The customers of these ids; those who are not there are put into the database."""
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.cursor().executemany(
            "INSERT INTO customer (customer, customer_id, created_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [(key_of(cust_id), cust_id) for cust_id in cust_ids],
        )
        rows = connection.execute(
            "SELECT customer_id, customer FROM customer WHERE customer_id = ANY (%s)", (list(cust_ids),)
        )
        keys: dict[str, int] = dict(rows.fetchall())
    return [Customer(keys[cust_id], cust_id) for cust_id in cust_ids]


def make_key_known(database_url: str, key: int) -> None:
    """Put the customer of a key that `key_of` gave into the database, if they are not there."""
    if key in _NAMES:
        make_known(database_url, _NAMES[key])
