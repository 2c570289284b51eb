"""Claiming: a shared and limited coupon becomes a customer's own voucher, before any payment."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.coupons.reasons import Reason
from lingdang.coupons.spelling import is_possible, normal_code, one_time
from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.ids import uuid7

_CLAIM = """
SELECT refusal, claimed_voucher, is_new
  FROM voucher_claim(%b::smallint, %b::bigint, %b::timestamptz, %b::uuid, %b::text, %b::bytea, %b::text, %b::boolean)
"""
_IN_HAND = """
SELECT v.voucher_id FROM coupon c
  JOIN voucher v ON v.bucket = %b AND v.customer = %b AND v.coupon_id = c.coupon_id
 WHERE c.code = %b AND v.used_by IS NULL AND (v.expires_at IS NULL OR v.expires_at > %b)
 ORDER BY v.expires_at, v.voucher_id LIMIT 1
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashint8extended(%b::bigint, 2))"
"""The customer's lock, as voucher_claim takes it."""


Code = Annotated[str, Meta(max_length=256, description="A public or a one-time code, as people type it.")]


class Claimed(msgspec.Struct, frozen=True):
    """A voucher in the customer's hand; `is_new`: this claim put it there."""

    voucher_id: UUID
    is_new: bool


def code_hash(code: str) -> bytes:
    """How a one-time code is kept. It holds 80 random bits and more, so a plain hash cannot be searched for it."""
    return hashlib.sha256(code.encode()).digest()


async def claim(connection: Connection, bucket: int, customer: int, code: str, now: datetime) -> Claimed:
    """Claim one voucher with a public or a one-time code, in the caller's transaction.

    A one-time code that the customer has claimed before answers the voucher it gave. Raises Problem
    `voucher_unusable` with the reason by code: `unknown_code`, `code_used`, `sold_out`, `limit_reached`,
    `not_started`, `expired`, `paused` or `withdrawn`.
    """
    normal = normal_code(code)
    possible = is_possible(normal)
    answer = await _call(connection, bucket, customer, now, code=normal) if possible else ("unknown_code", None)
    refusal, claimed = answer
    if claimed is None:
        raise Problem("voucher_unusable", voucherIds=[], reasons={code: Reason(refusal or "sold_out").explained()})
    return claimed


async def in_hand_or_claimed(
    connection: Connection, bucket: int, customer: int, code: str, now: datetime, before_claim: Callable[[], None]
) -> UUID:
    """The customer's unused voucher of this code; claimed only when there is none. Raises as `claim`, `before_claim`.

    So a checkout that is repeated, also at the same moment, takes no second one.
    """
    await connection.execute(_LOCK, (customer,))
    normal = normal_code(code)
    if is_possible(normal):
        rows = await connection.execute(_IN_HAND, (bucket, customer, normal, now))
        row = await rows.fetchone()
        if row is not None:
            held: UUID = row[0]
            return held
    before_claim()
    return (await claim(connection, bucket, customer, code, now)).voucher_id


async def grant(
    connection: Connection, bucket: int, customer: int, coupon_id: str, now: datetime
) -> tuple[str | None, Claimed | None]:
    """Give a customer a voucher unless they hold or held one. Answers the reason if there is none left to give."""
    return await _call(connection, bucket, customer, now, coupon_id=coupon_id)


async def _call(
    connection: Connection,
    bucket: int,
    customer: int,
    now: datetime,
    *,
    code: str | None = None,
    coupon_id: str | None = None,
) -> tuple[str | None, Claimed | None]:
    hashed = None if code is None else code_hash(one_time(code))
    parameters = (bucket, customer, now, uuid7(), code, hashed, coupon_id, coupon_id is not None)
    row = await (await connection.execute(_CLAIM, parameters, binary=True)).fetchone()
    assert row is not None, "a claim has one answer"
    refusal, voucher_id, is_new = row
    return refusal, None if refusal is not None else Claimed(voucher_id, is_new)
