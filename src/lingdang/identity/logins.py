"""The built-in login: a customer's id and password."""

from datetime import datetime

import msgspec

from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.errors import Problem, retry_later
from lingdang.identity.login_limits import LoginLimits
from lingdang.identity.passwords import Passwords
from lingdang.identity.sessions import MOST_SESSIONS, IssuedSession, seconds_until
from lingdang.ids import Customer, bucket_of

_FIND = "SELECT customer, password_hash, password_changed_at, sessions_after FROM customer WHERE customer_id = %b"
_RENEW = """
UPDATE customer SET password_hash = %b WHERE customer = %b AND password_changed_at = %b
"""
# The lock makes a login and a change of the password follow each other: the change ends what this has kept, or
# this finds the password changed.
_STILL_SO = """
SELECT 1 FROM customer WHERE customer = %b AND password_changed_at = %b FOR SHARE
"""
_KEEP = f"""
INSERT INTO password_session (bucket, customer, session_id, expires_at)
SELECT %b, %b, %b, %b
 WHERE (SELECT count(*) FROM password_session
         WHERE bucket = %b AND customer = %b AND expires_at > %b) < {MOST_SESSIONS}
RETURNING 1
"""  # noqa: S608 - a constant
_FIRST_TO_END = """
SELECT min(expires_at) FROM password_session WHERE bucket = %b AND customer = %b AND expires_at > %b
"""


class Proof(msgspec.Struct, frozen=True):
    """That a customer gave the right password, and which: the one that was set at `password_changed_at`.

    `sessions_after`: what the session must be younger than.
    """

    customer: Customer
    password_changed_at: datetime
    sessions_after: datetime | None


class Logins:
    """Verifies passwords, within limits, and keeps which sessions were opened with one."""

    def __init__(self, pool: Pool, buckets: int, passwords: Passwords, limits: LoginLimits) -> None:
        self._pool = pool
        self._buckets = buckets
        self._passwords = passwords
        self._limits = limits

    async def verify(self, cust_id: str, password: str, address: str) -> Proof:
        """The right password's proof. What is refused tells nothing about whether the customer exists.

        Raises Problem `unauthenticated`, `rate_limited` or `overloaded`.
        """
        async with self._limits.attempt(cust_id, address):
            return await self._compare(cust_id, password)

    async def _compare(self, cust_id: str, password: str) -> Proof:
        rows = await fetch_all(self._pool, _FIND, (cust_id,))
        key, stored, changed_at, sessions_after = rows[0] if rows else (0, None, None, None)
        verdict = await self._passwords.verify(password, stored)
        if not verdict.right:
            raise Problem("unauthenticated", why="the password is wrong" if stored else "nobody has a password there")
        if verdict.renewed is not None:
            await fetch_all(self._pool, _RENEW, (verdict.renewed, key, changed_at))
        return Proof(Customer(key, cust_id), changed_at, sessions_after)

    async def keep(self, proof: Proof, session: IssuedSession) -> None:
        """Remember a session by its password.

        Raises Problem `unauthenticated` when that was changed just now, `rate_limited` for a customer with
        MOST_SESSIONS of them: none is ended for another.
        """
        key, now = proof.customer.key, session.issued_at
        customer = (bucket_of(key, self._buckets), key)
        async with transaction(self._pool) as connection:
            still = await connection.execute(_STILL_SO, (key, proof.password_changed_at))
            if await still.fetchone() is None:
                raise Problem("unauthenticated", why="the password was changed meanwhile")
            row = (*customer, session.session_id, session.expires_at)
            kept = await connection.execute(_KEEP, (*row, *customer, now))
            if await kept.fetchone() is None:
                first = await (await connection.execute(_FIRST_TO_END, (*customer, now))).fetchone()
                raise retry_later(
                    "rate_limited", seconds_until(first, now), why=f"{MOST_SESSIONS} sessions by password are open"
                )
