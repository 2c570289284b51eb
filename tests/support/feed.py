"""A platform's server that reads the feed over HTTP."""

from typing import Any

import httpx

from proof.consumer import Consumer
from support.shop import Shop

FEED = "/v1/admin/events"


async def ask(shop: Shop, key: dict[str, str], **params: Any) -> httpx.Response:
    """One request."""
    given = {name: value for name, value in params.items() if value is not None}
    return await shop.http.get(FEED, params=given, headers=key)


async def page_of(shop: Shop, key: dict[str, str], **params: Any) -> dict[str, Any]:
    """One page."""
    answer = await ask(shop, key, **params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page.keys() == {"items", "next"}
    return page


class Follower:
    """Keeps a position, and obeys: `position_lost` and `feed.reset` have it drop what is later."""

    def __init__(self, key: dict[str, str], limit: int = 200) -> None:
        self.key = key
        self.limit = limit
        self.after: str | None = None
        self.consumer = Consumer()
        self.lost = 0

    async def catch_up(self, shop: Shop) -> None:
        """Read on to the end."""
        while True:
            answer = await ask(shop, self.key, after=self.after, limit=self.limit)
            if answer.status_code == 409:
                problem = answer.json()
                assert problem["code"] == "position_lost"
                self.lost += 1
                [last_true] = problem["lastTrue"]
                self.consumer.drop_after(last_true)
                self.after = problem["resume"]
                continue
            assert answer.status_code == 200, answer.text
            page = answer.json()
            self.consumer.take(page["items"])
            self.after = page["next"]
            if not page["items"]:
                return
