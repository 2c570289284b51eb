"""Who stays when there is no room: who is under way before who is idle, customers before strangers.

A worker has so many seats for connections, counted from their acceptance, and so much memory for what they have sent in
part or not yet taken. A stranger is whoever has not been answered as a customer on this connection.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import structlog

DOOR = 16
"""Newcomers above the limit that are told so, each in a request's answer, instead of being cut off."""
HELD_BYTES = 64 * 2**20
"""Of all connections of a worker: parts of large bodies, and answers that their readers do not take."""

_LOOKED_AT = 64
"""Connections looked at for one that may go, so that finding it costs a newcomer little."""
_TELL_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class Guest(Protocol):
    """A connection, as far as its seat is concerned."""

    turned_away: bool

    def is_idle(self) -> bool:
        """Whether nothing that it asked for is being worked on."""

    def rests(self) -> bool:
        """Whether it is a customer's and has rested for some seconds."""

    def abort(self) -> None:
        """Cut it off, whatever it does."""


class Seats:
    """The seats of one worker. The order of strangers begins with the one that was active least recently."""

    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._monotonic = monotonic
        self._strangers: OrderedDict[Guest, None] = OrderedDict()
        self._customers: OrderedDict[Guest, None] = OrderedDict()
        self._door: OrderedDict[Guest, None] = OrderedDict()
        self._held: OrderedDict[Guest, int] = OrderedDict()
        self._held_bytes = 0
        self._told = -_TELL_SECONDS

    def counts(self) -> dict[str, int]:
        """How many guests there are of each sort."""
        return {
            "strangers": len(self._strangers),
            "customers": len(self._customers),
            "turned_away": len(self._door),
        }

    def take(self, guest: Guest) -> None:
        """Seat a newcomer, if need be in the place of somebody idle; else it is turned away at its request."""
        if len(self._strangers) + len(self._customers) < self.limit or self.shed():
            self._strangers[guest] = None
            return
        guest.turned_away = True
        if len(self._door) >= DOOR:
            self._door.popitem(last=False)[0].abort()
        self._door[guest] = None

    def shed(self) -> bool:
        """Cut off an idle stranger, or else a customer at rest. False when all are under way."""
        victim = _first(self._strangers, lambda guest: guest.is_idle()) or _first(
            self._customers, lambda guest: guest.rests()
        )
        self._tell(victim is not None)
        if victim is None:
            return False
        self.leave(victim)
        victim.abort()
        return True

    def know(self, guest: Guest) -> None:
        """A stranger proved to be a customer."""
        if guest in self._strangers:
            del self._strangers[guest]
            self._customers[guest] = None

    def touch(self, guest: Guest) -> None:
        """A stranger was answered."""
        if guest in self._strangers:
            self._strangers.move_to_end(guest)

    def leave(self, guest: Guest) -> None:
        """It is gone. May be said more than once."""
        for guests in (self._strangers, self._customers, self._door):
            guests.pop(guest, None)
        self.release(guest)

    def hold(self, guest: Guest, size: int) -> None:
        """So many bytes are kept for it. When it is too much in all, those that were kept for longest are cut off."""
        self._held_bytes += size - self._held.get(guest, 0)
        self._held[guest] = size
        while self._held_bytes > HELD_BYTES:
            victim, freed = self._held.popitem(last=False)
            self._held_bytes -= freed
            victim.abort()

    def release(self, guest: Guest) -> None:
        """Nothing more is kept for it."""
        self._held_bytes -= self._held.pop(guest, 0)

    def _tell(self, found: bool) -> None:
        now = self._monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _log.warning(
                "connections_full", limit=self.limit, newcomers="seated" if found else "refused", **self.counts()
            )


def _first(guests: OrderedDict[Guest, None], may_go: Callable[[Guest], bool]) -> Guest | None:
    """The first that may go; those before it were active after all, and go to the end."""
    for _ in range(min(len(guests), _LOOKED_AT)):
        guest = next(iter(guests))
        if may_go(guest):
            return guest
        guests.move_to_end(guest)
    return None
