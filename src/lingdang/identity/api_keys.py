"""API keys of the platform's servers and its back office.

A key is `ld_<id>_<secret>`. The id finds it, may be shown, and tells an operator which key is meant; the secret is
256 random bits, stored as its SHA-256. Nothing that random can be guessed from its hash, so a slow password hash
would only cost time.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec
import structlog

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem
from lingdang.identity.sessions import bearer
from lingdang.pacing import Pacing

Scope = Literal[
    "catalog:write",
    "coupons:write",
    "customers:read",
    "customers:write",
    "entitlements:write",
    "wallets:credit",
    "wallets:adjust",
    "orders:read",
    "orders:refund",
    "topups:read",
    "topups:write",
    "events:read",
    "webhooks:write",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_log = structlog.get_logger(__name__)

_FORM = re.compile(r"ld_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")

_FIND = "SELECT secret_hash, name, scopes FROM api_key WHERE key_id = %b AND revoked_at IS NULL"
_CREATE = """
INSERT INTO api_key (key_id, secret_hash, name, scopes, created_at) VALUES (%b, %b, %b, %b, %b)
ON CONFLICT DO NOTHING RETURNING 1
"""
_LIST = "SELECT key_id, name, scopes, created_at, revoked_at FROM api_key ORDER BY created_at, name"
_REVOKE = "UPDATE api_key SET revoked_at = %b WHERE name = %b AND revoked_at IS NULL RETURNING 1"


class ApiKey(msgspec.Struct, frozen=True):
    """A key that may be used: whose it is, and for what."""

    name: str
    scopes: frozenset[str]


class ApiKeyRow(msgspec.Struct, frozen=True, rename="camel"):
    """A key as a list shows it; its secret is known to its holder alone."""

    key_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """Asked at every request, in the database: a revoked key is refused from then on, everywhere."""

    def __init__(self, pool: Pool, pacing: Pacing) -> None:
        self._pool = pool
        self._pacing = pacing

    async def require(self, authorization: str | None, scope: Scope) -> ApiKey:
        """The request's key. Raises Problem `unauthenticated`, `scope_missing` or `overloaded`."""
        try:
            return await self._require(authorization, scope)
        except Problem:
            await self._pacing.hold()
            raise

    async def _require(self, authorization: str | None, scope: Scope) -> ApiKey:
        presented = _FORM.fullmatch(bearer(authorization) or "")
        if presented is None:
            raise Problem("unauthenticated", why="what was sent is no API key" if authorization else "nothing was sent")
        key_id, secret = presented.groups()
        rows = await fetch_all(self._pool, _FIND, (key_id,))
        if not rows:
            raise Problem("unauthenticated", why="no API key of this id is in use")
        if not hmac.compare_digest(rows[0][0], _digest(secret)):
            raise Problem("unauthenticated", why="the API key's secret is wrong")
        key = ApiKey(rows[0][1], frozenset(rows[0][2]))
        if scope not in key.scopes:
            raise Problem("scope_missing", why=f"the key {key.name} lacks {scope}", scope=scope)
        _log.info("key_used", name=key.name, key_id=key_id, scope=scope)
        return key


async def create_api_key(connection: Connection, name: str, scopes: Sequence[Scope], now: datetime) -> str | None:
    """A new key, to be shown once; None when a key of this name is in use."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    made = await connection.execute(_CREATE, (key_id, _digest(secret), name, sorted(set(scopes)), now))
    return f"ld_{key_id}_{secret}" if await made.fetchone() else None


async def list_api_keys(connection: Connection) -> list[ApiKeyRow]:
    """Every key that there is or was, oldest first."""
    return [ApiKeyRow(*row) for row in await (await connection.execute(_LIST)).fetchall()]


async def revoke_api_key(connection: Connection, name: str, now: datetime) -> bool:
    """Refuse a key from now on. False when none of this name is in use."""
    return await (await connection.execute(_REVOKE, (now, name))).fetchone() is not None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
