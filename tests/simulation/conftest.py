"""A fleet of workers on a database of the test's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import AsyncConnection

from lingdang.keys import Keyring
from simulation.run import Verdict, run_seed
from simulation.workers import Fleet


@dataclass
class Simulator:
    """Runs seeds."""

    fleet: Fleet
    connection: AsyncConnection[Any]

    async def run(self, seed: int, run: str = "") -> Verdict:
        return await run_seed(seed, self.fleet, self.connection, run)


@pytest.fixture
async def simulator(database_url: str, keyring: Keyring) -> AsyncIterator[Simulator]:
    async with (
        await AsyncConnection[Any].connect(database_url, autocommit=True) as connection,
        Fleet(database_url, keyring) as fleet,
    ):
        yield Simulator(fleet, connection)
