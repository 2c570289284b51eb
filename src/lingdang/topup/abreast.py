"""Several pieces of one account's work at a time. No account waits for another one."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

ABREAST = 2
"""So much of one account's work a healer has under way: the account's other threads are for whoever asks now."""

T = TypeVar("T")


async def abreast(works: Iterable[Awaitable[T]]) -> list[T]:
    """What each work answers, in their sequence. All are ended before what the first of them raised is raised."""
    done = await asyncio.gather(*works, return_exceptions=True)
    answers: list[T] = []
    for each in done:
        if isinstance(each, BaseException):
            raise each
        answers.append(each)
    return answers
