"""Follow a shop's events into a database of your own: each once, in order, and right again after the shop was restored.

LINGDANG_URL=https://shop.example LINGDANG_KEY=ld_… python examples/follow_events.py events.db
"""

import json
import os
import sqlite3
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

TABLES = """
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY, bucket INTEGER, position INTEGER, type TEXT, cust_id TEXT, seq INTEGER, data TEXT
);
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), after TEXT);
"""


def ask(after: str | None) -> dict[str, Any]:
    """A page; or, where a restore has lost what stood at `after`, what to drop and where to resume."""
    asked = {"wait": 20, "limit": 200} | ({"after": after} if after else {})
    address = f"{os.environ['LINGDANG_URL']}/v1/admin/events?{urlencode(asked)}"
    request = Request(address, headers={"Authorization": f"Bearer {os.environ['LINGDANG_KEY']}"})  # noqa: S310
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - the address is its user's own
            page: dict[str, Any] = json.load(answer)
    except HTTPError as refused:
        if refused.code != 409:
            raise
        page = json.load(refused)
    return page


def take(books: sqlite3.Connection, page: dict[str, Any]) -> str:
    """Keep what is new and drop what is no longer true; from where to read on. All of it or nothing."""
    after: str = page["next"] if "next" in page else page["resume"]
    with books:
        for position in page.get("lastTrue", ()):
            drop(books, position)
        for event in page.get("items", ()):
            if event["type"] == "feed.reset":
                drop(books, event["data"]["lastTrue"])
            told = (event["type"], event.get("custId"), event.get("seq"), json.dumps(event["data"]))
            place = place_of(event["position"])
            books.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", (event["id"], *place, *told))
        books.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (after,))
    return after


def drop(books: sqlite3.Connection, last_true: str) -> None:
    """Forget what is later: a restore has lost it, or it comes again."""
    books.execute("DELETE FROM event WHERE bucket = ? AND position > ?", place_of(last_true))


def place_of(position: str) -> tuple[int, int]:
    """The bucket, which a shop of one does not name, and the position in it. Those of two buckets do not compare."""
    bucket, _, within = position.rpartition(":")
    return int(bucket or 0), int(within)


def main() -> None:
    books = sqlite3.connect(sys.argv[1])
    books.executescript(TABLES)
    after = (books.execute("SELECT after FROM place").fetchone() or [None])[0]
    while True:
        after = take(books, ask(after))


if __name__ == "__main__":
    main()
