"""The headers of requests and answers."""

from collections.abc import Iterable

from lingdang.http.document.schemas import Json
from lingdang.http.idempotency import KEY_PATTERN
from lingdang.http.route import AnyRoute
from lingdang.ids import CUST_ID_PATTERN


def _header(description: str, example: str | int, *, required: bool = False, pattern: str | None = None) -> Json:
    kind = "integer" if isinstance(example, int) else "string"
    schema = {"type": kind} | ({"pattern": pattern} if pattern else {})
    return {"description": description, "required": required, "schema": schema, "example": example}


ANSWERED: Json = {
    "X-Request-Id": _header(
        "The request's id, as the server's log has it.", "0192f0c1a2b37c4d8e9fa0b1c2d3e4f5", required=True
    ),
    "Idempotent-Replayed": _header("`true` where this is the answer that was given before.", "true"),
    "Retry-After": _header("Seconds to wait before the request is sent again.", 1),
    "WWW-Authenticate": _header("How to prove who is asking.", "Bearer"),
    "Allow": _header("The methods that the address answers.", "GET, HEAD"),
    "ETag": _header("The answer's version, for `If-None-Match`.", '"5f7c"'),
    "X-Entitlement-Order": _header("The id of the order that gave the right.", "019ab0c5-5800-7000-8000-000000000001"),
    "X-Entitlement-Grant": _header("The id of the grant that gave the right.", "gift-7"),
}
"""The headers of answers, by their names."""

_ASKED: Json = {
    "X-Request-Id": _header("Echoed when it is 1 to 64 visible characters; else one is made.", "checkout-7"),
    "Accept-Language": _header("The language of a problem's sentences: `zh-CN` or `en`.", "en"),
    "Idempotency-Key": _header(
        "1 to 64 printable ASCII characters. The same key and body: the first answer again.",
        "a-7f3a91c2",
        pattern=KEY_PATTERN,
    ),
    "X-Cust-Id": _header("The session's owner.", "ann", required=True, pattern=CUST_ID_PATTERN),
    "If-None-Match": _header("The `ETag` of the answer that is known.", '"5f7c"'),
}


def answer_headers(names: Iterable[str]) -> Json:
    """References to these headers and to those of every answer."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def asked_headers(route: AnyRoute) -> list[Json]:
    """References to the headers that a route reads."""
    names = ["X-Request-Id", "Accept-Language"]
    names += ["Idempotency-Key"] * route.keyed
    names += ["X-Cust-Id"] * (route.who.proof == "session")
    names += ["If-None-Match"] * ("ETag" in route.headers)
    asked: list[Json] = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    if route.who.proof in ("session or link", "session or none"):
        asked.append({"name": "X-Cust-Id", "in": "header", **_ASKED["X-Cust-Id"], "required": False})
    return asked


def header_parameters() -> Json:
    """The parameters to which the operations refer."""
    return {name: {"name": name, "in": "header", **header} for name, header in _ASKED.items()}
