"""The entry: what surrounds every request, and the short way to the routes that are asked very often.

Litestar serves all other routes. Those of the short way are called from here, which costs a third of a framework's
route (docs/decisions/0003-hot-routes.md).
"""

import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from random import getrandbits
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from lingdang.errors import Problem
from lingdang.http.bound import Bound
from lingdang.http.cross_origin import GRANTED, CrossOrigin
from lingdang.http.one_a_turn import OneATurn
from lingdang.http.parameters import Texts
from lingdang.http.problems import MEDIA_TYPE, invalid, problem_body
from lingdang.http.reading import ClientGone, read_body
from lingdang.http.refusals import Refusals
from lingdang.http.repeated import asked_twice, given_twice
from lingdang.http.reply import Header, Headers, Reply, header_block
from lingdang.http.sending import send_in_pieces, send_reply, without_body

_log = structlog.get_logger(__name__)

_VISIBLE = frozenset(b"!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~")

REFUSED = "lingdang.refused"
KNOWN = "lingdang.known"
"""Members of a request's scope. The last, where a server has put it, is called when a customer's request succeeded."""

LARGE = 32 * 1024
"""Bytes of a body above which it is looked at in a turn of the event loop that has no other large one: to open and sign
some hundred kilobytes takes milliseconds."""
_SMALL = 4 * 1024
"""Bytes of a body in which there is no room for too many commas to matter: a payment's is smaller."""
_MOST_COMMAS = 1000
"""An order has 100 lines. A body of half a megabyte has room for 40,000, and each would be looked at before they are
counted: a hundredth of a second for every such request, in which nobody else is served."""

WAYS = ("direct", "short", "framework")
"""To a route's handler: past the server's cycle and the framework, past the framework alone, through both."""

_NO_TEXTS: Texts = {}
_JSON: Header = (b"content-type", b"application/json")


Found = tuple[Bound, Texts]
"""A route of the short way, and the parameter that stands in the path."""

Observe = Callable[[str, str, int, float], None]
"""Called after each request with method, route, status and seconds."""


class Entry:
    """The ASGI application: request ids, limits, problems and observation around every route."""

    def __init__(
        self,
        app: ASGIApp,
        short: Sequence[Bound],
        *,
        max_body_bytes: int,
        observe: Observe,
        origins: Sequence[str] = (),
        elsewhere: Collection[str] = (),
    ) -> None:
        """`short` are the routes of the short way, `elsewhere` the paths of those that `app` serves."""
        self._app = app
        self.taken = dict.fromkeys(WAYS, 0)
        """Requests by the way of WAYS that they took."""
        self._cross_origin = CrossOrigin(origins)
        self._exact = {(r.method, r.path): r for r in short if r.prefix is None}
        self._prefixed = [r for r in short if r.prefix is not None]
        self._short_paths = {path for _, path in self._exact}
        self._elsewhere = frozenset(elsewhere)
        self.max_body_bytes = max_body_bytes
        self._observe = observe
        self._refusals = Refusals()
        self._large = OneATurn()
        self.at_stop: list[Callable[[], None]] = []
        """Called when no further request will come and those that run shall end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        method = scope["method"]
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, without_body(send)
        found = self.find(scope["method"], scope["path"])
        request_id = _request_id(headers)
        here = self._answered_here(scope, headers, found, request_id)
        if here is not None:
            route, reply = here
            await send_reply(send, reply)
            self._observe(method, route, reply.status, time.perf_counter() - started)
        elif found is not None:
            with contextlib.suppress(ClientGone):
                self.taken["short"] += 1
                client = scope["client"][0] if scope["client"] else "unknown"
                body = read_body(headers, receive, self.max_body_bytes)
                reply = await self.answer(*found, headers, body, client, scope["query_string"])
                _know(scope, reply.status, headers)
                await send_reply(send, reply)
        else:
            self.taken["framework"] += 1
            status = await self._framework(scope, receive, send, request_id, headers)
            self._note_refusal(scope, request_id, headers)
            self._observe(method, _template(scope), status, time.perf_counter() - started)

    def _answered_here(
        self, scope: HTTPScope, headers: Headers, found: Found | None, request_id: str
    ) -> tuple[str, Reply] | None:
        """Route and answer of a request about which no route is asked."""
        problem = given_twice(scope["headers"]) or asked_twice(scope["path"], scope["query_string"])
        if problem is not None:
            return (found[0].path if found else "-"), self._problem(problem, request_id, headers)
        if self._cross_origin.grants(scope["method"], headers):
            common = ((b"x-request-id", request_id.encode()), *SAFE_HEADERS)
            return "-", Reply(b"", 204, (*common, *self._cross_origin.headers(headers), *GRANTED))
        if _ends_in_nothing(scope["path"]):
            return "-", self._problem(Problem("not_found"), request_id, headers)
        known = None if found else self._known(scope["path"])
        if known is not None:
            path, allowed = known
            return path, self._problem(_not_allowed(allowed), request_id, headers)
        return None

    def _problem(self, problem: Problem, request_id: str, headers: Headers) -> Reply:
        return self._whole(problem_reply(problem, request_id, headers), request_id, headers)

    def refusal(self, problem: Problem, headers: Headers) -> Reply:
        """The answer of the server itself to a request that reaches no route."""
        self._observe("-", "-", problem.kind.status, 0.0)
        return self._problem(problem, _request_id(headers), headers)

    def _note_refusal(self, scope: HTTPScope, request_id: str, headers: Headers) -> None:
        """The framework's routes leave in the scope why they refused."""
        told: Mapping[str, Any] = scope
        problem, client = told.get(REFUSED), scope["client"]
        if problem is not None:
            self._refusals.note(problem, _template(scope), request_id, headers, client[0] if client else None)

    def find(self, method: str, path: str) -> Found | None:
        """The route of the short way for this method and path, and the parameter in the path."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, _NO_TEXTS
        for route in self._prefixed:
            if method == route.method and route.matches(path):
                return route, route.texts(path)
        return None

    def _known(self, path: str) -> tuple[str, str] | None:
        """For a path that the framework does not know: the path of the short way, and the methods that it has."""
        if path in self._short_paths:
            return path, all_methods("", self._short_methods(path))
        alone = (r for r in self._prefixed if r.path not in self._elsewhere and r.matches(path))
        return next(((r.path, all_methods("", [r.method])) for r in alone), None)

    def _short_methods(self, path: str) -> list[str]:
        """The methods of this path that are served here."""
        return [m for m, p in self._exact if p == path] + [r.method for r in self._prefixed if r.matches(path)]

    def _allow_all(self, path: str, said: list[Header]) -> list[Header]:
        """The framework's headers; an `Allow` among them names what is served here, and HEAD, too."""
        return [
            (name, all_methods(value.decode(), self._short_methods(path)).encode() if name == b"allow" else value)
            for name, value in said
        ]

    async def answer(
        self,
        route: Bound,
        texts: Texts,
        headers: dict[bytes, bytes],
        body: bytes | Awaitable[bytes],
        client: str,
        query: bytes = b"",
    ) -> Reply:
        """A route's answer on the short way, with all the headers it is to be sent with.

        Raises what reading the body raises.
        """
        started = time.perf_counter()
        request_id = _request_id(headers)
        try:
            raw = body if isinstance(body, bytes) else await body
            if len(raw) > _SMALL:
                await self._mind(raw)
            reply = route.reply(await route.handle(route.asked(headers, raw, texts, client, query)))
        except ClientGone:
            raise
        except Problem as problem:
            self._refusals.note(problem, route.path, request_id, headers)
            reply = problem_reply(problem, request_id, headers)
        except Exception:
            _log.exception("request_failed", request_id=request_id, route=route.path)
            reply = problem_reply(Problem("internal_error"), request_id, headers)
        self._observe(route.method, route.path, reply.status, time.perf_counter() - started)
        return self._whole(reply, request_id, headers)

    async def _mind(self, raw: bytes) -> None:
        """Let others come between two large bodies, and refuse one that would take too long to decode."""
        if len(raw) > LARGE:
            await self._large.wait()
        if raw.count(b",") > _MOST_COMMAS:
            raise invalid("$", f"Expected at most {_MOST_COMMAS} commas")

    def _whole(self, reply: Reply, request_id: str, headers: Headers) -> Reply:
        """The answer with the headers that every answer has."""
        more = reply.headers
        if self._cross_origin.origins:
            more += self._cross_origin.headers(headers)
        own = ((b"content-length", b"%d" % len(reply.body)), (b"x-request-id", request_id.encode()))
        if more:
            return Reply(reply.body, reply.status, (*own, *_not_said(_COMMON.headers, more), *more))
        return Reply(reply.body, reply.status, own, _COMMON)

    async def _framework(
        self, scope: HTTPScope, receive: Receive, send: Send, request_id: str, headers: Headers
    ) -> int:
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        structlog.contextvars.bind_contextvars(request_id=request_id)  # each request is a task of its own
        status = 499

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = [*message["headers"], (b"x-request-id", request_id.encode())]
                if status == 405 or scope["method"] == "OPTIONS":
                    said = self._allow_all(scope["path"], said)
                message["headers"] = [*said, *_not_said(SAFE_HEADERS, said), *self._cross_origin.headers(headers)]
                _know(scope, status, headers)
                await send(message)
            else:
                await send_in_pieces(send, message)

        await self._app(scope, receive, send_with_id)
        return status


SAFE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
)


_COMMON = header_block(*SAFE_HEADERS, _JSON)


def _not_said(wanted: Sequence[Header], said: Iterable[Header]) -> list[Header]:
    """A route's own word on its caching stands: two of them would contradict each other."""
    names = {name for name, _ in said}
    return [header for header in wanted if header[0] not in names]


def _ends_in_nothing(path: str) -> bool:
    """Whether nothing stands behind the last slash of an address of the API, which the framework passes over."""
    return path[-1:] == "/" and path.startswith("/v1/")


def _not_allowed(allowed: str) -> Problem:
    return Problem("method_not_allowed", headers={"Allow": allowed})


_UNPROVED = 401
_HOW_TO_PROVE = {"WWW-Authenticate": "Bearer"}
"""Of each 401 (RFC 9110, 11.6.1)."""


def problem_reply(problem: Problem, request_id: str, headers: Headers) -> Reply:
    """A problem as the answer to one request."""
    accept = headers.get(b"accept-language")
    body = problem_body(problem, request_id, accept.decode("latin-1") if accept else None)
    said = _HOW_TO_PROVE | problem.headers if problem.kind.status == _UNPROVED else problem.headers
    extra = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    return Reply(body, problem.kind.status, ((b"content-type", MEDIA_TYPE.encode()), *extra))


def all_methods(said: str, more: Sequence[str] = ()) -> str:
    """The methods of an Allow header: whatever can be got can be asked for without its body."""
    names = dict.fromkeys([*(name for name in said.split(", ") if name), *more])
    return ", ".join(dict.fromkeys([*names, "HEAD"]) if "GET" in names else names)


def _know(scope: HTTPScope, status: int, headers: Headers) -> None:
    """Tell the server that the connection is a customer's, or an API key's, when a request of one succeeded."""
    know: Any = scope.get(KNOWN)
    if know is not None and status < 300 and b"authorization" in headers and scope["path"].startswith("/v1/"):
        know()


def _request_id(headers: Headers) -> str:
    """The client's own id when it is short and plain, so that it cannot forge a log line; else a new one."""
    given = headers.get(b"x-request-id")
    if given and len(given) <= 64 and _VISIBLE.issuperset(given):
        return given.decode("ascii")
    return f"{getrandbits(128):032x}"


def _template(scope: HTTPScope) -> str:
    """The matched route's path with its parameters' names; `-` when none matched, to bound the metrics."""
    return str(scope.get("path_template") or "-")
