"""Every exception of a Litestar route as a problem. Nothing of its inside leaves the server."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, SerializationException, ValidationException

from lingdang.errors import Problem
from lingdang.http.entry import REFUSED, all_methods, problem_reply
from lingdang.http.problems import from_decode_error, in_other_words

_log = structlog.get_logger(__name__)

_CAPITAL = re.compile(r"_([a-z])")
_NO_BODY = "'data'"
"""What Litestar says of a request that has none where one is needed."""

_BY_STATUS = {401: "unauthenticated", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, msgspec.MsgspecError):
        return from_decode_error(error)
    if isinstance(error, SerializationException | ValidationException):
        return _from_validation(error)
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        code = _BY_STATUS[error.status_code]
        return Problem(code, limit="its limit of") if code == "body_too_large" else Problem(code, headers=_allow(error))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return Problem("invalid_request", errors=[{"path": "$", "message": error.detail}])
    return Problem("internal_error")


def _allow(error: HTTPException) -> dict[str, str]:
    """The methods that a 405 must name."""
    allowed = (error.headers or {}).get("allow")
    return {"Allow": all_methods(allowed)} if allowed else {}


def _from_validation(error: SerializationException | ValidationException) -> Problem:
    extra = getattr(error, "extra", None)
    if isinstance(extra, list) and extra:
        places = [{"path": _path(e), "message": _message(e)} for e in extra if isinstance(e, Mapping)]
        return Problem("invalid_request", errors=places)
    cause = error.__cause__
    if isinstance(cause, msgspec.MsgspecError):
        return from_decode_error(cause)
    return Problem("invalid_request", errors=[{"path": "$", "message": "The body is not valid JSON"}])


def _path(place: Mapping[str, Any]) -> str:
    """Where it is, as it is called on the wire."""
    key = re.sub(r"^data\.?", "", str(place.get("key", "")))
    return f"$.{_CAPITAL.sub(lambda found: found[1].upper(), key)}" if key else "$"


def _message(place: Mapping[str, Any]) -> str:
    message = str(place.get("message", ""))
    return "Expected a JSON body" if message == _NO_BODY else in_other_words(message)


def _client_left(error: Exception) -> bool:
    """Whether it was the client that broke off; Litestar has no class of its own for that."""
    return isinstance(error, InternalServerException) and "client disconnected" in error.detail


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem = _as_problem(error)
    request_id = str(request.scope.get("request_id", ""))
    if problem.code == "internal_error" and not _client_left(error):
        _log.error("request_failed", request_id=request_id, path=request.url.path, exc_info=error)
    request.scope[REFUSED] = problem  # type: ignore[literal-required]
    reply = problem_reply(problem, request_id, dict(request.scope["headers"]))
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, status_code=reply.status, headers=headers, media_type=headers.get("content-type"))


EXCEPTION_HANDLERS: dict[Any, Any] = {Exception: _answer, HTTPException: _answer, Problem: _answer}
