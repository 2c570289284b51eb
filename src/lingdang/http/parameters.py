"""The parameters of path and query: read as a route declares them, or refused with what would be right."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lingdang.errors import Problem, shown
from lingdang.http.problems import from_decode_error, invalid, wire_name
from lingdang.http.route import AnyRoute

Texts = Mapping[str, str]
"""Parameters as they stand in a request, by the names that they have there."""

_PART = re.compile(r"\{(\w+)\}")
_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_TOLD = 10
_LONGEST_NAME = 64
_OF_TEXTS = {
    "Expected `int`, got `str`": "Expected a whole number",
    "Expected `bool`, got `str`": "Expected true or false",
    "Invalid UUID": "Expected a UUID",
}


class Parameters:
    """What a route reads from its address. A route of the API knows every parameter that a query may have."""

    def __init__(self, route: AnyRoute) -> None:
        self._type = route.params
        in_path = {wire_name(name) for name in _PART.findall(route.path)}
        self._in_query = [f.encode_name for f in msgspec.structs.fields(route.params) if f.encode_name not in in_path]
        self._known = frozenset(self._in_query) if route.path.startswith("/v1/") else None

    def read(self, texts: Texts, query: bytes) -> Any:
        """The parameters, of their types; `texts` are those of the path. Raises Problem `invalid_request`."""
        if query:
            asked = dict(parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True))
            if self._known is not None and not asked.keys() <= self._known:
                raise self._unknown(asked)
            texts = {**asked, **texts}
        try:
            return msgspec.convert(texts, self._type, strict=False)
        except msgspec.ValidationError as error:
            raise _refused(error, texts) from None

    def _unknown(self, asked: Iterable[str]) -> Problem:
        known = ", ".join(self._in_query)
        message = f"No such parameter here; known: {known}" if known else "No parameters are known here"
        names = [name for name in asked if name not in self._in_query][:_TOLD]
        errors = [{"path": f"$.{name[:_LONGEST_NAME]}", "message": message} for name in names]
        return Problem("invalid_request", errors=errors)


def _refused(error: msgspec.ValidationError, texts: Texts) -> Problem:
    missing = _MISSING.match(str(error))
    if missing is not None:
        return invalid(f"$.{missing[1]}", "The parameter is missing")
    [wrong] = from_decode_error(error).members["errors"]
    path, message = wrong["path"], _OF_TEXTS.get(wrong["message"], wrong["message"])
    value = texts.get(path.removeprefix("$."))
    return invalid(path, message if value is None else f"{message}, got {shown(value)}")
