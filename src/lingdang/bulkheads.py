"""Bulkheads: a worker's connections are parted by purpose, so that no purpose can take those of another.

A flood of searches fills the searches' share; access checks, sign-ins and all others go on with theirs.
"""

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from typing import Final

import msgspec

from lingdang.db.pool import Pool
from lingdang.watch import Watch


class Limits(msgspec.Struct, frozen=True):
    """Of a share, besides its connections: how many calls wait, for how long, and how long one statement may run."""

    waiting: int
    wait_seconds: float
    statement_seconds: float


LIMITS: Final = {
    "customers": Limits(waiting=1000, wait_seconds=5.0, statement_seconds=5.0),
    "access": Limits(waiting=1000, wait_seconds=5.0, statement_seconds=2.0),
    "sign_in": Limits(waiting=500, wait_seconds=5.0, statement_seconds=5.0),
    "search": Limits(waiting=100, wait_seconds=2.0, statement_seconds=3.0),
    "operators": Limits(waiting=300, wait_seconds=5.0, statement_seconds=10.0),
    "reports": Limits(waiting=50, wait_seconds=5.0, statement_seconds=10.0),
    "background": Limits(waiting=50, wait_seconds=10.0, statement_seconds=14.0),
}
"""By purpose. All end before the connection is taken for broken (lingdang.db.pool)."""

_MORE: Final = ("customers", "access", "sign_in", "search", "background", *6 * ("customers",), "operators", "reports")
"""Who is given one more connection, in turns, once each purpose has one."""

LEAST: Final = len(LIMITS)
"""So many connections a pool has at least: one for each purpose."""


def shares(connections: int) -> dict[str, int]:
    """How many of so many connections, LEAST or more, each purpose has."""
    assert connections >= LEAST, "each purpose has a connection"
    sizes = dict.fromkeys(LIMITS, 1)
    for purpose in islice(cycle(_MORE), connections - LEAST):
        sizes[purpose] += 1
    return sizes


def purpose_pool(purpose: str, url: str, size: int, pgbouncer: bool) -> Pool:
    """A pool of so many connections for one purpose of LIMITS, not yet open."""
    limits = LIMITS[purpose]
    return Pool(
        url,
        size,
        pgbouncer,
        name=purpose,
        waiting=limits.waiting,
        wait_seconds=limits.wait_seconds,
        statement_seconds=limits.statement_seconds,
    )


def show_pool(pool: Pool, watch: Watch) -> None:
    """Have a pool's present state read for the metrics."""
    for metric, state in _OF_POOLS.items():
        watch.gauge(metric, pool.name, partial(_of_pool, pool, state))


_OF_POOLS: Final = {
    "lingdang_pool_size": "pool_size",
    "lingdang_pool_available": "pool_available",
    "lingdang_pool_waiting": "requests_waiting",
}


def _of_pool(pool: Pool, state: str) -> int:
    return pool.get_stats().get(state, 0)


def connections_of_worker(pool_size: int, buckets: int) -> int:
    """The most connections that one worker has: its pools', one for each lane, and the probe's.

    The settlement and the checkouts have a lane for each bucket, ticks and price reads one.
    """
    return pool_size + 2 * buckets + 2 + 1


BACKGROUND_CONNECTIONS: Final = 4
"""Of a `lingdang worker`, beside its lanes and its probe."""


def connections_apart(buckets: int) -> int:
    """The most connections that one `lingdang worker` has: its pool's, a lane for each bucket, and the probe's."""
    return BACKGROUND_CONNECTIONS + buckets + 1


class Bulkheads:
    """One worker's pools, not yet open: together `connections` connections."""

    def __init__(self, url: str, connections: int, pgbouncer: bool) -> None:
        sizes = shares(connections)

        def share(purpose: str) -> Pool:
            return purpose_pool(purpose, url, sizes[purpose], pgbouncer)

        self.customers = share("customers")
        """What customers ask about what is theirs."""
        self.access = share("access")
        """Whether a customer may read a product: proxies ask for each page."""
        self.sign_in = share("sign_in")
        self.search = share("search")
        """The catalogue's lists, whose cost the caller's words decide."""
        self.operators = share("operators")
        self.reports = share("reports")
        """Statements of account, and whatever else reads much at a time."""
        self.background = share("background")
        """The background tasks (lingdang.background)."""

    def __iter__(self) -> Iterator[Pool]:
        yield from (self.customers, self.access, self.sign_in, self.search, self.operators, self.reports)
        yield self.background
