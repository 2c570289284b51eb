"""An endpoint's secrets as they are kept: sealed by the keyring, each in its own row and no other.

A rotation adds one; the one before signs beside it until its end. What an older version of the keyring sealed is
sealed anew, so that the version can be retired. A secret that cannot be opened is lost, and no other with it.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lingdang.db.pool import Connection
from lingdang.events.webhooks.signing import Secret, new_secret
from lingdang.keys import Keyring

_log = structlog.get_logger(__name__)

OVERLAP = timedelta(hours=24)
"""How long the secret before signs beside a new one, unless a rotation says otherwise."""

MOST_SECRETS = 3
"""So many sign at once. Each adds two signatures to a header, of which receivers' libraries read twenty."""

_NONCE_BYTES = 12

_ADD = """
INSERT INTO webhook_secret (endpoint_id, number, kid, sealed, created_at) VALUES (%b, %b, %b, %b, %b)
"""
_NEWEST = "SELECT coalesce(max(number), 0) FROM webhook_secret WHERE endpoint_id = %b"
_END = """
UPDATE webhook_secret SET ends_at = least(coalesce(ends_at, %b), %b) WHERE endpoint_id = %b AND number < %b
"""
_ALONE = "SELECT FROM webhook_endpoint WHERE endpoint_id = %b FOR NO KEY UPDATE"
_FORGET = "DELETE FROM webhook_secret WHERE endpoint_id = %b AND (ends_at <= %b OR number <= %b)"
_FIND = """
SELECT number, kid, sealed FROM webhook_secret
 WHERE endpoint_id = %b AND (ends_at IS NULL OR ends_at > %b) ORDER BY number DESC
"""
_OLD = """
SELECT endpoint_id, number, kid, sealed FROM webhook_secret WHERE kid <> %b ORDER BY endpoint_id, number FOR UPDATE
"""
_UNDER = "SELECT endpoint_id, number, kid, sealed FROM webhook_secret WHERE kid = %b ORDER BY endpoint_id, number"
_WAIT = "LOCK TABLE webhook_secret IN SHARE ROW EXCLUSIVE MODE"
_RESEAL = "UPDATE webhook_secret SET kid = %b, sealed = %b WHERE endpoint_id = %b AND number = %b"


class LostSecretError(Exception):
    """An endpoint's secret was altered, or the keyring's version that sealed it is retired. A rotation gives it another
    one."""


class Secrets:
    """The secrets of all endpoints."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def add(
        self, connection: Connection, endpoint_id: str, now: datetime, overlap: timedelta = OVERLAP
    ) -> Secret:
        """A new secret, the first one or the next. What was in use before ends after the overlap.

        Beyond MOST_SECRETS the oldest ends at once.
        """
        await connection.execute(_ALONE, (endpoint_id,))
        [(newest,)] = await (await connection.execute(_NEWEST, (endpoint_id,), binary=True)).fetchall()
        number, secret = newest + 1, new_secret()
        kid, sealed = self._sealed(endpoint_id, number, secret.octets)
        await connection.execute(_ADD, (endpoint_id, number, kid, sealed, now))
        await connection.execute(_END, (now + overlap, now + overlap, endpoint_id, number))
        await connection.execute(_FORGET, (endpoint_id, now, number - MOST_SECRETS))
        return secret

    async def in_use(self, connection: Connection, endpoint_id: str, now: datetime) -> Sequence[Secret]:
        """The secrets that sign now, the newest first. Raises LostSecretError when none can be opened."""
        opened = await self._read(connection, endpoint_id, now)
        if None in opened:
            # Since it was read, one may have been sealed anew and its version retired.
            opened = await self._read(connection, endpoint_id, now)
        found = [Secret(octets) for octets in opened if octets is not None]
        if not found:
            raise LostSecretError(endpoint_id)
        return found

    async def _read(self, connection: Connection, endpoint_id: str, now: datetime) -> list[bytes | None]:
        rows = await (await connection.execute(_FIND, (endpoint_id, now), binary=True)).fetchall()
        return [self._opened(endpoint_id, *row) for row in rows]

    async def seal_anew(self, connection: Connection) -> None:
        """Seal by the version in use what an older one sealed."""
        kid, _ = self._keyring.current("webhook-secret")
        for endpoint_id, number, old, sealed in await (await connection.execute(_OLD, (kid,), binary=True)).fetchall():
            octets = self._opened(endpoint_id, number, old, sealed)
            if octets is not None:
                await connection.execute(_RESEAL, (*self._sealed(endpoint_id, number, octets), endpoint_id, number))

    async def seal_all_anew(self, connection: Connection) -> None:
        """Likewise, when all that others are adding is there."""
        await connection.execute(_WAIT)
        await self.seal_anew(connection)

    async def sealed_by(self, connection: Connection, kid: str) -> list[str]:
        """The endpoints that would lose a secret with a version of the keyring."""
        rows = await (await connection.execute(_UNDER, (kid,), binary=True)).fetchall()
        return list(dict.fromkeys(row[0] for row in rows if self._opened(*row) is not None))

    def _sealed(self, endpoint_id: str, number: int, octets: bytes) -> tuple[str, bytes]:
        kid, key = self._keyring.current("webhook-secret")
        nonce = os.urandom(_NONCE_BYTES)
        return kid, nonce + AESGCM(key).encrypt(nonce, octets, _place(endpoint_id, number))

    def _opened(self, endpoint_id: str, number: int, kid: str, sealed: bytes) -> bytes | None:
        """None when it was altered or the version that sealed it is retired."""
        key = self._keyring.known(kid, "webhook-secret")
        if key is None:
            return None
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(endpoint_id, number))
        except (InvalidTag, ValueError):
            _log.error("webhook_secret_altered", endpoint=endpoint_id, number=number)
            return None


def _place(endpoint_id: str, number: int) -> bytes:
    """What a sealed secret belongs to: it cannot be moved to another row."""
    return f"{endpoint_id} {number}".encode()
