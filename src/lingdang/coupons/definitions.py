"""Coupons as the operators keep them: definition, supply, state and figures."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from psycopg.errors import UniqueViolation

from lingdang.coupons.model import Definition
from lingdang.coupons.spelling import normal_code
from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem, invalid_field
from lingdang.moments import checked
from lingdang.paging import Page, Window, page

Status = Literal["active", "paused", "withdrawn"]

_FREE = frozenset({"name", "validFrom", "validUntil", "validDays"})
"""Members of a definition that may still change when vouchers are in hand."""

_CREATE = """
INSERT INTO coupon (coupon_id, definition, status, code, total_limit, per_customer, valid_from, valid_until, valid_days,
                    created_at, updated_at)
VALUES (%b, %b::text::jsonb, %b, %b, %b, %b, %b, %b, %b, %b, %b)
ON CONFLICT (coupon_id) DO NOTHING
"""
_FIND = "SELECT definition, claimed FROM coupon WHERE coupon_id = %b FOR UPDATE"
_REPLACE = """
UPDATE coupon
   SET definition = %b::text::jsonb, status = %b, code = %b, total_limit = %b, per_customer = %b, valid_from = %b,
       valid_until = %b, valid_days = %b, updated_at = %b
 WHERE coupon_id = %b
"""
_COLUMNS = "coupon_id, definition, status, code, total_limit, per_customer, claimed, created_at, updated_at"
_LIST = f"SELECT {_COLUMNS} FROM coupon WHERE coupon_id > %b ORDER BY coupon_id LIMIT %b"  # noqa: S608 - constant
_ONE = f"""
SELECT {_COLUMNS}, v.used, v.saved FROM coupon c, LATERAL (
       SELECT count(v.used_by) AS used, least(coalesce(sum(v.saved), 0), 9007199254740991)::bigint AS saved
         FROM voucher v WHERE v.coupon_id = c.coupon_id) v
 WHERE c.coupon_id = %b
"""  # noqa: S608 - constant

_PUBLIC = re.compile(r"[A-Z0-9._-]{3,64}")

Limit = Annotated[int, Meta(ge=1, le=10**12)]


class CouponInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A coupon as it shall be: what it does, how many there are and whether they are to be had.

    `paused`: it can neither be claimed nor put into new offers; offers made before can still be paid. `withdrawn`:
    from now on no payment may use it. Without `total_limit` there is no end to it.
    """

    definition: Definition
    code: Annotated[str, Meta(max_length=256, description="3 to 64 of A-Z 0-9 . _ -, in either case.")] | None = None
    total_limit: Limit | None = None
    per_customer: Annotated[int, Meta(ge=1, le=100)] = 1
    status: Status = "active"


class CouponView(msgspec.Struct, frozen=True, rename="camel"):
    """A coupon as it is; `claimed` counts the vouchers handed out."""

    coupon_id: str
    definition: dict[str, Any]
    status: str
    code: str | None
    total_limit: int | None
    per_customer: int
    claimed: int
    created_at: datetime
    updated_at: datetime


class CouponFigures(CouponView, frozen=True, rename="camel"):
    """A coupon with what became of it: vouchers used, bells that they saved (counted up to 2^53 − 1)."""

    used: int
    saved: int


async def put_coupon(connection: Connection, coupon_id: str, given: CouponInput, now: datetime) -> bool:
    """Create a coupon (True) or replace it. Raises Problem `invalid_request`.

    A voucher in a customer's hand is a promise: from the first claim on only the name, the supply, the validity of
    later claims and the status may change; what it saves and on what may not.
    """
    checked("definition.valid_from", given.definition.valid_from)
    checked("definition.valid_until", given.definition.valid_until)
    values = _values(given)
    try:
        # Creating comes first: what two operators both look for and do not find, both would write.
        if (await connection.execute(_CREATE, (coupon_id, *values, now, now))).rowcount:
            return True
        row = await (await connection.execute(_FIND, (coupon_id,), binary=True)).fetchone()
        assert row is not None, "a coupon is never deleted"
        definition, claimed = row
        if claimed > 0:
            _refuse_change(definition, given, claimed)
        await connection.execute(_REPLACE, (*values, now, coupon_id))
    except UniqueViolation:
        raise invalid_field("code", "Another coupon has this code") from None
    return False


def _refuse_change(stored: dict[str, Any], given: CouponInput, claimed: int) -> None:
    if given.total_limit is not None and given.total_limit < claimed:
        raise invalid_field("total_limit", f"{claimed} are claimed already")
    if _promise(stored) != _promise(msgspec.to_builtins(given.definition)):
        raise invalid_field("definition", "Fixed since the first claim: only name and validity may change")


def _promise(definition: dict[str, Any]) -> dict[str, Any]:
    """What a voucher in hand stands for."""
    return {name: value for name, value in definition.items() if name not in _FREE}


def _values(given: CouponInput) -> tuple[Any, ...]:
    """The columns that an operator sets, in the statements' order."""
    definition = given.definition
    return (
        msgspec.json.encode(definition).decode(),
        given.status,
        None if given.code is None else _public_code(given.code),
        given.total_limit,
        given.per_customer,
        definition.valid_from,
        definition.valid_until,
        definition.valid_days,
    )


def _public_code(code: str) -> str:
    normal = normal_code(code)
    if not _PUBLIC.fullmatch(normal):
        raise invalid_field("code", "Expected 3 to 64 of A-Z, 0-9 and . _ -")
    return normal


async def get_coupon(connection: Connection, coupon_id: str) -> CouponFigures:
    """One coupon with its figures. Raises Problem `not_found`."""
    row = await (await connection.execute(_ONE, (coupon_id,), binary=True)).fetchone()
    if row is None:
        raise Problem("not_found")
    return CouponFigures(*row)


async def list_coupons(pool: Pool, window: Window) -> Page[CouponView]:
    """Every coupon, by its id."""
    rows = await fetch_all(pool, _LIST, (window.after or "", window.limit + 1))
    views = [CouponView(*row) for row in rows]
    return page(views, [view.coupon_id for view in views], window.limit)
