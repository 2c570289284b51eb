"""GET of the shop's pages and files. They are all known at the start: no path of a request touches the disk."""

from typing import Any

import msgspec
from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from lingdang.errors import Problem
from lingdang.settings import SignType
from lingdang.web.assets import SDK, STATIC, Asset, asset, load

PAGES = (
    "/",
    "/cart",
    "/order/{_:str}",
    "/result/{_:str}",
    "/library",
    "/read/{_:str}",
    "/orders",
    "/orders/{_:str}",
    "/wallet",
    "/login",
    "/lab",
)
"""Addresses within the shop, all answered with its one document."""

_FILES = ["/static/{path:path}", "/sdk/{path:path}"]
_READING = [HttpMethod.GET, HttpMethod.HEAD]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


def routes(sign_types: tuple[SignType, ...], demo: bool, refund_days: int) -> list[HTTPRouteHandler]:
    """The pages. What they have to know of the deployment is in /static/config.json."""
    files = {f"static/{path}": found for path, found in load(STATIC).items()}
    files |= {f"sdk/{path}": found for path, found in load(SDK).items()}
    document = files["static/index.html"]
    config = msgspec.json.encode({"demo": demo, "signTypes": sign_types, "refundDays": refund_days})
    files["static/config.json"] = asset("application/json", config)

    @route(list(PAGES), http_method=_READING, include_in_schema=False, sync_to_thread=False)
    def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _answer(request, document)

    @route(_FILES, http_method=_READING, include_in_schema=False, sync_to_thread=False)
    def file(request: Request[Any, Any, Any]) -> Response[bytes]:
        found = files.get(request.url.path.removeprefix("/"))
        if found is None:
            raise Problem("not_found")
        return _answer(request, found)

    return [page, file]


def _answer(request: Request[Any, Any, Any], found: Asset) -> Response[bytes]:
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    form = found.gzipped if compressed else found.plain
    headers = HEADERS | {"ETag": form.etag} | ({"Content-Encoding": "gzip"} if compressed else {})
    if form.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(form.body, media_type=found.media_type, headers=headers)
