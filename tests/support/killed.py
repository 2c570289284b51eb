"""A process that carries out the inbox and is killed at a point: `python -m support.killed URL KEYRING POINT`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.keys import Keyring
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox, Place
from support.money import open_settlement


async def carry_out(url: str, keyring: Path, point: str) -> None:
    """Carry out what waits; at the point the process is gone as one is whose machine lost its power."""

    def reached(where: str) -> None:
        if where == point:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Pool(url, 2, pgbouncer=False) as pool, open_settlement(url) as settlement:
        kept = Inbox(pool, Keyring(keyring))
        following = Following(pool, settlement, kept, system_clock, 1, reached=reached)
        async with pool.connection() as connection:
            rows = await (await connection.execute("SELECT account, entry FROM topup_waiting")).fetchall()
        for account, entry in rows:
            await following.carry_out(Place(account, entry))


if __name__ == "__main__":
    asyncio.run(carry_out(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
