"""Limits on connections that uvicorn does not have: the size of a request's head, and slow senders (Slowloris)."""

import asyncio
import time
from typing import Any

from uvicorn.server import ServerState

from lingdang.serving.direct import DirectProtocol

MAX_HEAD_BYTES = 32 * 1024
"""The request line and all headers together; what arrives in one read may be larger by that read's size."""

_SWEEP_SECONDS = 1.0
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class LimitedProtocol(DirectProtocol):
    """A connection that is closed when a request's head grows too large."""

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or (before is not None and not before.response_complete):
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()


async def close_slow_senders(state: ServerState, seconds: float) -> None:
    """Close each connection that has been sending one request, head or body, for longer than `seconds`.

    One look at all connections a second costs the requests nothing; a timer in each would.
    """
    since: dict[int, tuple[object, float]] = {}
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = time.monotonic()
        sending = {id(protocol): protocol for protocol in state.connections if _is_sending(protocol)}
        known = since
        since = {}
        for key, protocol in sending.items():
            stage = getattr(protocol, "cycle", None)
            earlier = known.get(key)
            began = earlier[1] if earlier is not None and earlier[0] is stage else now
            since[key] = (stage, began)
            if now - began > seconds:
                protocol.transport.close()


def _is_sending(protocol: Any) -> bool:
    """Whether the client owes the rest of a request; a connection at rest between two has a timer of its own."""
    cycle = protocol.cycle
    if cycle is None or cycle.response_complete:
        return protocol.timeout_keep_alive_task is None
    return bool(cycle.more_body)
