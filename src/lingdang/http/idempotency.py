"""Idempotency-Key: the first answer to a key is kept, encrypted, and given again to the same request.

What is kept for one customer has a quota, over all routes and sessions. Within the time that an answer is promised for
none is forgotten; who has filled the quota is refused until some of it has lapsed.
"""

import hmac
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any, NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import TupleRow

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem, retry_later
from lingdang.http.problems import invalid
from lingdang.http.reply import Reply, replied
from lingdang.keys import Keyring
from lingdang.owner import Owner, fetch_as

KEPT = timedelta(hours=24)

KEY_PATTERN = r"^[ -~]{1,64}\Z"
_KEY = re.compile(KEY_PATTERN)
_FULL = "As many answers are kept for this customer as may be; without this header none is kept, and none is needed"
REPLAYED = ((b"idempotent-replayed", b"true"),)
"""Headers of an answer that was given before."""

A = TypeVar("A")


def answered(value: A, replayed: bool) -> A | Reply:
    """A handler's answer; one that was given before says so."""
    return replied(value, headers=REPLAYED) if replayed else value


_FIND = "SELECT kid, fingerprint, sealed FROM idempotency WHERE owner = %b AND key = %b AND expires_at > %b"
# Those that lapse last come first: the quota has room again when the one lapses that fills it, and all before it.
# The customer's id is the third word of `owner`; index idempotency_customer.
_FULL_UNTIL = """(
SELECT max(expires_at) FROM (
       SELECT expires_at, row_number() OVER last_first AS answers, sum(octet_length(sealed)) OVER last_first AS octets
         FROM idempotency
        WHERE split_part(owner, ' ', 3) = split_part(%b, ' ', 3) AND expires_at > %b
       WINDOW last_first AS (ORDER BY expires_at DESC, owner, key ROWS UNBOUNDED PRECEDING)
       ) kept
 WHERE answers >= %b OR octets >= %b)
"""
_ROOM = f"SELECT {_FULL_UNTIL}"
_KEEP = f"""
INSERT INTO idempotency AS i (owner, key, kid, fingerprint, sealed, created_at, expires_at)
SELECT %b, %b, %b, %b, %b, %b, %b WHERE {_FULL_UNTIL} IS NULL
ON CONFLICT (owner, key) DO UPDATE
   SET kid = EXCLUDED.kid, fingerprint = EXCLUDED.fingerprint, sealed = EXCLUDED.sealed,
       created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
 WHERE i.expires_at <= EXCLUDED.created_at
RETURNING 1
"""  # noqa: S608 - a constant
_DROP = "DELETE FROM idempotency WHERE owner = %b AND key = %b AND kid = %b"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('idempotency ' || %b::text || ' ' || %b::text, 0))"

Produce = Callable[[], Awaitable[Reply]]
Ask = Callable[[str, Sequence[Any]], Awaitable[list[TupleRow]]]
"""Runs one statement: in a transaction of its own, or in the caller's."""


class Quota(NamedTuple):
    """The most that is kept for one customer: another answer is kept while there are fewer, and fewer octets."""

    answers: int = 500
    octets: int = 8 * 2**20


class Idempotency:
    """Keeps first answers. They may hold secrets: both they and the bodies' fingerprints are keyed."""

    def __init__(self, pool: Pool, keyring: Keyring, quota: Quota = Quota()) -> None:  # noqa: B008 - it is immutable
        self._ask: Ask = partial(fetch_all, pool)
        self._pool = pool
        self._keyring = keyring
        self._quota = quota

    async def once(
        self,
        owner: str,
        key: str | None,
        body: bytes,
        now: datetime,
        produce: Produce,
        kept: timedelta = KEPT,
    ) -> Reply:
        """The answer of `produce`, or the one that was given first to this owner's key, with its header.

        `owner` is `METHOD path custId` and what else tells apart who has been authenticated for the route; `body` is
        whatever must be the same; the answer is kept for `kept`.
        `produce` is run without a lock: of two requests at the same moment both may run it, and both are answered
        with the result that was kept first. What it does must therefore bear being done twice. A refusal that it
        raises is not kept: the key is still free.

        Raises Problem `invalid_request` for a key of another shape, `idempotency_mismatch`, `rate_limited` while the
        customer's quota is full, `overloaded`.
        """
        if key is None:
            return await produce()
        _check(key)
        if (found := await self._find(self._ask, owner, key, body, now)) is not None:
            return found
        await self._refuse_full(self._ask, owner, now)
        reply = await produce()
        if await self._keep(self._ask, owner, key, body, now, reply, kept):
            return reply
        if (found := await self._find(self._ask, owner, key, body, now)) is None:
            await self._refuse_full(self._ask, owner, now)  # others have filled it meanwhile
        return found or reply

    async def once_as(
        self,
        owner: Owner,
        route: str,
        key: str,
        body: bytes,
        now: datetime,
        produce: Produce,
        kept: timedelta = KEPT,
    ) -> Reply:
        """As `once`, for a customer's session: what it was answered is given again to no other one.

        Raises Problem `unauthenticated` when the session has ended, too, and else as `once`.
        """
        await fetch_as(self._pool, owner, "SELECT")  # asks only whether it has ended
        return await self.once(_session(owner, route), key, body, now, produce, kept)

    async def once_within(
        self,
        connection: Connection,
        owner: Owner,
        route: str,
        key: str | None,
        body: bytes,
        now: datetime,
        produce: Produce,
    ) -> Reply:
        """As `once_as`, for what must not be done twice: `produce` works in the caller's transaction on `connection`.

        Requests with one key come one after the other, in every worker, and the answer is kept in the transaction
        that did what it tells. That the session has not ended is the caller's to know. Raises as `once`.
        """
        if key is None:
            return await produce()
        _check(key)
        name, ask = _session(owner, route), partial(_ask_within, connection)
        await ask(_LOCK, (name, key))
        if (found := await self._find(ask, name, key, body, now)) is not None:
            return found
        await self._refuse_full(ask, name, now)
        reply = await produce()
        if not await self._keep(ask, name, key, body, now, reply, KEPT):
            await self._refuse_full(ask, name, now)
        return reply

    async def _find(self, ask: Ask, owner: str, key: str, body: bytes, now: datetime) -> Reply | None:
        rows = await ask(_FIND, (owner, key, now))
        if not rows:
            return None
        kid, fingerprint, sealed = rows[0]
        secret = self._keyring.known(kid, "idempotency", 64)
        if secret is None:  # nobody can open it any more
            await ask(_DROP, (owner, key, kid))
            return None
        if not hmac.compare_digest(fingerprint, _fingerprint(secret, owner, key, body)):
            raise Problem("idempotency_mismatch")
        status, kept = _open(secret, owner, key, sealed)
        return Reply(kept, status, REPLAYED)

    async def _refuse_full(self, ask: Ask, owner: str, now: datetime) -> None:
        [(until,)] = await ask(_ROOM, (owner, now, *self._quota))
        if until is not None:
            raise retry_later(
                "rate_limited",
                ceil((until - now).total_seconds()),
                why="the customer's quota of answers that are kept for Idempotency-Key is full",
                errors=[{"path": "Idempotency-Key", "message": _FULL}],
            )

    async def _keep(
        self, ask: Ask, owner: str, key: str, body: bytes, now: datetime, reply: Reply, kept: timedelta
    ) -> bool:
        """Whether this answer is the first, and there was room for it."""
        kid, secret = self._keyring.current("idempotency", 64)
        fingerprint = _fingerprint(secret, owner, key, body)
        sealed = _encrypted(secret, owner, key, reply)
        row = (owner, key, kid, fingerprint, sealed, now, now + kept)
        return bool(await ask(_KEEP, (*row, owner, now, *self._quota)))


async def _ask_within(connection: Connection, sql: str, params: Sequence[Any]) -> list[TupleRow]:
    cursor = await connection.execute(sql, params, binary=True)
    return await cursor.fetchall() if cursor.description else []


def _check(key: str) -> None:
    if not _KEY.match(key):
        raise invalid("Idempotency-Key", "Expected 1 to 64 printable ASCII characters")


def _session(owner: Owner, route: str) -> str:
    """What is kept for a session's request on one route is given again to no other."""
    return f"{route} {owner.cust_id} {owner.session_id}"


def _fingerprint(secret: bytes, owner: str, key: str, body: bytes) -> bytes:
    """An HMAC: nobody who reads the table can try passwords against it."""
    return hmac.digest(secret[32:], _belongs_to(owner, key) + body, "sha256")


def _encrypted(secret: bytes, owner: str, key: str, reply: Reply) -> bytes:
    nonce = os.urandom(12)
    plain = msgspec.msgpack.encode((reply.status, reply.body))
    return nonce + AESGCM(secret[:32]).encrypt(nonce, plain, _belongs_to(owner, key))


def _open(secret: bytes, owner: str, key: str, sealed: bytes) -> tuple[int, bytes]:
    try:
        plain = AESGCM(secret[:32]).decrypt(sealed[:12], sealed[12:], _belongs_to(owner, key))
    except InvalidTag:
        raise RuntimeError("a kept answer was altered in the database") from None
    return msgspec.msgpack.decode(plain, type=tuple[int, bytes])


def _belongs_to(owner: str, key: str) -> bytes:
    """What an encrypted answer belongs to: it cannot be moved to another row."""
    return msgspec.msgpack.encode((owner, key))
