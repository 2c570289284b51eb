"""Customers who sign in with a password kept here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.db.pool import Connection, Pool, fetch_all, transaction
from lingdang.identity.passwords import Passwords

_STORED = "SELECT password_hash FROM customer WHERE bucket = %b AND customer_id = %b"
_ADD = """
INSERT INTO customer (bucket, customer_id, password_hash, password_changed_at, created_at)
VALUES (%b, %b, %b, %b, %b) ON CONFLICT DO NOTHING RETURNING created_at
"""
_REPLACE_HASH = """
UPDATE customer SET password_hash = %b, password_changed_at = %b WHERE bucket = %b AND customer_id = %b
"""
_END_SESSIONS = """
INSERT INTO session_end
SELECT bucket, customer_id, session_id, expires_at FROM password_session
 WHERE bucket = %b AND customer_id = %b AND expires_at > %b
ON CONFLICT DO NOTHING
"""
_SET_GROUPS = "UPDATE customer SET groups = %b WHERE bucket = %b AND customer_id = %b"
_CREATED_AT = "SELECT created_at FROM customer WHERE bucket = %b AND customer_id = %b"


class Added(msgspec.Struct, frozen=True):
    """Whether the customer is new, and since when they are known."""

    created: bool
    created_at: datetime


async def add_customer(
    pool: Pool, passwords: Passwords, bucket: int, cust_id: str, password: str | None, now: datetime
) -> Added:
    """Add a customer, or give one that is there a password. The same call again changes nothing.

    A password that differs from the stored one replaces it and ends every session that was opened with it, at
    once and everywhere; sessions opened with a platform's token go on. None leaves the password as it is.
    A customer who only signs in with a platform's token need not be added.

    Raises Problem `overloaded`.
    """
    hashed = await _hash_if_new(pool, passwords, bucket, cust_id, password)
    async with transaction(pool) as connection:
        return await store_customer(connection, bucket, cust_id, hashed, now)


async def store_customer(connection: Connection, bucket: int, cust_id: str, hashed: str | None, now: datetime) -> Added:
    """As `add_customer`, with the password's hash, in the caller's transaction."""
    changed_at = now if hashed else None
    row = await (await connection.execute(_ADD, (bucket, cust_id, hashed, changed_at, now))).fetchone()
    if row is not None:
        return Added(True, row[0])
    if hashed is not None:
        await connection.execute(_REPLACE_HASH, (hashed, now, bucket, cust_id))
        await connection.execute(_END_SESSIONS, (bucket, cust_id, now))
    row = await (await connection.execute(_CREATED_AT, (bucket, cust_id))).fetchone()
    assert row is not None, "the customer was there a moment ago, and customers are never deleted"
    return Added(False, row[0])


async def set_groups(pool: Pool, bucket: int, cust_id: str, groups: Sequence[str]) -> None:
    """Replace the groups of a customer who is there. Raises Problem `overloaded`."""
    await fetch_all(pool, _SET_GROUPS, (sorted(set(groups)), bucket, cust_id))


async def _hash_if_new(pool: Pool, passwords: Passwords, bucket: int, cust_id: str, password: str | None) -> str | None:
    """The password's hash, or None when there is nothing to change. No connection is held meanwhile."""
    if password is None:
        return None
    stored = await fetch_all(pool, _STORED, (bucket, cust_id))
    if stored and stored[0][0] and (await passwords.verify(password, stored[0][0])).right:
        return None
    return await passwords.hash(password)
