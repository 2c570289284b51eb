"""The auditor finds what is wrong with an adjustment: a true story, and lies about it."""

from collections.abc import Callable
from typing import Any

import pytest

from support.story import Story, cause_of


class Corrected(Story):
    """After the payment 64 bells are taken, and 5 given."""

    def __init__(self) -> None:
        super().__init__()
        self._adjust("a-1", 3, -64, 300)
        self._adjust("a-2", 4, 5, 305)
        self.row("wallet", balance=305, seq=4, remaining=[305])

    def _adjust(self, adjustment_id: str, seq: int, amount: int, balance: int) -> None:
        changes: dict[str, Any] = {"seq": seq, "position": 6 + seq, "amount": amount, "balance": balance}
        legs = {"accounts": ["wallet:bonus", "adjustment"], "amounts": [amount, -amount]}
        named = {"kind": "adjustment", "cause": cause_of(adjustment_id, "adjustment")}
        detail = {"adjustmentId": adjustment_id, "reason": "r"}
        self.tables["transfer"].append({**self.tables["transfer"][1], **changes, **legs, **named, "detail": detail})

    def booked(self, seq: int) -> dict[str, Any]:
        return self.tables["transfer"][seq - 1]


def test_the_true_story_breaks_no_promise() -> None:
    assert Corrected().broken() == set()


@pytest.mark.parametrize(
    ("lie", "promise"),
    [
        (
            lambda s: s.booked(3).update(accounts=["wallet:paid", "adjustment"]),
            "an adjustment is of the lots it may be of",
        ),
        (
            lambda s: s.booked(4).update(accounts=["wallet:paid", "adjustment"]),
            "an adjustment is of the lots it may be of",
        ),
        (lambda s: s.booked(3).update(accounts=["wallet:bonus", "breakage"]), "an adjustment has its account"),
        (lambda s: s.booked(4).update(cause=s.booked(3)["cause"]), "each cause has one row"),
        (lambda s: s.booked(4)["detail"].update(adjustmentId="a-3"), "a cause is what it names"),
        (lambda s: s.booked(3).update(kind="correction"), "transfers are of known kinds"),
    ],
)
def test_a_lie_is_found(lie: Callable[[Corrected], Any], promise: str) -> None:
    story = Corrected()
    lie(story)
    assert promise in story.broken()
