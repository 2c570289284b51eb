"""What each provider's part is to the rest, and a notification on its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from proof.standin.faults import Break, Wrong
from proof.standin.web import Answer, Request


@dataclass(frozen=True)
class Message:
    """A notification, signed. `url` is where it goes; None: nobody was told where."""

    provider: str
    url: str | None
    headers: Mapping[str, str]
    body: bytes
    accepted: bytes | None = None
    """The body of an answer that ends it, where one is asked for; else every 2xx does."""


class Desk(Protocol):
    """A provider. `number` is the shop's number of a payment, in lower-case hex digits."""

    name: str
    breaks: tuple[Break, ...]
    """The ways in which its notifications can be forged."""

    def answer(self, request: Request) -> Answer | None:
        """Its API."""

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        """Somebody pays, what was asked for or something else."""

    def give_back(self, number: str, amount: int) -> Message:
        """The merchant gives money back at the provider's own pages, in minor units."""

    def broken(self, message: Message, how: Break) -> Message:
        """The message as a forger would send it."""
