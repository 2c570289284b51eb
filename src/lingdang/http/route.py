"""A route, declared once as a value: who may call it, what it takes, answers and refuses.

What serves the request and what describes it in /openapi.json both read the declaration. A handler is given what it
declares: the caller who has proved to be one, and parameters and body of their types.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple

import msgspec
from typing_extensions import TypeVar

from lingdang.http.reply import Reply

Method = Literal["GET", "PUT", "POST", "PATCH", "DELETE"]


class Nothing(msgspec.Struct, frozen=True):
    """In place of the parameters or the body of a route that takes none."""


W = TypeVar("W")
"""Who asks: what the route's handler is told of its caller."""
A = TypeVar("A")
"""What is answered."""
P = TypeVar("P", default=Nothing)
"""The parameters of path and query: a Struct, whose fields are called on the wire as it renames them."""
B = TypeVar("B", default=Nothing)
"""The body."""


@dataclass(frozen=True)
class Caller(Generic[W]):
    """Who may call a route, by what proof; for operators the scope that their key must have."""

    proof: Literal["none", "session", "session or link", "session or none", "key", "platform token"]
    problems: tuple[str, ...] = ()
    scope: str = ""


ANYONE: Caller[None] = Caller("none")


class Asked(msgspec.Struct, Generic[W, P, B], gc=False):
    """One request as its handler sees it. Names of `headers` are lower-case bytes; `client` is an IP address."""

    who: W
    params: P
    body: B
    now: datetime
    headers: dict[bytes, bytes]
    client: str

    def header(self, name: bytes) -> str | None:
        """A header's text, or None when it is absent."""
        return text_of(self.headers, name)


def text_of(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """A header's text, or None when it is absent."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


Admit = Callable[[], None]
Refused = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Route(Generic[W, A, P, B]):
    """One method on one path, in which `{name}` stands for one part and is read into the parameter of that name.

    `problems` are the codes of what the handler itself refuses; `all_problems` has those that follow from the rest.
    """

    name: str
    """What a generated client calls the operation: a verb and its object in camelCase. It never changes."""
    method: Method
    path: str
    who: Caller[W]
    summary: str
    description: str = ""
    """What a client has to know beyond the summary."""
    tag: str
    answer: type[A]
    example: A | None = None
    """Of a whole answer; None where there is no body."""
    statuses: Mapping[int, str] = field(default_factory=dict)
    """Of the answers that are no problems, with what each means, where there is more to say than 200 or 204."""
    params: type[P] = Nothing  # type: ignore[assignment] # mypy does not compare the type variable's own default
    body: type[B] = Nothing  # type: ignore[assignment] # likewise
    body_example: B | None = None
    optional_body: bool = False
    """A body that is left out is read as `{}`."""
    keyed: bool = False
    """Takes an `Idempotency-Key`."""
    problems: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    """Headers that its answers may have beside those of every answer."""
    media_type: str = "application/json"
    documented: bool = True
    short_way: bool = False
    """Served past the framework, for what is asked very often (docs/decisions/0003-hot-routes.md)."""

    def by(
        self,
        handle: Callable[[Asked[W, P, B]], Awaitable[A | Reply]],
        admit: Admit | None = None,
        refused: Refused | None = None,
    ) -> "Served[W, A, P, B]":
        """The route with its handler.

        `admit` refuses by raising, when the body was read and nobody was asked who they are. `refused` is told the
        code when that or the caller's proof ends the request before the handler.
        """
        return Served(self, handle, admit, refused)

    @property
    def answers(self) -> Mapping[int, str]:
        """The statuses of answers that are no problems, first the usual one, with what each means."""
        return self.statuses or {204 if self.answer is type(None) else 200: self.summary}

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Every code that can be answered here."""
        implied = ["invalid_request", *self.who.problems, "overloaded", "internal_error"]
        if self.body is not Nothing:
            implied.append("body_too_large")
        if self.keyed:
            implied += ["idempotency_mismatch", "rate_limited"]
        return tuple(dict.fromkeys([*implied, *self.problems]))


class Served(NamedTuple, Generic[W, A, P, B]):
    """A declaration with the handler that keeps it."""

    route: Route[W, A, P, B]
    handle: Callable[[Asked[W, P, B]], Awaitable[A | Reply]]
    admit: Admit | None = None
    refused: Refused | None = None


AnyServed = Served[Any, Any, Any, Any]
AnyRoute = Route[Any, Any, Any, Any]
