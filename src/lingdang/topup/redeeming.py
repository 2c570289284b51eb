"""Redeeming a gift code: it becomes the customer's, then its bells are credited. A crash in between is healed."""

from datetime import datetime, timedelta

import structlog

from lingdang.clock import Clock
from lingdang.coupons.claiming import code_hash
from lingdang.coupons.reasons import Reason
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.ledger.redeeming import Redeem, Redeemed
from lingdang.ledger.settlement import Settlement
from lingdang.topup.gift_codes import read_code

AT_ONCE = 100
_HELD = timedelta(minutes=1)
"""Whoever redeems a code is given so long to credit it."""

_CLAIM = """
UPDATE gift_code SET customer = %b, claimed_at = coalesce(claimed_at, %b), due_at = %b
 WHERE code_hash = %b AND (customer = %b OR customer IS NULL AND (expires_at IS NULL OR expires_at > %b))
RETURNING campaign, currency, amount, expires_at
"""
# Who could not claim it, and has it all the same, came with another request of theirs, before its end by another clock.
_USED = "SELECT customer IS NOT NULL AND customer <> %b FROM gift_code WHERE code_hash = %b"
_DONE = "UPDATE gift_code SET redeemed_at = %b WHERE code_hash = %b AND redeemed_at IS NULL"
# One that fails pauses a minute longer each time, up to a quarter of a day: a wallet may be full for long.
_DUE = f"""
UPDATE gift_code SET tries = tries + 1, due_at = %b::timestamptz + least(tries + 1, 360) * interval '1 minute'
 WHERE code_hash IN (
    SELECT code_hash FROM gift_code
     WHERE claimed_at IS NOT NULL AND redeemed_at IS NULL AND coalesce(due_at, claimed_at) <= %b
     ORDER BY coalesce(due_at, claimed_at) LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
) RETURNING code_hash, customer, campaign, currency, amount, expires_at
"""  # noqa: S608 - a constant

_log = structlog.get_logger(__name__)


class Redeeming:
    """Redeems gift codes."""

    def __init__(self, pool: Pool, settlement: Settlement, clock: Clock) -> None:
        self._pool = pool
        self._settlement = settlement
        self._clock = clock

    async def redeem(self, customer: int, text: str) -> tuple[Redeemed, bool]:
        """Credit the bells of a code, or answer as when that was done (True: a replay).

        Raises Problem `gift_code_unusable` with the reason by code: `mistyped`, `unknown_code`, `code_used` or
        `expired`; `wallet_full` or `overloaded`.
        """
        code = read_code(text)
        if code is None:
            raise _unusable(text, "mistyped")
        hashed, now = code_hash(code), self._clock()
        rows = await fetch_all(self._pool, _CLAIM, (customer, now, now + _HELD, hashed, customer, now))
        if not rows:
            raise _unusable(text, await self._reason(hashed, customer))
        return await self._credit(hashed, customer, *rows[0])

    async def run(self) -> bool:
        """Credit what was claimed and is not credited; whether there was as much as is done at once."""
        now = self._clock()
        rows = await fetch_all(self._pool, _DUE, (now, now))
        for row in rows:
            await self._try(*row)
        return len(rows) == AT_ONCE

    async def _try(
        self, hashed: bytes, customer: int, campaign: str, currency: str, amount: int, expires_at: datetime | None
    ) -> None:
        try:
            await self._credit(hashed, customer, campaign, currency, amount, expires_at)
        except Problem as problem:
            _log.warning("gift_postponed", code_hash=hashed.hex()[:8], code=problem.code)

    async def _credit(
        self, hashed: bytes, customer: int, campaign: str, currency: str, amount: int, expires_at: datetime | None
    ) -> tuple[Redeemed, bool]:
        command = Redeem(
            customer=customer,
            gift_id=hashed.hex(),
            campaign=campaign,
            currency=currency,
            amount=amount,
            expires_at=expires_at,
        )
        done = await self._settlement.submit(command)
        assert isinstance(done.record, Redeemed), "a gift is answered with its record"
        try:
            await fetch_all(self._pool, _DONE, (self._clock(), hashed))
        except Problem as problem:  # the bells are there, and that is told; the healer does the rest
            _log.warning("gift_postponed", code_hash=hashed.hex()[:8], code=problem.code)
        return done.record, done.replayed

    async def _reason(self, hashed: bytes, customer: int) -> str:
        for (used,) in await fetch_all(self._pool, _USED, (customer, hashed)):
            return "code_used" if used else "expired"
        return "unknown_code"


def _unusable(text: str, reason: str) -> Problem:
    said = Reason(reason).explained()
    if reason == "expired":
        said |= {"en": "This code has expired.", "zh": "该礼品码已过期。"}
    return Problem("gift_code_unusable", reasons={text: said})
