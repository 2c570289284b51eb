"""`examples/follow_events.py` keeps the positions of several buckets apart."""

import runpy
import sqlite3
from typing import Any

from support.pages import ROOT

EXAMPLE = runpy.run_path(str(ROOT / "examples/follow_events.py"))


def event(position: str, kind: str = "wallet.credited", **data: Any) -> dict[str, Any]:
    return {"id": f"evt_{position}_{kind}", "type": kind, "position": position, "data": data}


def test_what_a_restore_lost_of_a_bucket_is_dropped_from_that_one_alone() -> None:
    books = sqlite3.connect(":memory:")
    books.executescript(EXAMPLE["TABLES"])

    def left() -> list[tuple[int, int]]:
        return books.execute("SELECT bucket, position FROM event ORDER BY 1, 2").fetchall()

    told = [event(position) for position in ("7", "9", "1:3", "1:8", "2:9")]
    assert EXAMPLE["take"](books, {"items": told, "next": "there"}) == "there"
    assert left() == [(0, 7), (0, 9), (1, 3), (1, 8), (2, 9)]
    assert EXAMPLE["take"](books, {"resume": "here", "lastTrue": ["8"]}) == "here"
    assert left() == [(0, 7), (1, 3), (1, 8), (2, 9)]
    EXAMPLE["take"](books, {"items": [event("1:4", "feed.reset", lastTrue="1:3")], "next": "on"})
    assert left() == [(0, 7), (1, 3), (1, 4), (2, 9)]
