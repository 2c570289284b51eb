"""`kill -9` under load: what was answered is there once, what was not is settled by the client's repeat."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lingdang.app import Deployment, make_sessions
from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.keys import Keyring, create_keyring
from lingdang.ledger.reconcile import reconcile
from lingdang.settings import Settings
from support.buyer import Buyer, buyer
from support.served import Served, eventually, is_well, serving
from support.shop import Shop

CUSTOMERS = 30
START = 1_000_000
PRICE = 100
OFF = 10


def prepare(data_dir: Path) -> None:
    """An existing shop: rich customers and more books than will be bought."""
    create_keyring(data_dir / "keyring.json", system_clock())
    server = EmbeddedServer(data_dir)
    url = server.start()
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at) SELECT"
            " 'book-' || i, 'A book', 'BELL', %(price)s, %(price)s, now(), now() FROM generate_series(1, 20000) i",
            {"price": PRICE},
        )
        connection.execute(
            "INSERT INTO wallet SELECT 0, 'cust-' || i, 'BELL', %(start)s, 1, '{paid}', ARRAY[%(start)s::bigint], NULL"
            "  FROM generate_series(1, %(customers)s) i",
            {"start": START, "customers": CUSTOMERS},
        )
        connection.execute(
            "INSERT INTO transfer (bucket, customer_id, currency, seq, kind, reference, amount, balance, at, accounts,"
            " amounts) SELECT bucket, customer_id, currency, 1, 'credit', 'gift', balance, balance, now(),"
            " '{clearing:paid,wallet:paid}', ARRAY[-balance, balance] FROM wallet"
        )
        connection.execute(
            "INSERT INTO credit SELECT bucket, customer_id, 'gift', currency, 1, balance, 'paid', NULL, 'test',"
            " balance, now() FROM wallet"
        )
        connection.execute(
            "INSERT INTO coupon (coupon_id, definition, status, code, per_customer, created_at, updated_at) VALUES"
            ' (\'ten\', \'{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}\', \'active\', \'TEN\','
            " 1000000, now(), now())"
        )
    server.stop()


class Load:
    """Customers who go on buying; what they were answered, and what they still wait for."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.buyers = [buyer(shop, f"cust-{n}") for n in range(1, CUSTOMERS + 1)]
        self.books = itertools.count(1)
        self.claimed: set[str] = set()
        self.answered: dict[str, dict[str, Any]] = {}
        self.waiting: dict[str, tuple[Buyer, dict[str, Any]]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._shop(one)) for one in self.buyers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _shop(self, one: Buyer) -> None:
        while True:
            product_id = f"book-{next(self.books)}"
            voucher = await self._claim(one, product_id)
            try:
                order = await one.checkout(product_id, couponIds=[voucher])
            except (httpx.TransportError, AssertionError):
                # The voucher stays in the customer's hand.
                await asyncio.sleep(0.02)
                continue
            body = one.payment(order["orderToken"], [product_id])
            self.waiting[order["orderId"]] = (one, body)
            await self._send(order["orderId"])

    async def _claim(self, one: Buyer, key: str) -> str:
        """A new voucher of the customer's; asked for with one key until there is an answer."""
        headers = one.headers | {"Idempotency-Key": key}
        while True:
            try:
                answer = await one.shop.http.post("/v1/coupons/claim", json={"code": "ten"}, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.02)
                continue
            if answer.status_code == 201:
                self.claimed.add(answer.json()["couponId"])
                return str(answer.json()["couponId"])
            assert answer.status_code == 503, answer.text

    async def _send(self, order_id: str) -> bool:
        one, body = self.waiting[order_id]
        try:
            answer = await one.send(body)
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            assert answer.json()["orderId"] == order_id
            self.answered[order_id] = answer.json()
            del self.waiting[order_id]
            return True
        assert answer.status_code == 503, answer.text
        return False

    async def repeat(self) -> None:
        """Every payment without an answer is sent again, as a client does, until it has one."""
        for _ in range(300):
            await asyncio.gather(*map(self._send, list(self.waiting)))
            if not self.waiting:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{len(self.waiting)} payments found no answer")


def audit(database_url: str, load: Load) -> None:
    """The database holds exactly the payments that were answered, each once, as it was answered."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        stored = {str(row[0]): row[1:] for row in connection.execute("SELECT order_id, total, balance FROM orders")}
        assert stored == {i: (a["paid"], a["balance"]) for i, a in load.answered.items()}
        balances = connection.execute("SELECT sum(balance) FROM wallet").fetchone()
        assert balances == (CUSTOMERS * START - (PRICE - OFF) * len(stored),)
        held = {str(row[0]): str(row[1]) for row in connection.execute("SELECT voucher_id, used_by FROM voucher")}
        assert load.claimed <= held.keys()
        assert {order for order in held.values() if order != "None"} == stored.keys()
        assert reconcile(connection, buckets=1).differences == []


def kill_worker(served: Served) -> None:
    served.workers()[0].kill()


def kill_postgres(served: Served) -> None:
    served.postmaster().kill()


def kill_server(served: Served) -> None:
    for process in (served.process, *served.workers()):
        process.kill()


def kill_everything(served: Served) -> None:
    victims = [served.postmaster(), *served.workers()]
    served.process.kill()
    for process in victims:
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kills",
    [
        [kill_worker, kill_postgres, kill_worker, kill_postgres, kill_worker, kill_postgres],
        [kill_server, kill_everything] * 2,
    ],
    ids=["a part, six times", "the whole, four times"],
)
async def test_nothing_lost_nothing_doubled(tmp_path: Path, kills: list[Callable[[Served], None]]) -> None:
    data_dir = tmp_path / "shop"
    data_dir.mkdir()
    prepare(data_dir)
    keyring = Keyring(data_dir / "keyring.json")
    sessions = make_sessions(Deployment(Settings(), "", keyring, buckets=1))
    limits = httpx.Limits(max_connections=CUSTOMERS, max_keepalive_connections=CUSTOMERS)
    load = Load(Shop("", "", keyring, httpx.AsyncClient(), sessions))
    remaining = list(kills)
    while remaining:
        with serving(data_dir, "--http", "--workers", "2") as served:
            async with httpx.AsyncClient(base_url=served.url, timeout=10, limits=limits) as http:
                load.shop.http = http
                await load.repeat()
                for kill in list(remaining):
                    remaining.remove(kill)
                    before = len(load.answered)
                    async with load.running():
                        await asyncio.sleep(1.0)
                        kill(served)
                        await asyncio.sleep(0.3)
                    assert len(load.answered) > before, "there was no load to disturb"
                    if kill in (kill_server, kill_everything):
                        break
                    await asyncio.to_thread(_await_well, served)
                    await load.repeat()
    with serving(data_dir, "--http") as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=10, limits=limits) as http:
            load.shop.http = http
            await load.repeat()
        database = EmbeddedServer(data_dir)
        audit(database.start(), load)
        database.stop()


def _await_well(served: Served) -> None:
    with served.client() as client:
        eventually(lambda: is_well(client))
