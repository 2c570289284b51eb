"""Large bodies are looked at one in a turn of the event loop: others' requests come between."""

import asyncio
from typing import Any

import pytest

from lingdang.http.entry import LARGE, Entry
from lingdang.http.reply import Reply
from lingdang.http.route import Asked, Nothing
from support.routes import short_route


@pytest.mark.parametrize("size", [LARGE, LARGE + 1], ids=["not large", "large"])
async def test_small_requests_come_between_large_ones(size: int) -> None:
    seen: list[int] = []

    async def handle(asked: Asked[None, Nothing, dict[str, str]]) -> Reply:
        seen.append(len(asked.body["text"]))
        return Reply(b"{}")

    async def nothing(*_: Any) -> None: ...

    route = short_route("/here", handle)
    entry = Entry(nothing, [route], max_body_bytes=10**6, observe=lambda *_: None)
    around = len(b'{"text":""}')

    def sent(length: int) -> "asyncio.Task[Reply]":
        body = b'{"text":"%b"}' % (b"x" * (length - around))
        return asyncio.create_task(entry.answer(route, {}, {}, body, ""))

    tasks = [sent(size) for _ in range(5)] + [sent(100) for _ in range(5)]
    assert {reply.status for reply in await asyncio.gather(*tasks)} == {200}
    small, large = 100 - around, size - around
    if size > LARGE:
        assert seen == [large] + [small] * 5 + [large] * 4
    else:
        assert seen == [large] * 5 + [small] * 5
