"""The usual way to a handler: through Litestar, which finds the route."""

import re
from typing import Any

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from lingdang.http.bound import Bound
from lingdang.http.problems import wire_name
from lingdang.http.reading import read_body
from lingdang.http.reply import Reply

_PART = re.compile(r"\{(\w+)\}")


def framework_route(bound: Bound, max_body_bytes: int) -> HTTPRouteHandler:
    """The route as Litestar takes it."""
    names = {name: wire_name(name) for name in _PART.findall(bound.path)}

    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        headers = dict(request.scope["headers"])
        raw = await read_body(headers, request.receive, max_body_bytes) if bound.reads_body else b""
        texts = {names.get(name, name): str(value) for name, value in request.path_params.items()}
        client = request.client.host if request.client else "unknown"
        asked = bound.asked(headers, raw, texts, client, request.scope["query_string"])
        return response_of(bound.reply(await bound.handle(asked)), bound.route.media_type)

    path = _PART.sub(r"{\1:str}", bound.path)
    # The status is the answer's own; this one only keeps Litestar from guessing that a DELETE has no body.
    return HTTPRouteHandler(path, http_method=HttpMethod(bound.method), status_code=200, include_in_schema=False)(
        answer
    )


def response_of(reply: Reply, media_type: str = "application/json") -> Response[bytes]:
    """The answer as Litestar takes it; `media_type` is that of an answer that names none."""
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    media_type = headers.pop("content-type", media_type)
    return Response(reply.body, status_code=reply.status, headers=headers, media_type=media_type)
