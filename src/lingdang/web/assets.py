"""The files of the shop front, read once: each with its type, and in two forms."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
STATIC = HERE / "static"
SDK = HERE / "sdk"
"""The JavaScript SDK's sources: in a checkout a link to them, in a wheel a copy."""

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""What is served, by its suffix; nothing else is. Texts are UTF-8."""


class Form(msgspec.Struct, frozen=True):
    """The bytes of one form of a file, and the strong ETag of just these."""

    etag: str
    body: bytes


class Asset(msgspec.Struct, frozen=True):
    """One file: as it is, and compressed."""

    media_type: str
    plain: Form
    gzipped: Form


@cache
def asset(media_type: str, body: bytes) -> Asset:
    """A file from its bytes. It is remembered."""
    return made(media_type, body)


def made(media_type: str, body: bytes) -> Asset:
    """What is like a file, and made for one request."""
    return Asset(media_type, _form(body), _form(gzip.compress(body, 9, mtime=0)))


def _form(body: bytes) -> Form:
    return Form(f'"{hashlib.sha256(body).hexdigest()[:32]}"', body)


def load(root: Path) -> dict[str, Asset]:
    """Every file below a directory by its path relative to it, `/` between the parts."""
    return {
        path.relative_to(root).as_posix(): asset(TYPES[path.suffix], path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.suffix in TYPES and path.is_file()
    }
