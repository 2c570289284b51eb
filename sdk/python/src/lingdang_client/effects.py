"""What an operation asks of the world around it. Operations are generators that do no I/O themselves.

They yield effects and are sent the results; `Client` and `AsyncClient` differ only in how they perform them.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request to be sent. `path` is absolute and carries the query; repr() shows neither headers nor body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """An answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Wait:
    """Let this many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Local:
    """Something to be done on this machine that may block, such as a write to the disk."""

    call: Callable[[], object] = field(repr=False)


Effect = Request | Wait | Local
Op = Generator[Effect, Any, T]
"""An operation: yields effects, is sent their results (or thrown their exceptions), returns a T."""


def send(request: Request) -> Op[Response]:
    """Send a request. Raises Unreachable when no answer came."""
    return cast(Response, (yield request))


def wait(seconds: float) -> Op[None]:
    """Let time pass."""
    yield Wait(seconds)


def locally(call: Callable[[], T]) -> Op[T]:
    """Do something that may block. Raises what it raises."""
    return cast(T, (yield Local(call)))
