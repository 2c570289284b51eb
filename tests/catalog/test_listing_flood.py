"""Searches that read a large catalogue, many at once: everybody else is served beside them."""

import asyncio

import httpx

from lingdang.keys import Keyring
from support.buyer import give
from support.people import login, open_session
from support.shop import PATIENCE, open_shop
from support.tabs import until

PRODUCTS = 100_000
AT_ONCE = 64
ROUNDS = 5

_FILL = """
INSERT INTO product (product_id, title, currency, price, list_price, popularity, search, created_at, updated_at)
SELECT 'b' || n, 'Book ' || n, 'BELL', 10, 10, n %% 1000,
       array_to_tsvector(ARRAY(SELECT DISTINCT substr(md5(n || ' ' || w), 1, 4) FROM generate_series(1, 12) w)),
       now(), now()
  FROM generate_series(1, %s) n
"""


_RUNNING = """
SELECT 1 FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
   AND position('tsquery' IN query) > 0
"""


async def _search_on(http: httpx.AsyncClient, headers: dict[str, str], stop: asyncio.Event) -> set[int]:
    """Search until told to stop; which statuses were answered."""
    seen = set()
    while not stop.is_set():
        answer = await http.get("/v1/products", params={"query": "f", "limit": 200}, headers=headers)
        assert answer.status_code == 200 or answer.json()["code"] == "overloaded"
        seen.add(answer.status_code)
    return seen


async def test_a_flood_of_searches_leaves_reading_signing_in_readiness_and_payments(
    database_url: str, keyring: Keyring
) -> None:
    async with open_shop(database_url, keyring) as shop:
        ann = await login(shop)
        shop.sql(_FILL, (PRODUCTS,))
        await give(shop, "ann", 1000)
        assert (await ann.buy("b1")).status_code == 200
        stop = asyncio.Event()
        async with httpx.AsyncClient(base_url=shop.url, timeout=PATIENCE) as searching:
            flood = [asyncio.create_task(_search_on(searching, ann.headers, stop)) for _ in range(AT_ONCE)]
            await until(lambda: bool(shop.sql(_RUNNING)))
            for number in range(2, 2 + ROUNDS):
                assert (await ann.get("/v1/access", productId="b1")).status_code == 204
                assert (await open_session(shop)).status_code == 201
                assert (await shop.http.get("/readyz")).status_code == 200
                assert (await ann.get("/v1/wallet")).status_code == 200
                assert (await ann.buy(f"b{number}")).status_code == 200
            await until(lambda: bool(shop.sql(_RUNNING)))  # they still search
            stop.set()
            assert set().union(*await asyncio.gather(*flood)) <= {200, 503}
