"""A receiver that listens, and what delivers to it."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from proof.webhooks.receiver import Receiver, receiving
from support.hooks import Platform, platform_of
from support.turns import Endpoint, endpoint_of


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def endpoint(database_url: str, keyring: Keyring, receiver: Receiver) -> AsyncIterator[Endpoint]:
    """One whose courier a test moves by hand."""
    async with endpoint_of(database_url, keyring, receiver) as opened:
        yield opened


@pytest.fixture
async def platform(database_url: str, keyring: Keyring, receiver: Receiver) -> AsyncIterator[Platform]:
    """A served shop that delivers by itself."""
    async with platform_of(database_url, keyring, receiver) as opened:
        yield opened
