"""Two workers that never talk to each other, on one database; and the books are right after every test."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from support.shop import Shop, open_shop
from support.vouchers import differences

Workers = tuple[Shop, Shop]


@pytest.fixture
async def workers(database_url: str, keyring: Keyring) -> AsyncIterator[Workers]:
    """Two served shops on one database, reconciled when the test is over."""
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        yield one, two
        assert differences(one) == []
