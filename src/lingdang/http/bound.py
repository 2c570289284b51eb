"""A served route made ready: a request becomes what its handler is asked, and what that returns an answer.

All that can be decided at the start is decided here, once; both ways to a handler use the same.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from lingdang.clock import Clock
from lingdang.errors import Problem
from lingdang.http.parameters import Parameters, Texts
from lingdang.http.problems import from_decode_error, invalid, wire_name
from lingdang.http.reply import Reply, encode
from lingdang.http.route import AnyServed, Asked, Nothing

_NOTHING = Nothing()
_NO_TEXTS: Texts = {}


_SPARED: Mapping[str, Callable[[Mapping[bytes, bytes], Any], bool]] = {
    "session or link": lambda _, params: bool(params.token),
    "session or none": lambda headers, _: b"authorization" not in headers,
}
"""By the proof that a route asks for: which of its requests need no session."""


class Gate(NamedTuple):
    """How callers prove who they are, and the clock that says when."""

    session: Callable[[str | None, str | None, datetime], Any]
    """Who asks, by the Authorization and X-Cust-Id headers. Raises Problem `unauthenticated` or `cust_mismatch`."""
    key: Callable[[str | None, Any], Awaitable[Any]]
    """The operator's key, by the Authorization header. Raises Problem `unauthenticated` or `scope_missing`."""
    clock: Clock


class Bound:
    """A route behind its gate."""

    def __init__(self, served: AnyServed, gate: Gate) -> None:
        self.route = route = served.route
        self.method: str = route.method
        self.path = route.path
        self.handle: Callable[[Asked[Any, Any, Any]], Awaitable[Any]] = served.handle
        if route.who.proof == "key":
            self.handle = partial(_for_operator, served.handle, gate.key, route.who.scope)
        self._admit, self._refused = served.admit, served.refused
        self._session = gate.session if route.who.proof.startswith("session") else None
        self._spared = _SPARED.get(route.who.proof)
        self._clock = gate.clock
        self._parameters = Parameters(route)
        self._takes_none = route.params is Nothing
        self._decode = None if route.body is Nothing else _decoder(route.body)
        self._raw = route.body is bytes
        self._optional_body = route.optional_body
        self._status = next(iter(route.answers))
        self.reads_body = self._decode is not None
        self.prefix, self._last = _prefix_of(route.path)

    def matches(self, path: str) -> bool:
        """Whether this is a path that ends in a parameter, and `path` is of its form. An empty part is none."""
        prefix = self.prefix
        return prefix is not None and path.startswith(prefix) and path != prefix and "/" not in path[len(prefix) :]

    def texts(self, path: str) -> Texts:
        """The parameter with which a path that matches ends."""
        return _NO_TEXTS if self.prefix is None else {self._last: path[len(self.prefix) :]}

    def asked(
        self, headers: dict[bytes, bytes], raw: bytes, texts: Texts, client: str, query: bytes = b""
    ) -> Asked[Any, Any, Any]:
        """What the handler is asked. Raises the first Problem: of the body, the parameters, then the caller."""
        body = _NOTHING if self._decode is None else self._read(raw)
        params = _NOTHING if self._takes_none and not query else self._parameters.read(texts, query)
        try:
            if self._admit is not None:
                self._admit()
            now, who = self._clock(), None
            if self._session is not None and not (self._spared and self._spared(headers, params)):
                token, cust_id = headers.get(b"authorization"), headers.get(b"x-cust-id")
                who = self._session(
                    None if token is None else token.decode("latin-1"),
                    None if cust_id is None else cust_id.decode("latin-1"),
                    now,
                )
        except Problem as problem:
            if self._refused is not None:
                self._refused(problem.code)
            raise
        return Asked(who, params, body, now, headers, client)

    def reply(self, result: Any) -> Reply:
        """The answer to what the handler returned."""
        if type(result) is Reply:
            return result
        return Reply(b"" if result is None else encode(result), self._status)

    def _read(self, raw: bytes) -> Any:
        assert self._decode is not None, "only asked where there is a body"
        if not raw and not self._raw:
            if not self._optional_body:
                raise invalid("$", "Expected a JSON body")
            raw = b"{}"
        try:
            return self._decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise from_decode_error(error) from None


def _decoder(body: Any) -> Callable[[bytes], Any]:
    """What makes the body of its type; one that is declared as bytes is the handler's to read."""
    return bytes if body is bytes else msgspec.json.Decoder(body).decode


async def _for_operator(
    handle: Callable[[Asked[Any, Any, Any]], Awaitable[Any]],
    require: Callable[[str | None, Any], Awaitable[Any]],
    scope: str,
    asked: Asked[Any, Any, Any],
) -> Any:
    asked.who = await require(asked.header(b"authorization"), scope)
    return await handle(asked)


def _prefix_of(path: str) -> tuple[str | None, str]:
    """What stands before a path's last part, and the name that the part has in a request, where it is a parameter."""
    start, _, last = path.rpartition("/")
    return (f"{start}/", wire_name(last[1:-1])) if last.startswith("{") and "{" not in start else (None, "")


def bound(served: Iterable[AnyServed], gate: Gate) -> list[Bound]:
    """Every route behind the same gate."""
    return [Bound(each, gate) for each in served]
