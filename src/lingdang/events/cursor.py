"""The feed's cursor: how far each bucket was read, and whether a restore has been heard of since. Opaque to clients."""

import re
from typing import NamedTuple

from lingdang.paging import foreign_cursor, from_cursor, to_cursor

_FORM = re.compile(r"([0-9a-f]{8}) ([0-9]{1,19}) ([0-9]{1,5})((?: [0-9]{1,19}\.[0-9]{1,8})+)", re.ASCII)
_LONGEST = 16_000
"""Of a shop with some hundred buckets."""
_BEYOND = 2**63


class Spot(NamedTuple):
    """How far a bucket was read: up to this position, and of what stands there up to this rank; 0: to its end."""

    position: int
    rank: int = 0


class Cursor(NamedTuple):
    """How far all buckets were read. `reset` is the number of the newest reset that is known, `turn` who is next."""

    spots: tuple[Spot, ...]
    reset: int = 0
    turn: int = 0

    def moved(self, bucket: int, spot: Spot) -> "Cursor":
        """The same with a bucket read on."""
        return self._replace(spots=(*self.spots[:bucket], spot, *self.spots[bucket + 1 :]))

    def to_text(self, shop: str) -> str:
        """As a client gets it, with the name of the shop that it is of."""
        spots = " ".join(f"{spot.position}.{spot.rank}" for spot in self.spots)
        return to_cursor(f"{shop} {self.reset} {self.turn} {spots}")


def read_cursor(text: str, shop: str, buckets: int) -> Cursor:
    """What a client sent back. Raises Problem `invalid_request` for what was not given by this shop."""
    found = _FORM.fullmatch(from_cursor(text, "after", _LONGEST))
    if found is None or found[1] != shop:
        raise foreign_cursor("after")
    spots = tuple(Spot(*map(int, spot.split("."))) for spot in found[4].split())
    cursor = Cursor(spots, int(found[2]), int(found[3]))
    if len(spots) != buckets or cursor.turn >= buckets or any(spot.position >= _BEYOND for spot in spots):
        raise foreign_cursor("after")
    return cursor
