"""An answer in ASGI's messages: long bodies in pieces, and for HEAD none."""

from typing import Any

import pytest

from lingdang.http.reply import Reply
from lingdang.http.sending import PIECE, send_in_pieces, send_reply, without_body


class Wire:
    """What was sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def bodies(self) -> list[tuple[int, bool]]:
        """The length of each part, and whether more is to come."""
        parts = [message for message in self.messages if message["type"] == "http.response.body"]
        return [(len(part["body"]), part["more_body"]) for part in parts]


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, [(0, False)]),
        (PIECE, [(PIECE, False)]),
        (PIECE + 1, [(PIECE, True), (1, False)]),
        (2 * PIECE, [(PIECE, True), (PIECE, False)]),
    ],
)
async def test_a_long_body_is_sent_in_pieces(size: int, parts: list[tuple[int, bool]]) -> None:
    wire = Wire()
    await send_reply(wire.send, Reply(b"x" * size, 201, ((b"x-a", b"b"),)))
    assert wire.messages[0] == {"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"b")]}
    assert wire.bodies == parts


async def test_a_part_that_is_not_the_last_has_no_last_piece() -> None:
    wire = Wire()
    long: Any = {"type": "http.response.body", "body": b"x" * (PIECE + 1), "more_body": True}
    await send_in_pieces(wire.send, long)
    assert wire.bodies == [(PIECE, True), (1, True)]


async def test_head_is_answered_with_everything_but_the_body() -> None:
    wire = Wire()
    await send_reply(without_body(wire.send), Reply(b"x" * (PIECE + 1), 200, ((b"content-length", b"65537"),)))
    assert wire.messages[0]["headers"] == [(b"content-length", b"65537")]
    assert wire.bodies == [(0, False)]
