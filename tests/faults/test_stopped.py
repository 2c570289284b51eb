"""A PostgreSQL that is stopped (SIGSTOP) gives no error and no answer: the shop answers all the same, and goes on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from lingdang.db import lane, pool
from lingdang.keys import Keyring
from support.buyer import buyer, give, stock
from support.shop import PATIENCE, Shop, open_shop


@contextmanager
def suspended(shop: Shop) -> Iterator[None]:
    """Every session of the shop's stands still for as long as the block."""
    rows = shop.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name = 'lingdang'"
    )
    sessions = [psutil.Process(int(pid)) for (pid,) in rows]
    assert sessions, "there is something to stop"
    for session in sessions:
        session.suspend()
    try:
        yield
    finally:
        for session in sessions:
            session.resume()


async def test_a_payment_is_answered_and_its_repeat_tells(shop: Shop, keyring: Keyring) -> None:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    async with open_shop(shop.database_url, keyring, give_up_seconds=0.5) as hasty:
        ann = buyer(hasty)
        assert (await ann.buy("book-1")).status_code == 200
        order = await ann.checkout("book-2")
        body = ann.payment(order["orderToken"], ["book-2"])
        with suspended(shop):
            answer = await asyncio.wait_for(ann.send(body), PATIENCE)
            assert answer.json()["code"] in ("overloaded", "outcome_unknown")
            assert int(answer.headers["retry-after"]) >= 1
        again = await ann.send(body)
        assert (again.status_code, again.json()["balance"]) == (200, 300)
    assert shop.sql("SELECT balance, seq FROM wallet") == [(300, 3)]


async def test_reading_goes_on_over_new_connections(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "_ANSWER_SECONDS", 2)
    monkeypatch.setattr(pool, "_ANSWER_SECONDS", 2)
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    await ann.checkout("book-1")
    assert (await ann.get("/v1/orders")).status_code == 200
    with suspended(shop):
        order = await asyncio.wait_for(ann.checkout("book-1"), PATIENCE)
        assert order["total"] == 100
        answers = [(await asyncio.wait_for(ann.get("/v1/orders"), PATIENCE)).status_code for _ in range(6)]
    assert set(answers[:-1]) <= {200, 503}
    assert answers[-1] == 200
