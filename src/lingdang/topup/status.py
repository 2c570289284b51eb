"""In which state a top-up is. It follows from amounts; nothing else is asked. Pure."""

from typing import Literal, get_args

import msgspec

Status = Literal["pending", "paid", "expired", "failed", "partly_refunded", "refunded", "disputed", "lost", "review"]
STATUSES: tuple[Status, ...] = get_args(Status)
Closed = Literal["expired", "failed"]
Decided = Literal["accepted", "returned"]


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """What the state follows from: money in minor units, why it is in review, and how that was decided."""

    received: int = 0
    refunded: int = 0
    disputed: int = 0
    lost: int = 0
    closed: Closed | None = None
    differs: bool = False
    decided: Decided | None = None


def status_of(amounts: Amounts) -> Status:
    """The state. Money that came late makes `expired` and `failed` `paid`; a dispute that is won leads back."""
    if not amounts.received:
        return "review" if amounts.differs and amounts.decided is None else amounts.closed or "pending"
    if _in_review(amounts):
        return "review"
    if amounts.disputed:
        return "disputed"
    if amounts.lost:
        return "lost"
    if amounts.refunded:
        return "refunded" if amounts.refunded >= amounts.received else "partly_refunded"
    return "paid"


def _in_review(amounts: Amounts) -> bool:
    """Until it was accepted, or all of the money went back: it was decided so, or somebody did it at the provider."""
    if not amounts.differs or amounts.decided == "accepted":
        return False
    return amounts.refunded + amounts.lost < amounts.received
