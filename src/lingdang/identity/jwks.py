"""The platform's public keys: fetched from its JWKS, kept for a while, fetched again for a new key."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import Literal, get_args

import httpx
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from lingdang.identity.discovery import DiscoveryError, discovery_url, jwks_url_in

PublicKey = RSAKey | ECKey | OKPKey

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Asymmetric ones alone: a public key must never be taken for a shared secret."""
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

FRESH_SECONDS = 600.0
"""How long the keys are taken as they are."""
STALE_SECONDS = 86400.0
"""How long the last good keys hold while the platform does not answer, or answers what holds no key."""
RETRY_SECONDS = 30.0
"""At most so often the platform is asked, whatever is sent here."""
FIRST_RETRY_SECONDS = 5.0
"""As long as no key is known at all."""
FETCH_SECONDS = 5.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
MIN_RSA_BITS = 2048

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}

_log = structlog.get_logger(__name__)


class _Set(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class JwksError(Exception):
    """The platform's answer is no JWKS that can be used. The message says why."""


class Jwks:
    """The keys of one issuer: at `url`, or where its discovery document says. Ages are measured by `monotonic`.

    The last good document holds until a good one replaces it: a key that is not in the new one is refused from then
    on, and one that cannot be read, or names no key that can be used, changes nothing.
    """

    def __init__(self, issuer: str, url: str | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._url = url
        self._now = monotonic
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched = -STALE_SECONDS
        self._asked = -RETRY_SECONDS
        self._fetching = asyncio.Lock()
        self._http = httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False)

    async def candidates(self, kid: str | None, alg: Algorithm) -> list[PublicKey]:
        """The keys that may have signed a token with this header, as far as they are known; see `fitting`."""
        # What is known goes on holding while another request asks.
        if not (self._known() and self._fetching.locked()):
            await self._refresh(FRESH_SECONDS)
        return fitting(self._known(), kid, alg)

    async def newer_candidates(self, kid: str | None, alg: Algorithm) -> list[PublicKey]:
        """As `candidates`, after the platform was asked anew, for a token that none of the known keys has signed."""
        await self._refresh(RETRY_SECONDS)
        return fitting(self._known(), kid, alg)

    def retry_after(self) -> int | None:
        """While no key is known: in how many seconds the platform is asked again. None when some are known."""
        if self._known():
            return None
        return max(1, ceil(self._asked + FIRST_RETRY_SECONDS - self._now()))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _known(self) -> tuple[PublicKey, ...]:
        return self._keys if self._now() - self._fetched < STALE_SECONDS else ()

    async def _refresh(self, seconds: float) -> None:
        """Ask the platform, unless what is known is younger than `seconds` or it was asked just now."""
        async with self._fetching:
            if self._is_settled(seconds):
                return
            self._asked = self._now()
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = read_jwks(await self._fetch())
                self._fetched = self._now()
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, JwksError, DiscoveryError) as error:
                reason = str(error) or type(error).__name__
                _log.warning("jwks_not_fetched", issuer=self._issuer, url=self._url, reason=reason)

    def _is_settled(self, seconds: float) -> bool:
        now = self._now()
        pause = RETRY_SECONDS if self._known() else FIRST_RETRY_SECONDS
        return now - self._asked < pause or now - self._fetched < seconds

    async def _fetch(self) -> bytes:
        url = self._url or jwks_url_in(await self._get(discovery_url(self._issuer)), self._issuer)
        return await self._get(url)

    async def _get(self, url: str) -> bytes:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._http.stream("GET", url, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                raise JwksError(f"{url} answered {answer.status_code}")
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise JwksError(f"{url} answered more than {MAX_BYTES} bytes")
            return bytes(body)


def read_jwks(body: bytes) -> tuple[PublicKey, ...]:
    """The signing keys of a JWKS in its order; those of a kind that is not used here are left out.

    Raises JwksError when it is not a JWKS, or names no key that can be used.
    """
    try:
        members = msgspec.json.decode(body, type=_Set).keys
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise JwksError("not a JWKS") from None
    if len(members) > MAX_KEYS:
        raise JwksError(f"more than {MAX_KEYS} keys")
    read = tuple(key for key in map(_read_key, members) if key is not None)
    if not read:
        raise JwksError("no key that can verify a signature")
    return read


def fitting(keys: Iterable[PublicKey], kid: str | None, alg: Algorithm) -> list[PublicKey]:
    """The keys of this id; without an id in the token, or in the set, those that the algorithm can be of.

    An id need not be unique, nor be there at all: each key that fits is to be tried.
    """
    able = [key for key in keys if _fits(key, alg)]
    return [key for key in able if kid is not None and key.kid == kid] or [
        key for key in able if kid is None or key.kid is None
    ]


def _fits(key: PublicKey, alg: Algorithm) -> bool:
    if key.get("alg", alg) != alg:
        return False
    curve = _CURVES.get(alg)
    if curve is None:
        return isinstance(key, RSAKey)
    return isinstance(key, OKPKey if curve == "Ed25519" else ECKey) and key.get("crv") == curve


def _read_key(member: dict[str, object]) -> PublicKey | None:
    if member.get("use", "sig") != "sig" or not _may_verify(member.get("key_ops")):
        return None
    try:
        key = JWKRegistry.import_key(member)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, Sequence) and "verify" in operations)
