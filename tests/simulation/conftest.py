"""A fleet of workers on a database of the test's own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from lingdang.keys import Keyring
from proof.simulation.workers import Fleet
from support.simulator import Simulator


@pytest.fixture
async def simulator(database_url: str, keyring: Keyring) -> AsyncIterator[Simulator]:
    async with (
        await AsyncConnection[Any].connect(database_url, autocommit=True) as connection,
        Fleet(database_url, keyring) as fleet,
    ):
        yield Simulator(fleet, connection)
