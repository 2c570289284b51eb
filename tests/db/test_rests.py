"""Upkeep rests after each batch, and for longer while the worker settles much."""

import pytest

from lingdang.db import rests
from lingdang.db.rests import BUSY_SHARE, RESTS, Rests


async def test_a_busy_worker_rests_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    rested: list[float] = []
    share = 0.0
    settled = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal settled
        rested.append(seconds)
        settled += share * seconds

    monkeypatch.setattr(rests.asyncio, "sleep", sleep)
    healer = Rests(lambda: settled)
    for share in (0.0, BUSY_SHARE + 0.1, BUSY_SHARE + 0.1, 0.0, 0.0):  # noqa: B007 - sleep reads it
        await healer.after(0.5)
    idle, busy = (0.5 * times for times in RESTS)
    assert rested == [idle, idle, busy, busy, idle]
