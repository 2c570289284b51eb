"""A process that carries out the inbox and is killed at a point: `python -m support.killed URL KEYRING POINT [DAY]`.

With a day it compares the sandbox's list of that day instead, as a healer does that is given it. Points are those of
Following, and `right`: one right of several has ended for bells that are owed.
"""

import asyncio
import os
import signal
import sys
from datetime import date
from pathlib import Path

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.keys import Keyring
from lingdang.library.refunds import Policy
from lingdang.settings import Settings
from lingdang.topup import days
from lingdang.topup.accounts import Account
from lingdang.topup.comparing import Comparing
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox, Place
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.revoking import Paid, Revoking
from lingdang.topup.rows import TopupRow
from support.money import open_settlement


def kill() -> None:
    """The process is gone as one is whose machine lost its power."""
    os.kill(os.getpid(), signal.SIGKILL)


class KilledRevoking(Revoking):
    """It ends one right."""

    async def _refund(self, topup: TopupRow, order: Paid, product_id: str, debt: int) -> int:
        await super()._refund(topup, order, product_id, debt)
        kill()
        raise AssertionError("it is gone")


async def carry_out(url: str, keyring: Path, point: str, day: str | None = None) -> None:
    """Carry out what waits, or compare a day, until the point."""

    def reached(where: str) -> None:
        if where == point:
            kill()

    async with Pool(url, 2, pgbouncer=False) as pool, open_settlement(url) as settlement:
        kept = Inbox(pool, Keyring(keyring))
        kind = KilledRevoking if point == "right" else Revoking
        revoking = kind(settlement, Policy.of(Settings()))
        following = Following(pool, settlement, kept, system_clock, 1, revoking=revoking, reached=reached)
        if day is not None:
            accounts = {"sandbox": Account("sandbox", Sandbox("sandbox", url, Keyring(keyring), ""))}
            await days.claim(pool, "sandbox", system_clock())
            await Comparing(pool, accounts, kept, following, system_clock).compare("sandbox", date.fromisoformat(day))
        async with pool.connection() as connection:
            rows = await (await connection.execute("SELECT account, entry FROM topup_waiting")).fetchall()
        for account, entry in rows:
            await following.carry_out(Place(account, entry))


if __name__ == "__main__":
    asyncio.run(carry_out(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
