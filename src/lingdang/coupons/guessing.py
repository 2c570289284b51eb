"""How often a customer may send a code that is none, by any route: wrong codes are limited like wrong passwords."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from lingdang.clock import Clock
from lingdang.coupons.claiming import code_hash
from lingdang.coupons.spelling import normal_code
from lingdang.db.pool import Pool
from lingdang.errors import Problem, retry_later
from lingdang.identity.failures import Failures, Limit
from lingdang.identity.turns import Turns
from lingdang.pacing import Pacing

WAITING = 32
"""Requests with a code of one customer that may wait in one worker while another one is looked at."""

_WRONG = frozenset({"unknown_code", "code_used"})
"""Why a code is refused that was guessed. Any other reason tells of a right one."""

_log = structlog.get_logger(__name__)

RequireLeft = Callable[[], None]
"""Raises Problem `rate_limited` when the customer has sent too many wrong codes."""


class CodeLimits:
    """At most `wrong` wrong codes of a customer within `window_seconds`. Right codes never count."""

    def __init__(self, pool: Pool, clock: Clock, wrong: int, window_seconds: int, pacing: Pacing) -> None:
        self._clock = clock
        self._failures = Failures(pool, window_seconds)
        self._wrong = wrong
        self._pacing = pacing
        self._turns = Turns(1, WAITING)

    @asynccontextmanager
    async def attempt(self, cust_id: str, code: str) -> AsyncIterator[RequireLeft]:
        """One request with a code, in its customer's turn; a failure when the block raises that the code is none.

        The block calls what it is given before it looks for a code that the customer does not hold.
        Raises Problem `overloaded` when too many are under way.
        """
        limit = Limit(f"code {cust_id}", self._wrong)
        try:
            async with self._turns.turn(limit.subject):
                wait = (await self._failures.waits([limit], self._clock())).get(limit.subject, 0)
                try:
                    yield lambda: self._require_left(wait)
                except Problem as problem:
                    await self._note(limit, cust_id, code, problem)
                    raise
        except Problem as problem:
            if problem.code in ("rate_limited", "overloaded"):
                await self._pacing.hold()
            raise

    def _require_left(self, wait: int) -> None:
        if wait:
            raise retry_later("rate_limited", wait, why=f"{self._wrong} wrong codes of the customer")

    async def _note(self, limit: Limit, cust_id: str, code: str, problem: Problem) -> None:
        """Count and log a wrong code; of the code itself only as much as tells two of them apart."""
        reasons = {reason["code"] for reason in problem.members.get("reasons", {}).values()}
        for reason in sorted(reasons & _WRONG):
            await self._failures.add([limit], self._clock())
            _log.warning(
                "code_refused", customer=cust_id, reason=reason, code_hash=code_hash(normal_code(code)).hex()[:8]
            )
