"""The six steps of a purchase, told to whoever wants to show them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lingdang_client.effects import Request, Response

TITLES = {
    1: "tick in the cart",
    2: "check out: the composite call",
    3: "the offer's details and order token, kept by the client",
    4: "confirm: the signed payment",
    5: "settle: the bells are taken",
    6: "the entitlement and its receipt",
}


@dataclass(frozen=True)
class Step:
    """One step as it happened. What it holds may be secret: repr() shows none of it.

    Step 4 has `signed`, the string that was signed, and its `signature`; it is told anew for every sending.
    """

    number: int
    request: Request
    answer: Response | None = None
    signed: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        return TITLES[self.number]


OnStep = Callable[[Step], None]
"""Told of each step as it happens. What it raises ends the operation."""


def unheard(_: Step) -> None:
    """Tells nobody."""
