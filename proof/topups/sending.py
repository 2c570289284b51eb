"""Notifications on their way to the shop: in parallel, again until they are answered."""

import asyncio
from collections.abc import Sequence

import httpx
import msgspec

from proof.standin.desk import Message

ABREAST = 8
PAUSE = 0.2
TRIES = 300


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what it is. `refused`: with which verdict the inbox keeps one that nobody may accept."""

    message: Message
    refused: str | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: whether the shop took it, or that it never said."""

    sent: Sent
    taken: bool | None


async def send_all(url: str, every: Sequence[Sent], pause: float) -> list[Answered]:
    """Send them in this order, several at a time, each after so many seconds."""
    turns = asyncio.Semaphore(ABREAST)

    async def one(http: httpx.AsyncClient, sent: Sent) -> Answered:
        async with turns:
            await asyncio.sleep(pause)
            return Answered(sent=sent, taken=await _taken(http, sent.message))

    # No connection is kept, so that each may meet another worker.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=15, trust_env=False, limits=limits) as http:
        return await asyncio.gather(*(one(http, sent) for sent in every))


async def _taken(http: httpx.AsyncClient, message: Message) -> bool | None:
    """Whether it was accepted; None when the shop was away for too long."""
    for _ in range(TRIES):
        try:
            answer = await http.post(
                f"/v1/topups/notify/{message.provider}", content=message.body, headers=dict(message.headers)
            )
        except httpx.TransportError:
            await asyncio.sleep(PAUSE)
            continue
        if answer.status_code in (429, 503):
            await asyncio.sleep(PAUSE)
            continue
        return answer.is_success and message.accepted in (None, answer.content)
    return None
