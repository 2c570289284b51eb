"""The text of a book, for whoever owns it.

A platform keeps its texts where it likes and asks `/v1/access`; here is the smallest form of that: a folder of
`<productId>.txt`, in UTF-8, UTF-16, GB18030 or Windows-1252, with or without a byte order mark, and where there is
none, what the catalogue knows of the book and a word on where it came from.
"""

import asyncio
from pathlib import Path

import msgspec
import structlog

from lingdang.catalog.encodings import EncodingError, decoded
from lingdang.catalog.products import ProductView
from lingdang.errors import Problem


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


class Texts(msgspec.Struct, frozen=True):
    """The folder with the books' texts; None: each book has a sample."""

    folder: Path | None

    async def read(self, product: ProductView) -> Text:
        """The book's text. Raises Problem `internal_error` where it cannot be read."""
        text = await asyncio.to_thread(_text_of, self.folder, product.product_id)
        return Text(product.product_id, product.title, text or f"{product.intro}\n\n{_SAMPLE}".strip())


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
