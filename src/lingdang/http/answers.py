"""Every exception of a route that the framework serves as a problem. Nothing of its inside leaves the server."""

from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from lingdang.errors import Problem
from lingdang.http.entry import REFUSED, all_methods, problem_reply
from lingdang.http.framework import response_of
from lingdang.http.problems import invalid
from lingdang.http.reading import ClientGone
from lingdang.http.reply import Headers, Reply

_log = structlog.get_logger(__name__)

_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}
"""What the framework refuses by itself."""


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        return Problem(_BY_STATUS[error.status_code], headers=_allow(error))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return invalid("$", error.detail)
    return Problem("internal_error")


def _allow(error: HTTPException) -> dict[str, str]:
    """The methods that a 405 must name."""
    allowed = (error.headers or {}).get("allow")
    return {"Allow": all_methods(allowed)} if allowed else {}


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem = _as_problem(error)
    request_id = str(request.scope.get("request_id", ""))
    if problem.code == "internal_error" and not isinstance(error, ClientGone):
        _log.error("request_failed", request_id=request_id, path=request.url.path, exc_info=error)
    request.scope[REFUSED] = problem  # type: ignore[literal-required]
    return response_of(problem_reply(problem, request_id, dict(request.scope["headers"])))


EXCEPTION_HANDLERS: dict[Any, Any] = {Exception: _answer, HTTPException: _answer, Problem: _answer}
"""Every exception is a problem."""

PROGRAMS = ("/v1/", "/.well-known/")
"""Below these paths there are no pages."""


def with_page(nowhere: Callable[[Headers], Reply]) -> dict[Any, Any]:
    """The same, but `nowhere` answers people whose address leads to no route: they take HTML, where pages are."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        headers = dict(request.scope["headers"])
        takes_pages = request.method == "GET" and b"text/html" in headers.get(b"accept", b"")
        if takes_pages and not request.url.path.startswith(PROGRAMS):
            return response_of(nowhere(headers))
        return _answer(request, error)

    return {**EXCEPTION_HANDLERS, NotFoundException: answer}
