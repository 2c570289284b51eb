"""GET /v1/read/{productId}: the text of a book, for whoever owns it.

A platform keeps its texts where it likes and asks `/v1/access`; here is the smallest form of that: a folder of
`<productId>.txt`, in UTF-8, UTF-16, GB18030 or Windows-1252, with or without a byte order mark, and where there is
none, what the catalogue knows of the book and a word on where it came from.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import structlog
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler

from lingdang.catalog.encodings import EncodingError, decoded
from lingdang.catalog.reading import ProductReader
from lingdang.clock import Clock
from lingdang.errors import Problem
from lingdang.http.strict import checked_id
from lingdang.identity.sessions import Sessions
from lingdang.ids import ProductId
from lingdang.library.entitlements import Rights


class Text(msgspec.Struct, frozen=True, rename="camel"):
    """A book to be read: plain text, paragraphs separated by an empty line."""

    product_id: str
    title: str
    text: str


_log = structlog.get_logger(__name__)

_SAMPLE = """\
第一章 · Chapter One

这里是样张：平台自己的正文会出现在这里。它经过了与 /v1/access 相同的权利检查，没有购买的人看不到这一页。

This is a sample: the platform's own text stands here. It came through the same check as /v1/access, and nobody who \
has not bought the book sees this page.

铃铛响过，书页翻开。The bell has rung, and the page is turned."""


def routes(
    sessions: Sessions, rights: Rights, products: ProductReader, clock: Clock, texts: Path | None
) -> list[HTTPRouteHandler]:
    """The reader's route. `texts` is the folder with the books' texts."""

    @get("/v1/read/{product_id:str}", summary="The text of a product that the customer owns", tags=["library"])
    async def read(request: Request[Any, Any, Any], product_id: ProductId) -> Text:
        checked_id(product_id, "productId")
        headers = request.headers
        owner = sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), clock()).owner
        if await rights.use(owner, product_id, clock()) is None:
            raise Problem("not_entitled", productId=product_id)
        product = await products.read(owner, product_id)
        text = await asyncio.to_thread(_text_of, texts, product_id)
        return Text(product_id, product.title, text or f"{product.intro}\n\n{_SAMPLE}".strip())

    return [read]


def _text_of(texts: Path | None, product_id: str) -> str | None:
    """A productId has no `/`, so the file is in the folder itself."""
    if texts is None:
        return None
    path = texts / f"{product_id}.txt"
    try:
        text = decoded(path.read_bytes())
    except FileNotFoundError:
        return None
    except EncodingError as error:
        _log.error("text_unreadable", file=str(path), reason=str(error))
        raise Problem("internal_error", reason="The text of this book is in no encoding that can be read.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
