"""The parts of top-ups, for tests that move them by hand."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from support.till import Till, till_of


@pytest.fixture
async def till(database_url: str, keyring: Keyring) -> AsyncIterator[Till]:
    """A shop with the sandbox, which gives money back for 14 days."""
    async with till_of(database_url, keyring, cash_refunds="days:14") as opened:
        yield opened
