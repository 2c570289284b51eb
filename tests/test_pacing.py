"""The first refusals of a second are answered at once, the others late."""

import asyncio

import pytest

from lingdang.pacing import Pacing


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; none is made."""
    asked: list[float] = []

    async def note(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return asked


async def test_refusals_beyond_the_first_of_a_second_are_answered_later(waits: list[float]) -> None:
    moment = 7.0
    pacing = Pacing(lambda: moment)
    for _ in range(Pacing.PROMPT):
        await pacing.hold()
    assert waits == []
    moment = 7.999
    await pacing.hold()
    await pacing.hold()
    assert waits == [Pacing.PAUSE_SECONDS] * 2
    moment = 8.0
    await pacing.hold()
    assert len(waits) == 2
