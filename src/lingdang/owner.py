"""Whose rows a request is about, and queries on their behalf that an ended session cannot make."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from lingdang.db.pool import Connection, Pool, connection_of, together
from lingdang.errors import session_ended
from lingdang.ids import Customer, bucket_of

_ENDED = "SELECT FROM session_ended(%b, %b, %b)"

NO_SESSION = UUID(int=2**128 - 1)
"""Of an owner for whom somebody else asks, by a proof of their own. It comes after all sessions, and has not ended."""


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Whose rows a query touches, and in which session it is made."""

    bucket: int
    customer: int
    cust_id: str
    session_id: UUID


NOBODY = Owner(0, 0, "", NO_SESSION)
"""Of a question that anybody may ask. No customer has this key."""


def owner_named(customer: Customer, buckets: int) -> Owner:
    """The customer as the owner of rows that an operator asks for."""
    return Owner(bucket_of(customer.key, buckets), customer.key, customer.cust_id, NO_SESSION)


async def fetch_as(pool: Pool, owner: Owner, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """A customer's reading statement. The session's end is asked for in the same flush, at no round trip.

    Raises Problem `unauthenticated` when the session has ended, `overloaded` when the database is away.
    """
    async with connection_of(pool) as connection:
        async with together(connection):
            await pool.limit_transaction(connection)
            ended = await connection.execute(_ENDED, _session_of(owner))
            cursor = await connection.execute(sql, params, binary=True)
        if await ended.fetchone() is not None:
            raise session_ended()
        return await cursor.fetchall()


@asynccontextmanager
async def transaction_as(pool: Pool, owner: Owner) -> AsyncIterator[Connection]:
    """A customer's transaction, refused at its start when the session has ended. Raises as `fetch_as`."""
    async with connection_of(pool) as connection, connection.transaction():
        await pool.limit_transaction(connection)
        await refuse_ended(connection, owner)
        yield connection


async def refuse_ended(connection: Connection, owner: Owner) -> None:
    """Raises Problem `unauthenticated` when the owner's session has ended."""
    ended = await connection.execute(_ENDED, _session_of(owner))
    if await ended.fetchone() is not None:
        raise session_ended()


def _session_of(owner: Owner) -> tuple[int, int, UUID]:
    return owner.bucket, owner.customer, owner.session_id
