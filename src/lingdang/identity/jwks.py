"""The platform's public keys: fetched from its JWKS, kept for a while, fetched again for a new key."""

import asyncio
import time
from collections.abc import Callable

import httpx
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey

FRESH_SECONDS = 600.0
"""How long the keys are taken as they are."""
STALE_SECONDS = 86400.0
"""How long the last keys stay good while the platform does not answer."""
RETRY_SECONDS = 30.0
"""At most so often the platform is asked, whatever is sent here."""
FETCH_SECONDS = 5.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
MIN_RSA_BITS = 2048

_log = structlog.get_logger(__name__)


class _Set(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class JwksError(Exception):
    """The platform's answer is no JWKS that can be used. The message says why."""


class Jwks:
    """The keys at one URL. `monotonic` is the clock that ages are measured by."""

    def __init__(self, url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._now = monotonic
        self._keys: dict[str | None, PublicKey] = {}
        self._fetched = -STALE_SECONDS
        self._asked = -RETRY_SECONDS
        self._fetching = asyncio.Lock()
        self._http = httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False)

    async def find(self, kid: str | None) -> PublicKey | None:
        """The key of this id; without an id, the only key that there is. None when there is none."""
        key = self._usable(kid, FRESH_SECONDS)
        if key is None:
            await self._refresh(kid)
            key = self._usable(kid, STALE_SECONDS)
        return key

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _usable(self, kid: str | None, seconds: float) -> PublicKey | None:
        if self._now() - self._fetched >= seconds:
            return None
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    async def _refresh(self, kid: str | None) -> None:
        """Ask the platform, unless it was asked just now; what was there stays when that fails."""
        async with self._fetching:
            if self._usable(kid, FRESH_SECONDS) or self._now() - self._asked < RETRY_SECONDS:
                return
            self._asked = self._now()
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = read_jwks(await self._fetch())
                self._fetched = self._now()
            except (httpx.HTTPError, TimeoutError, JwksError) as error:
                _log.warning("jwks_not_fetched", url=self._url, reason=str(error) or type(error).__name__)

    async def _fetch(self) -> bytes:
        async with self._http.stream("GET", self._url, headers={"Accept": "application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise JwksError(f"status {answer.status_code}")
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise JwksError(f"more than {MAX_BYTES} bytes")
            return bytes(body)


def read_jwks(body: bytes) -> dict[str | None, PublicKey]:
    """The signing keys of a JWKS by their ids; those of a kind that is not used here are left out.

    Raises JwksError when it is not a JWKS.
    """
    try:
        members = msgspec.json.decode(body, type=_Set).keys
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise JwksError("not a JWKS") from None
    read = (_read_key(member) for member in members[:MAX_KEYS])
    return {key.kid: key for key in read if key is not None}


def _read_key(member: dict[str, object]) -> PublicKey | None:
    if member.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(member)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
