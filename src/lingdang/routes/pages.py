"""The shop's pages and files. They are all known at the start: no path of a request touches the disk."""

from collections.abc import Callable

import msgspec

from lingdang.errors import Problem
from lingdang.http.reply import Header, Headers, Reply
from lingdang.http.route import ANYONE, AnyRoute, AnyServed, Asked, Route
from lingdang.settings import SignType
from lingdang.web.assets import SDK, STATIC, TYPES, Asset, asset, load

PAGES = (
    "/",
    "/products/{_}",
    "/cart",
    "/order/{_}",
    "/result/{_}",
    "/library",
    "/read/{_}",
    "/orders",
    "/orders/{_}",
    "/wallet",
    "/login",
    "/lab",
)
"""Addresses within the shop, all answered with its one document."""

_HEADERS: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        b"require-trusted-types-for 'script'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"Accept-Encoding"),
)


class OfFile(msgspec.Struct, frozen=True):
    """Which file, from `/` on."""

    path: str


def _page(path: str) -> AnyRoute:
    return Route(
        name="showPage",
        method="GET",
        path=path,
        who=ANYONE,
        summary="A page of the shop",
        tag="pages",
        answer=str,
        media_type="text/html",
        documented=False,
    )


def _file(folder: str) -> AnyRoute:
    return Route(
        name="getFile",
        method="GET",
        path=f"/{folder}/{{path:path}}",
        who=ANYONE,
        summary="A file of the pages",
        tag="pages",
        params=OfFile,
        answer=str,
        problems=("not_found",),
        documented=False,
    )


DOCUMENTS = [_page(path) for path in PAGES]
FILES = {folder: _file(folder) for folder in ("static", "sdk")}


def routes(sign_types: tuple[SignType, ...], demo: bool, refund_days: int) -> list[AnyServed]:
    """The pages. What they have to know of the deployment is in /static/config.json."""
    files = {f"static/{path}": found for path, found in load(STATIC).items()}
    files |= {f"sdk/{path}": found for path, found in load(SDK).items()}
    document = files["static/index.html"]
    config = msgspec.json.encode({"demo": demo, "signTypes": sign_types, "refundDays": refund_days})
    files["static/config.json"] = asset("application/json", config)

    async def page(asked: Asked[None]) -> Reply:
        return _reply(asked.headers, document)

    def file_of(folder: str) -> AnyServed:
        async def file(asked: Asked[None, OfFile]) -> Reply:
            found = files.get(folder + asked.params.path)
            if found is None:
                raise Problem("not_found")
            return _reply(asked.headers, found)

        return FILES[folder].by(file)

    return [*(each.by(page) for each in DOCUMENTS), *map(file_of, FILES)]


def nowhere() -> Callable[[Headers], Reply]:
    """What answers whoever asks for a page that there is not: the shop's document, which says so."""
    document = asset(TYPES[".html"], (STATIC / "index.html").read_bytes())

    def answer(headers: Headers) -> Reply:
        found = _reply({name: value for name, value in headers.items() if name != b"if-none-match"}, document)
        return Reply(found.body, 404, found.headers)

    return answer


def _reply(headers: Headers, found: Asset) -> Reply:
    compressed = b"gzip" in headers.get(b"accept-encoding", b"")
    form = found.gzipped if compressed else found.plain
    etag = form.etag.encode()
    said = (*_HEADERS, (b"etag", etag), *(((b"content-encoding", b"gzip"),) if compressed else ()))
    if etag in headers.get(b"if-none-match", b""):
        return Reply(b"", 304, said)
    return Reply(form.body, 200, (*said, (b"content-type", found.media_type.encode())))
