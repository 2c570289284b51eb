"""What may stand in a request once alone: of two values, one reader would take the first and another the last."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from lingdang.errors import Problem
from lingdang.http.problems import invalid
from lingdang.http.reply import Header

ONCE = frozenset(
    {
        b"authorization",
        b"x-cust-id",
        b"x-device-id",
        b"x-request-id",
        b"idempotency-key",
        b"content-type",
        b"content-length",
        b"host",
        b"origin",
        b"access-control-request-method",
        b"user-agent",
        b"referer",
        b"from",
        b"date",
        b"range",
        b"if-modified-since",
        b"if-unmodified-since",
        b"if-range",
        b"max-forwards",
        b"proxy-authorization",
    }
)
"""Headers that have one value."""

_MOST_PARAMETERS = 50
"""Of a query."""


def given_twice(headers: Iterable[Header]) -> Problem | None:
    """Refuses a request with a header of `ONCE` that is there more than once."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in ONCE:
            return invalid(name.decode("latin-1").title(), "The header is given more than once")
        seen.add(name)
    return None


def asked_twice(path: str, query: bytes) -> Problem | None:
    """Refuses a query of the API in which a parameter is there more than once: none of ours is a list."""
    if b"&" not in query or not path.startswith("/v1/"):
        return None
    if query.count(b"&") >= _MOST_PARAMETERS:
        return invalid("$", f"Expected at most {_MOST_PARAMETERS} parameters")
    seen: set[str] = set()
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace"):
        if name in seen:
            return invalid(f"$.{name[:64]}", "The parameter is given more than once")
        seen.add(name)
    return None
