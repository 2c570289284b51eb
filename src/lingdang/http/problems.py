"""Problems as answers: RFC 9457 bodies in the reader's language, codes never translated."""

import re
from typing import Any

import msgspec

from lingdang.errors import UNKNOWN, Problem
from lingdang.ids import in_words

MEDIA_TYPE = "application/problem+json"

_AT = re.compile(r"^(?P<message>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


_NO_MOMENT = "Expected a moment with its zone, e.g. 2027-01-31T16:00:00Z"
_IN_OTHER_WORDS = {
    "Invalid RFC3339 encoded datetime": _NO_MOMENT,
    "Expected `datetime` with a timezone component": _NO_MOMENT,
}
"""What msgspec says, for whoever does not know its words."""


def invalid(path: str, message: str) -> Problem:
    """An `invalid_request` that names one place of the request, e.g. `invalid("$.productIds[3]", "…")`."""
    return Problem("invalid_request", errors=[{"path": path, "message": message}])


def wire_name(name: str) -> str:
    """What a field is called in a request: `product_id` is `productId`."""
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def _on_the_wire(members: dict[str, Any]) -> dict[str, Any]:
    """The members of a problem, with the places where it is wrong as the sender calls them."""
    errors = members.get("errors")
    return members if errors is None else {**members, "errors": [_placed(**error) for error in errors]}


def _placed(message: str, path: str = "", field: str = "") -> dict[str, str]:
    return {"path": path or ".".join(["$", *map(wire_name, field.split("."))]), "message": message}


def in_other_words(message: str) -> str:
    """What msgspec says of a value, in words for whoever sent it."""
    return _IN_OTHER_WORDS.get(message) or in_words(message)


def language(accept: str | None) -> str:
    """`zh-CN` or `en`: the one that an Accept-Language header puts first; English when it names neither."""
    best, best_weight = "en", 0.0
    for part in (accept or "").split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        tag = name.strip().lower()[:2]
        if tag in ("zh", "en") and _weight(weight) > best_weight:
            best, best_weight = ("zh-CN" if tag == "zh" else "en"), _weight(weight)
    return best


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def problem_body(problem: Problem, request_id: str, accept_language: str | None) -> bytes:
    """The `application/problem+json` bytes for one request."""
    kind = problem.kind
    chinese = language(accept_language) == "zh-CN"
    spoken = {name: _spoken(value, chinese) for name, value in problem.members.items()}
    return msgspec.json.encode(
        {
            "type": f"urn:lingdang:problem:{problem.code}",
            "title": kind.title_zh if chinese else kind.title,
            "status": kind.status,
            "detail": _sentence(problem, chinese).format_map(spoken),
            "code": problem.code,
            "requestId": request_id,
            **_on_the_wire(problem.members),
        }
    )


def _sentence(problem: Problem, chinese: bool) -> str:
    which = UNKNOWN.keys() & problem.members.keys() if problem.code == "not_found" else ()
    told = UNKNOWN[next(iter(which))] if which else (problem.kind.detail, problem.kind.detail_zh)
    return told[chinese]


def _spoken(value: Any, chinese: bool) -> str:
    if isinstance(value, list | tuple):
        return ("、" if chinese else ", ").join(map(str, value))
    return str(value)


def from_decode_error(error: msgspec.MsgspecError | UnicodeDecodeError, root: str = "$") -> Problem:
    """An `invalid_request` that says where the value at `root` is wrong, from what msgspec says of it."""
    match = _AT.match(str(error))
    path = (match and match["path"]) or "$"
    message = (match and match["message"]) or str(error)
    return invalid(root + path.removeprefix("$"), in_other_words(message))
