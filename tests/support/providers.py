"""What tests of providers share: an order, the stand-in that serves one of them, and how a refusal is named."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Forged, Notification, Order, Provider
from proof.standin.desk import Message
from proof.standin.web import Handler, serving

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()

    def go(self, **span: float) -> None:
        """Later, by what timedelta takes."""
        self.now += timedelta(**span)


def order(
    amount: int = 600,
    currency: str = "CNY",
    topup_id: UUID | None = None,
    return_url: str | None = "https://shop.example/",
) -> Order:
    """An order of one top-up."""
    return Order(
        topup_id=topup_id or uuid7(NOW),
        name="600 bells",
        price=Money(amount, currency),
        channel="web",
        expires_at=NOW + timedelta(minutes=30),
        notify_url="https://shop.example/v1/topups/notify/it",
        return_url=return_url,
        store_product="bells.600",
    )


@contextmanager
def served(name: str, handler: Handler) -> Iterator[str]:
    """The address below which the handler answers."""
    with serving({name: handler}) as address:
        yield f"{address}/{name}"


def told(provider: Provider, message: Message, now: datetime = NOW) -> Notification:
    """What the provider reads of a message."""
    return provider.read(message.headers, message.body, now)


def refused(provider: Provider, message: Message, now: datetime = NOW) -> str:
    """The reason for which a message is no notification, up to its details."""
    with pytest.raises(Forged) as forged:
        provider.read(message.headers, message.body, now)
    return forged.value.reason.partition(":")[0]


def changed(message: Message, **headers: str) -> Message:
    """The message with other headers, named with `_` for `-`."""
    renamed: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    return Message(message.provider, message.url, {**message.headers, **renamed}, message.body)
