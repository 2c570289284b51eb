"""What the demo sells for money, which is paid at the sandbox: no real money moves."""

from datetime import datetime

import msgspec

from lingdang.db.pool import Connection
from lingdang.topup.packages import Package, put_package

_PACKAGES: dict[str, Package] = msgspec.convert(
    {
        "pouch": {"name": "一小袋 · A pouch", "paid": 600, "price": {"amount": 600, "currency": "CNY"}},
        "sack": {
            "name": "一大袋 · A sack",
            "paid": 3000,
            "bonus": 300,
            "bonusExpiresAfterDays": 90,
            "price": {"amount": 3000, "currency": "CNY"},
        },
        "exact": {
            "name": "1 铃铛 1 分 · 1 fen a bell",
            "perBell": {"amount": 1, "currency": "CNY"},
            "least": 1,
            "most": 100_000,
        },
    },
    dict[str, Package],
)


async def sell_demo_packages(connection: Connection, now: datetime) -> None:
    """Put them on sale, in the caller's transaction."""
    for package_id, package in _PACKAGES.items():
        await put_package(connection, package_id, package, now)
