"""Definitions of coupons that one worker remembers: they are large, at times, and hardly ever change."""

import asyncio
from collections.abc import Mapping

import msgspec

from lingdang.coupons.model import Definition
from lingdang.db.flush import ask, numbered
from lingdang.db.pool import Connection

MOST_NAMES = 500_000
"""Products and labels that are remembered in all, some 60 MB."""

_AT_ONCE = 8
"""Definitions that are read together; each may be as long as a request's body."""

_SQL = numbered("""
SELECT coalesce(json_agg(json_build_array(c.coupon_id, c.fingerprint, c.definition)), '[]')
  FROM coupon c WHERE c.coupon_id = ANY (%b::text[])
""")
_decode = msgspec.json.Decoder(list[tuple[str, int, msgspec.Raw]]).decode
_decode_definition = msgspec.json.Decoder(Definition).decode

Fingerprints = Mapping[str, int]
"""By couponId: equal ones mean equal definitions."""


class Definitions:
    """Remembers definitions by coupon and fingerprint."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Definition]] = {}
        self._names = 0

    async def of(self, connection: Connection, wanted: Fingerprints) -> dict[str, Definition]:
        """The definitions of these coupons; those that are not remembered are read. Others come between."""
        known = self._known
        found = {name: known[name][1] for name, mark in wanted.items() if name in known and known[name][0] == mark}
        unknown = [name for name in wanted if name not in found]
        for start in range(0, len(unknown), _AT_ONCE):
            for name, mark, raw in _decode(await ask(connection, (_SQL, (unknown[start : start + _AT_ONCE],)))):
                found[name] = _decode_definition(raw)
                self._learn(name, mark, found[name])
                await asyncio.sleep(0)
        return found

    def _learn(self, name: str, mark: int, definition: Definition) -> None:
        names = _names(definition)
        if self._names + names > MOST_NAMES:
            self._known.clear()
            self._names = 0
        self._known[name] = (mark, definition)
        self._names += names


def _names(definition: Definition) -> int:
    conditions = definition.conditions
    sets = (conditions.products, conditions.excluded_products, conditions.publishers, conditions.categories)
    return 20 + sum([len(names) for names in sets if names is not None])
