"""Passwords: argon2id, away from the event loop, and at the same price whether there is one or not."""

import asyncio
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Annotated, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Meta

from lingdang.errors import retry_later

NewPassword = Annotated[str, Meta(min_length=8, max_length=256, description="8 to 256 characters.")]
GivenPassword = Annotated[str, Meta(max_length=256, description="As the customer typed it.")]

# OWASP's password storage cheat sheet: 19 MiB, two passes, one lane. Some 20 ms.
MEMORY_KIB = 19 * 1024
PASSES = 2

THREADS = 2 if (os.cpu_count() or 1) >= 4 else 1
WAITING = 64
"""Of one process: how many are hashed at once, and how many more may wait: a second or two."""
NICE = 10
"""Those who sign in get a tenth of a core that those who pay need, and all that these leave."""

T = TypeVar("T")


class Verdict(msgspec.Struct, frozen=True):
    """Whether a password is right. `renewed` is set when its hash has older parameters and is to be replaced."""

    right: bool
    renewed: str | None = None


@cache
def _hash_of_nobodys(memory_kib: int, passes: int) -> str:
    """Made once in a process: of a password that nobody knows, for customers who have none."""
    return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1).hash(secrets.token_bytes(16))


class Passwords:
    """Hashes and verifies in a few threads; argon2 releases the interpreter's lock while it works."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES, waiting: int = WAITING) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._nobodys = _hash_of_nobodys(memory_kib, passes)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2", initializer=_step_back)
        self._room = threading.BoundedSemaphore(THREADS + waiting)

    async def hash(self, password: str) -> str:
        """A new hash. Raises Problem `overloaded` when too many wait."""
        return await self._run(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Compare with the stored hash; None takes as long and is never right. Raises Problem `overloaded`."""
        return await self._run(lambda: self._verify(_bytes(password), stored))

    def close(self) -> None:
        """Let go of the threads; what still waits is not run."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: bytes, stored: str | None) -> Verdict:
        try:
            self._hasher.verify(stored or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return Verdict(False)
        if stored is None:
            return Verdict(False)
        return Verdict(True, self._hasher.hash(password) if self._hasher.check_needs_rehash(stored) else None)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise retry_later("overloaded", 1, why="too many passwords wait to be looked at")
        # The room is given back when the work is done, even if nobody waits for it any more.
        running = self._threads.submit(work)
        running.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(running)


def _step_back() -> None:
    """Let this thread run behind all others. Only Linux knows a priority of a thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _bytes(password: str) -> bytes:
    """NFC, as RFC 8265 has it: the same letters from two keyboards are the same password."""
    return unicodedata.normalize("NFC", password).encode()
