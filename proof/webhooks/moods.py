"""What receivers do that are not well."""

import asyncio
import random
from collections.abc import Mapping

from proof.webhooks.receiver import Answer, Delivery, accept, reply

SLOW_SECONDS = 0.3
HANGING_SECONDS = 20.0
"""Longer than a sender waits."""


async def fail(_: Delivery) -> bytes:
    """Says that it is broken."""
    return reply(500, b"<html>Internal Server Error</html>")


async def hang(_: Delivery) -> bytes | None:
    """Says nothing for longer than anybody waits."""
    await asyncio.sleep(HANGING_SECONDS)
    return None


async def mumble(_: Delivery) -> bytes:
    """Says what is no HTTP."""
    return b"\x00\xff\x13 not a status line\r\n\r\n"


async def answer_slowly(_: Delivery) -> bytes:
    """Accepts, but takes its time."""
    await asyncio.sleep(SLOW_SECONDS)
    return reply(204)


async def vanish(_: Delivery) -> None:
    """Ends the connection without a word."""
    return


def lead_to(url: str) -> Answer:
    """Redirects to another receiver."""

    async def answer(_: Delivery) -> bytes:
        return reply(307, b"", f"Location: {url}")

    return answer


def picky(chance: random.Random, share: float) -> Answer:
    """Refuses so large a share of what comes, each time by chance."""

    async def answer(_: Delivery) -> bytes:
        return reply(503, b"later") if chance.random() < share else reply(204)

    return answer


def moods(elsewhere: str) -> Mapping[str, Answer]:
    """All of them, by name; between two of them a receiver is well."""
    return {
        "fails": fail,
        "hangs": hang,
        "redirects": lead_to(elsewhere),
        "answers garbage": mumble,
        "answers slowly": answer_slowly,
        "vanishes": vanish,
        "is well": accept,
    }
