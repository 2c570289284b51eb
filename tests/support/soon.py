"""Having a shop tell of bells that will lapse soon."""

from lingdang.clock import Clock, system_clock
from lingdang.db.pool import Pool
from lingdang.events.expiring_soon import ExpiringSoon


async def tell_soon(database_url: str, clock: Clock = system_clock, days: int = 366, buckets: int = 1) -> int:
    """How many notices a worker that has just started writes."""
    async with Pool(database_url, 2, False) as pool:
        healer = ExpiringSoon(pool, buckets, days, clock)
        assert not await healer.run(), "it ended with no work left"
        return healer.told
