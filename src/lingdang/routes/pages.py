"""The shop's pages and files. They are all known at the start: no path of a request touches the disk.

Where the catalogue is public, the page of a product says in its head what search engines and previews read of it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from lingdang.catalog.reading import ProductReader
from lingdang.catalog.strangers import Strangers
from lingdang.errors import Problem
from lingdang.http.reply import Header, Headers, Reply
from lingdang.http.route import ANYONE, AnyRoute, AnyServed, Asked, Route
from lingdang.ids import ID_PATTERN
from lingdang.owner import NOBODY
from lingdang.settings import SignType
from lingdang.web.assets import SDK, STATIC, TYPES, Asset, asset, load, made
from lingdang.web.head import Headed

PAGES = (
    "/",
    "/cart",
    "/order/{_}",
    "/result/{_}",
    "/library",
    "/read/{_}",
    "/orders",
    "/orders/{_}",
    "/wallet",
    "/topup",
    "/topup/{_}",
    "/login",
    "/lab",
)
"""Addresses within the shop, all answered with its one document."""

_IS_ID = re.compile(ID_PATTERN).match

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


class OfPage(msgspec.Struct, frozen=True, rename="camel"):
    """Which product, by whatever stands in the address."""

    product_id: str


class Public(NamedTuple):
    """Where the catalogue is public: who reads products, the turns of strangers, and the shop's origin or ""."""

    reader: ProductReader
    turns: Strangers
    site: str


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
PRODUCT = Route(
    method="GET",
    name="getProductPage",
    path="/products/{product_id}",
    who=ANYONE,
    summary="The page of a product",
    tag="pages",
    params=OfPage,
    answer=str,
    media_type="text/html",
    documented=False,
)
FILES = {folder: _file(folder) for folder in ("static", "sdk")}


def routes(
    sign_types: tuple[SignType, ...], demo: bool, refund_days: int, public: Public | None, *, topups: bool
) -> list[AnyServed]:
    """The pages. What they have to know of the deployment is in /static/config.json.

    `topups` is whether there is an account at which bells can be bought.
    """
    files = {f"static/{path}": found for path, found in load(STATIC).items()}
    files |= {f"sdk/{path}": found for path, found in load(SDK).items()}
    document = files["static/index.html"]
    config = {
        "demo": demo,
        "signTypes": sign_types,
        "refundDays": refund_days,
        "publicCatalogue": public is not None,
        "topups": topups,
    }
    files["static/config.json"] = asset("application/json", msgspec.json.encode(config))

    async def page(asked: Asked[None]) -> Reply:
        return _reply(asked.headers, document)

    async def product_page(asked: Asked[None, OfPage]) -> Reply:
        return _reply(asked.headers, document)

    def file_of(folder: str) -> AnyServed:
        async def file(asked: Asked[None, OfFile]) -> Reply:
            found = files.get(folder + asked.params.path)
            if found is None:
                raise Problem("not_found")
            return _reply(asked.headers, found)

        return FILES[folder].by(file)

    product = PRODUCT.by(product_page if public is None else _headed(document, public))
    return [*(each.by(page) for each in DOCUMENTS), product, *map(file_of, FILES)]


def _headed(document: Asset, public: Public) -> Callable[[Asked[None, OfPage]], Awaitable[Reply]]:
    """What answers the page of a product with a head of its own; 404 where there is none.

    Where strangers' turns are all taken, the page comes without: it asks for the product by itself.
    """
    headed, unknown = Headed(document.plain.body.decode()), nowhere()

    async def page(asked: Asked[None, OfPage]) -> Reply:
        product_id = asked.params.product_id
        if not _IS_ID(product_id):
            return unknown(asked.headers)
        try:
            async with public.turns.turn():
                product = await public.reader.read(NOBODY, product_id)
        except Problem as problem:
            return unknown(asked.headers) if problem.code == "not_found" else _reply(asked.headers, document)
        return _reply(asked.headers, made(document.media_type, headed.of(product, public.site)))

    return page


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
