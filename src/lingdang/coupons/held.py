"""The vouchers of one customer."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection, Pool
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, foreign_cursor, page

_COLUMNS = """
SELECT v.voucher_id, c.coupon_id, c.definition, c.status, v.claimed_at, v.expires_at, v.used_by
  FROM voucher v JOIN coupon c ON c.coupon_id = v.coupon_id
 WHERE v.bucket = %b AND v.customer = %b
"""
_LIST = f"{_COLUMNS} AND v.voucher_id < %b::uuid ORDER BY v.voucher_id DESC LIMIT %b"
_ONE = f"{_COLUMNS} AND v.voucher_id = %b::uuid"

_NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class HeldVoucher(msgspec.Struct, frozen=True, rename="camel"):
    """A voucher in the customer's hand, which a checkout's `voucherIds` name by its `voucher_id`.

    `state`: `unused`, `used` (by `order_id`), `expired`, `paused` or `withdrawn`.
    """

    voucher_id: UUID
    coupon_id: str
    name: str
    kind: str
    state: str
    claimed_at: datetime
    expires_at: datetime
    order_id: UUID | None
    definition: dict[str, Any]


async def list_held(pool: Pool, owner: Owner, window: Window, now: datetime) -> Page[HeldVoucher]:
    """The customer's vouchers, used ones too, newest first."""
    try:
        before = UUID(window.after or _NEWEST)
    except ValueError:
        raise foreign_cursor() from None
    rows = await fetch_as(pool, owner, _LIST, (owner.bucket, owner.customer, before, window.limit + 1))
    views = [_view(row, now) for row in rows]
    return page(views, [str(view.voucher_id) for view in views], window.limit)


async def get_held(connection: Connection, owner: Owner, voucher_id: UUID, now: datetime) -> HeldVoucher:
    """One voucher that the customer holds."""
    cursor = await connection.execute(_ONE, (owner.bucket, owner.customer, voucher_id), binary=True)
    row = await cursor.fetchone()
    assert row is not None, "the caller has seen the voucher in this transaction"
    return _view(row, now)


def _view(row: tuple[Any, ...], now: datetime) -> HeldVoucher:
    voucher_id, coupon_id, definition, status, claimed_at, expires_at, used_by = row
    return HeldVoucher(
        voucher_id,
        coupon_id,
        definition["name"],
        definition["effect"]["kind"],
        _state(status, expires_at, used_by, now),
        claimed_at,
        expires_at,
        used_by,
        definition,
    )


def _state(status: str, expires_at: datetime, used_by: UUID | None, now: datetime) -> str:
    if used_by is not None:
        return "used"
    if status == "withdrawn":
        return "withdrawn"
    if expires_at <= now:
        return "expired"
    return "paused" if status == "paused" else "unused"
