"""Front ends of other origins (CORS): exactly those that the setting names may read answers, and nobody else.

There are no cookies; a request carries its session in a header that only the front end knows. So no answer speaks of
credentials, and an origin that is not named can do no more than it could with curl.
"""

from collections.abc import Mapping, Sequence

import structlog

SETTING = "LINGDANG_CORS_ORIGINS"

GRANTED = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, x-cust-id, x-device-id, x-request-id, idempotency-key, accept-language",
    ),
    (b"access-control-max-age", b"7200"),  # no browser remembers it for longer
)
"""What a granted preflight is told beside the headers of every answer. Which methods a path has, its answer tells."""

_SHOWN = b"x-request-id, idempotent-replayed, retry-after, x-entitlement-order, x-entitlement-grant, allow, etag"
_VARIES = (b"vary", b"origin")
_TOLD_ORIGINS = 20
_LONGEST = 200

_log = structlog.get_logger(__name__)


class CrossOrigin:
    """The headers for the origins that are allowed, which may be none."""

    def __init__(self, origins: Sequence[str]) -> None:
        self.origins = frozenset(origin.encode() for origin in origins)
        self._told: set[bytes] = set()

    def headers(self, asked: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
        """What an answer to a request with these headers says of sharing it."""
        if not self.origins:
            return ()
        origin = asked.get(b"origin")
        if origin not in self.origins or origin is None:
            return (_VARIES,)
        return (
            _VARIES,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _SHOWN),
        )

    def grants(self, method: str, asked: Mapping[bytes, bytes]) -> bool:
        """Whether this is a browser's question if a request may be sent (a preflight), and it may."""
        origin = asked.get(b"origin")
        if method != "OPTIONS" or origin is None or b"access-control-request-method" not in asked:
            return False
        if origin not in self.origins:
            self._tell(origin)
            return False
        return True

    def _tell(self, origin: bytes) -> None:
        """Say once of each origin which setting would allow it."""
        if origin not in self._told and len(self._told) < _TOLD_ORIGINS:
            self._told.add(origin)
            _log.warning("origin_not_allowed", origin=origin.decode("latin-1")[:_LONGEST], setting=SETTING)
