"""Who is told what happens."""

from collections.abc import Callable

import msgspec

from lingdang.db.gather import ObserveBatch


class Watch(msgspec.Struct, frozen=True):
    """Who is told what happens, for the metrics: requests, payments by result, batches by lane, the database's time."""

    request: Callable[[str, str, int, float], None] = lambda *_: None
    payment: Callable[[str], None] = lambda _: None
    batch: Callable[[str, int, float], None] = lambda *_: None
    database: Callable[[str, float], None] = lambda *_: None
    gauge: Callable[[str, str, Callable[[], float]], None] = lambda *_: None
    """Told at the start how to read a present value: its name, its label and the reading."""
    scrape: Callable[[], bytes] = lambda: b""
    """Answers GET /metrics."""
    worker: str = "1"
    """The number of the worker that is watched, as its label."""

    def lane(self, name: str) -> ObserveBatch:
        """The observer of one lane's batches."""
        return lambda size, seconds: self.batch(name, size, seconds)


UNWATCHED = Watch()
