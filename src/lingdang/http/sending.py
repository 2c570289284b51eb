"""Speaking an answer in ASGI's messages."""

from litestar.types import Message, Send

from lingdang.http.reply import Reply

PIECE = 64 * 1024
"""Long answers are written in pieces of so many bytes, each when the one before has been taken."""


async def send_reply(send: Send, reply: Reply) -> None:
    """Speak an answer in ASGI's messages."""
    headers = [*reply.headers, *reply.shared.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send_in_pieces(send, {"type": "http.response.body", "body": reply.body, "more_body": False})


async def send_in_pieces(send: Send, message: Message) -> None:
    """A long body by parts: the server waits between two until its client has taken enough."""
    body: bytes = message.get("body", b"")  # type: ignore[assignment]
    if len(body) <= PIECE:
        await send(message)
        return
    more = bool(message.get("more_body"))
    for start in range(0, len(body), PIECE):
        end = start + PIECE
        part = {"type": "http.response.body", "body": body[start:end], "more_body": more or end < len(body)}
        await send(part)  # type: ignore[arg-type]


def without_body(send: Send) -> Send:
    """For HEAD: everything that a GET would be answered but for the body."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body":
            if not message.get("more_body"):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send(message)

    return sent
