"""What all lanes have that gather their calls into batches on one connection."""

from typing import Any

from lingdang.db.gather import Gather
from lingdang.db.lane import Lane


class Gathered:
    """A lane and what waits for it. Whoever is one sets both."""

    _lane: Lane
    _gather: Gather[Any, Any]

    def __len__(self) -> int:
        """How many calls wait."""
        return len(self._gather)

    def open(self) -> None:
        """Start running batches, on the running event loop."""
        self._gather.open()

    async def close(self) -> None:
        """Refuse new calls, answer the accepted ones, and close the connection."""
        await self._gather.close()
        await self._lane.close()
