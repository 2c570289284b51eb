"""When a worker has time to seal, and how long it rests between two steps."""

from lingdang.journal.pace import (
    BUSY_SHARE,
    FEW,
    GLANCE_SECONDS,
    LAST_SECONDS,
    LOOK_SECONDS,
    MANY,
    PATIENCE_SECONDS,
    RESTS,
    Pace,
)


class Worker:
    """A worker's time, and how much of it went into settling."""

    def __init__(self) -> None:
        self.now = 0.0
        self.settled = 0.0
        self.pace = Pace(lambda: self.settled, lambda: self.now)

    def passes(self, seconds: float, share: float) -> None:
        self.now += seconds
        self.settled += share * seconds


def test_a_busy_worker_waits_and_then_rests() -> None:
    worker = Worker()
    assert worker.pace.allows(0)
    assert worker.pace.rest(0.5, 0) == 0
    assert worker.pace.most(0) == MANY
    worker.passes(5, BUSY_SHARE)
    assert not worker.pace.allows(PATIENCE_SECONDS)
    assert worker.pace.allows(PATIENCE_SECONDS + 1)
    assert worker.pace.rest(0.5, PATIENCE_SECONDS + 1) == 0.5 * RESTS
    assert worker.pace.most(PATIENCE_SECONDS + 1) == FEW
    assert worker.pace.rest(0.5, LAST_SECONDS) == 0
    assert worker.pace.most(LAST_SECONDS) == MANY


def test_a_worker_with_little_to_settle_has_time() -> None:
    worker = Worker()
    worker.passes(5, BUSY_SHARE / 2)
    assert worker.pace.allows(0)


def test_a_moment_between_two_batches_is_not_idleness() -> None:
    """Time is counted when a batch ends: a look that falls into one sees nothing settled."""
    worker = Worker()
    worker.passes(5, 1)
    assert not worker.pace.allows(0)
    for _ in range(7):
        worker.passes(LOOK_SECONDS / 8, 0)
        assert not worker.pace.allows(0)
    worker.passes(LOOK_SECONDS / 8, 10)
    assert not worker.pace.allows(0)
    worker.passes(LOOK_SECONDS, 0)
    assert worker.pace.allows(0)


def test_what_has_just_begun_to_be_paid_is_seen_at_a_glance() -> None:
    worker = Worker()
    worker.passes(LOOK_SECONDS / 2, 0)
    assert worker.pace.allows(0)
    worker.passes(GLANCE_SECONDS / 2, 1)
    assert worker.pace.allows(0), "too short to tell"
    worker.passes(GLANCE_SECONDS / 2, 1)
    assert not worker.pace.allows(0)
    worker.passes(GLANCE_SECONDS, 0)
    assert not worker.pace.allows(0), "idleness takes longer to tell"
    worker.passes(LOOK_SECONDS, 0)
    assert worker.pace.allows(0)


def test_a_look_counts_from_where_it_began() -> None:
    """Payments began two seconds ago, after a minute without: the worker is busy."""
    worker = Worker()
    worker.passes(60, 0)
    worker.passes(1, 1)
    worker.pace.look()
    worker.passes(LOOK_SECONDS, 1)
    assert not worker.pace.allows(0)
