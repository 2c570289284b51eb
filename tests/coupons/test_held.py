"""A customer's vouchers: what state each is in at a moment, and all of them page by page."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from lingdang.clock import system_clock
from lingdang.coupons.held import _state, list_held
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.paging import Window
from support.customers import owner_of
from support.shop import Shop
from support.vouchers import hold, put_coupon

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("status", "ends", "used", "state"),
    [
        ("active", LATER, False, "unused"),
        ("active", NOW, False, "expired"),
        ("paused", LATER, False, "paused"),
        ("paused", NOW, False, "expired"),
        ("withdrawn", NOW, False, "withdrawn"),
        ("withdrawn", NOW, True, "used"),
        ("active", LATER, True, "used"),
    ],
)
def test_what_ended_it_first_is_its_state(status: str, ends: datetime, used: bool, state: str) -> None:
    assert _state(status, ends, uuid4() if used else None, NOW) == state


async def test_pages_are_newest_first_and_of_their_customer(shop: Shop) -> None:
    put_coupon(shop, "ten", each=9)
    made = [hold(shop, "ann", "ten") for _ in range(5)]
    hold(shop, "bob", "ten")
    seen: list[str] = []
    async with Pool(shop.database_url, 1, pgbouncer=False) as pool:
        window = Window(2, None)
        while True:
            page = await list_held(pool, owner_of("ann"), window, system_clock())
            seen += [str(voucher.voucher_id) for voucher in page.items]
            if page.next_cursor is None:
                break
            window = Window(2, seen[-1])
        assert seen == made[::-1]
        with pytest.raises(Problem) as refused:
            await list_held(pool, owner_of("ann"), Window(2, "no-uuid"), system_clock())
    assert refused.value.code == "invalid_request"
