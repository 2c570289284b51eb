"""Customers: their keys, and the passwords of those who sign in with one kept here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.db.pool import Connection, Pool, fetch_all, transaction
from lingdang.errors import Problem
from lingdang.identity.passwords import Passwords
from lingdang.ids import Customer, bucket_of, new_customer

ERASED = "erased "
"""With what the name of an erased customer begins. No custId has a space."""

_FIND = "SELECT customer, customer_id FROM customer WHERE customer_id = ANY (%b::text[])"
_SIGNING_IN = "SELECT customer, sessions_after FROM customer WHERE customer_id = %b"
_ADD = """
INSERT INTO customer (customer, customer_id, password_hash, password_changed_at, created_at)
VALUES (%b, %b, %b, %b, %b) ON CONFLICT DO NOTHING
"""
_STORED = "SELECT password_hash FROM customer WHERE customer_id = %b"
_THERE = "SELECT customer, created_at FROM customer WHERE customer_id = %b"
_REPLACE_HASH = "UPDATE customer SET password_hash = %b, password_changed_at = %b WHERE customer = %b"
_END_SESSIONS = """
INSERT INTO session_end (bucket, customer, session_id, expires_at)
SELECT bucket, customer, session_id, expires_at FROM password_session
 WHERE bucket = %b AND customer = %b AND expires_at > %b
ON CONFLICT DO NOTHING
"""
_SET_GROUPS = "UPDATE customer SET groups = %b WHERE customer = %b"


_TOLD = 20
"""Of customers nobody has heard of."""


class Added(msgspec.Struct, frozen=True):
    """The customer, whether they are new, and since when they are known."""

    customer: Customer
    created: bool
    created_at: datetime


async def known_customer(pool: Pool, cust_id: str) -> Customer:
    """The customer of this id. Raises Problem `not_found` for one nobody has heard of, or `overloaded`."""
    [customer] = await known_customers(pool, [cust_id])
    return customer


async def known_customers(pool: Pool, cust_ids: Sequence[str]) -> list[Customer]:
    """The customers of these ids, in their order. Raises Problem `not_found` when one of them is unknown."""
    found = await _found(pool, cust_ids)
    unknown = [cust_id for cust_id in cust_ids if cust_id not in found]
    if unknown:
        raise Problem(
            "not_found", custIds=unknown[:_TOLD], why=f"{len(unknown)} unknown customers, {unknown[0]} among them"
        )
    return [found[cust_id] for cust_id in cust_ids]


async def _found(pool: Pool, cust_ids: Sequence[str]) -> dict[str, Customer]:
    return {cust_id: Customer(key, cust_id) for key, cust_id in await fetch_all(pool, _FIND, (list(cust_ids),))}


async def signing_in(pool: Pool, cust_id: str, now: datetime) -> tuple[Customer, datetime | None]:
    """The customer who signs in with a platform's token, and what their new session must be younger than.

    One nobody has heard of is added. Raises Problem `overloaded`.
    """
    while True:
        for key, sessions_after in await fetch_all(pool, _SIGNING_IN, (cust_id,)):
            return Customer(key, cust_id), sessions_after
        await make_known(pool, [cust_id], now)


async def customer_named(pool: Pool, cust_id: str, create: bool, now: datetime) -> Customer:
    """The customer that a request is about, who is added where it says so. Raises as `known_customer`."""
    if create:
        return (await make_known(pool, [cust_id], now))[0]
    return await known_customer(pool, cust_id)


async def make_known(pool: Pool, cust_ids: Sequence[str], now: datetime) -> list[Customer]:
    """The same; those nobody has heard of are added, without a password. Raises Problem `overloaded`."""
    found = await _found(pool, cust_ids)
    for cust_id in cust_ids:
        if cust_id not in found:
            async with transaction(pool) as connection:
                found[cust_id] = (await store_customer(connection, cust_id, None, now)).customer
    return [found[cust_id] for cust_id in cust_ids]


async def add_customer(
    pool: Pool, passwords: Passwords, buckets: int, cust_id: str, password: str | None, now: datetime
) -> Added:
    """Add a customer, or give one that is there a password. The same call again changes nothing.

    A password that differs from the stored one replaces it and ends every session that was opened with it, at
    once and everywhere; sessions opened with a platform's token go on. None leaves the password as it is.

    Raises Problem `overloaded`.
    """
    hashed = await _hash_if_new(pool, passwords, cust_id, password)
    async with transaction(pool) as connection:
        added = await store_customer(connection, cust_id, hashed, now)
        if hashed is not None and not added.created:
            key = added.customer.key
            await connection.execute(_REPLACE_HASH, (hashed, now, key))
            await connection.execute(_END_SESSIONS, (bucket_of(key, buckets), key, now))
        return added


async def store_customer(connection: Connection, cust_id: str, hashed: str | None, now: datetime) -> Added:
    """Add a customer with the password's hash, in the caller's transaction; one that is there stays as they are."""
    while True:
        key = new_customer()
        added = await connection.execute(_ADD, (key, cust_id, hashed, now if hashed else None, now))
        if added.rowcount:
            return Added(Customer(key, cust_id), True, now)
        row = await (await connection.execute(_THERE, (cust_id,))).fetchone()
        if row is not None:
            return Added(Customer(row[0], cust_id), False, row[1])
        # Another customer has this key: the next one is free.


async def set_groups(pool: Pool, customer: Customer, groups: Sequence[str]) -> None:
    """Replace the groups of a customer. Raises Problem `overloaded`."""
    await fetch_all(pool, _SET_GROUPS, (sorted(set(groups)), customer.key))


async def _hash_if_new(pool: Pool, passwords: Passwords, cust_id: str, password: str | None) -> str | None:
    """The password's hash, or None when there is nothing to change. No connection is held meanwhile."""
    if password is None:
        return None
    stored = await fetch_all(pool, _STORED, (cust_id,))
    if stored and stored[0][0] and (await passwords.verify(password, stored[0][0])).right:
        return None
    return await passwords.hash(password)
