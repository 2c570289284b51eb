"""Limits on connections: the size of a request's head, slow senders (Slowloris), and rest between two requests."""

import asyncio
import math
import time
from typing import Any, Literal, NamedTuple

from uvicorn.server import ServerState

from lingdang.serving.direct import DirectProtocol

MAX_HEAD_BYTES = 32 * 1024
"""The request line and all headers together; what arrives in one read may be larger by that read's size."""

_SWEEP_SECONDS = 1.0
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class LimitedProtocol(DirectProtocol):
    """A connection that is closed when a request's head grows too large."""

    head_bytes = 0
    """Of the request whose head has begun to arrive."""

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or (before is not None and not before.response_complete):
            self.head_bytes = 0
            return
        self.head_bytes += len(data)
        if self.head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()


class Stage(NamedTuple):
    """What a connection does about its last request. Another request is another stage."""

    request: object
    doing: Literal["sending", "waiting", "resting"]


async def close_overdue(state: ServerState, *, sending: float, resting: float) -> None:
    """Close each connection that sends one request, head or body, or rests between two, for more than so many seconds.

    One look at all connections a second costs the requests nothing; a timer in each would.
    """
    limits = {"sending": sending, "waiting": math.inf, "resting": resting}
    since: dict[int, tuple[Stage, float]] = {}
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = time.monotonic()
        known, since = since, {}
        for protocol in list(state.connections):
            stage = _stage(protocol)
            earlier = known.get(id(protocol))
            began = earlier[1] if earlier is not None and earlier[0] == stage else now
            since[id(protocol)] = (stage, began)
            if now - began > limits[stage.doing]:
                protocol.transport.close()


def _stage(protocol: Any) -> Stage:
    """Who has connected and not sent anything is sending, as is who owes the rest of a request."""
    cycle = protocol.cycle
    if cycle is not None and not cycle.response_complete:
        return Stage(cycle, "sending" if cycle.more_body else "waiting")
    return Stage(cycle, "sending" if cycle is None or protocol.head_bytes else "resting")
