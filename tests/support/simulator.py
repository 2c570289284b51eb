"""A simulation's workers for tests."""

from dataclasses import dataclass

from lingdang.db.pool import Connection
from proof.simulation.run import Verdict, run_seed
from proof.simulation.workers import Fleet


@dataclass
class Simulator:
    """Runs seeds on one database."""

    fleet: Fleet
    connection: Connection

    async def run(self, seed: int, run: str = "") -> Verdict:
        """Simulate and audit one seed; `run` tells its several runs apart."""
        return await run_seed(seed, self.fleet, self.connection, run)
