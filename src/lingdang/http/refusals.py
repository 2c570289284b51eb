"""Refusals for who somebody is or what they hold, told to the log of whoever watches over the shop."""

import re
import time
from collections.abc import Callable, Mapping

import structlog

from lingdang.errors import Problem

CODES = frozenset(
    {
        "unauthenticated",
        "cust_mismatch",
        "scope_missing",
        "not_entitled",
        "sign_invalid",
        "timestamp_skew",
        "token_invalid",
        "rate_limited",
        "identity_unavailable",
    }
)
LINES_A_SECOND = 20
"""Of one worker: a flood of bad tokens must not become a flood of lines."""

_KEY_ID = re.compile(rb"(?i:bearer) ld_([0-9a-f]{16})_")
_LONGEST_ID = 128

_log = structlog.get_logger(__name__)


class Refusals:
    """The events `access_refused`, and `access_refused_untold` with how many were left out."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._second = 0
        self._told = 0
        self._untold = 0

    def note(
        self,
        problem: Problem,
        route: str,
        request_id: str,
        headers: Mapping[bytes, bytes],
        client: str | None = None,
    ) -> None:
        """Log a refusal with its reason, if its code is one of `CODES`.

        Who is named is who the request says it is from; nothing of that was proved.
        """
        if problem.code not in CODES or not self._has_room():
            return
        claimed = problem.customer or headers.get(b"x-cust-id", b"").decode("latin-1")[:_LONGEST_ID] or None
        key = _KEY_ID.match(headers.get(b"authorization", b""))
        said = {"customer": claimed, "key_id": key and key[1].decode(), "client": client, "reason": problem.why}
        known = {name: value for name, value in said.items() if value}
        _log.warning("access_refused", code=problem.code, route=route, request_id=request_id, **known)

    def _has_room(self) -> bool:
        second = int(self._monotonic())
        if second != self._second:
            if self._untold:
                _log.warning("access_refused_untold", count=self._untold)
            self._second, self._told, self._untold = second, 0, 0
        if self._told < LINES_A_SECOND:
            self._told += 1
            return True
        self._untold += 1
        return False
