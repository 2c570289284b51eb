"""Reading a request's body from its connection, up to a limit."""

from litestar.types import Receive

from lingdang.errors import Problem
from lingdang.http.reply import Headers


class ClientGone(Exception):  # noqa: N818 - it is the client that is gone
    """The client went away before its request was complete."""


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Problem `body_too_large` above `limit` bytes, or ClientGone."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared[:20]) > limit:
        raise _too_large(limit)
    message = await receive()
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message["body"])  # type: ignore[typeddict-item]
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> Problem:
    """What is left of the body is not read, and so nothing that comes after it."""
    return Problem("body_too_large", headers={"Connection": "close"}, limit=limit)
