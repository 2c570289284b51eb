"""A small shop that is really served, and a reader who buys in it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.identity.customers import add_customer
from lingdang.identity.passwords import Passwords
from lingdang_client import Client
from support.money import credit, open_settlement
from support.served import Served
from support.shop import PATIENCE

PASSWORD = "correct horse battery"


def stock(database_url: str) -> None:
    """Twenty books of 100 bells, and Ann with a password and 1,000 bells."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'book-' || i, 'A book', 'BELL', 100, 100, now(), now() FROM generate_series(1, 20) i"
        )
    asyncio.run(_add_ann(database_url))


async def _add_ann(database_url: str) -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    async with Pool(database_url, 2, pgbouncer=False) as pool:
        added = await add_customer(pool, passwords, 1, "ann", PASSWORD, system_clock())
    passwords.close()
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit(added.customer.key, 1000))


@contextmanager
def signed_in(served: Served, password: str = PASSWORD) -> Iterator[Client]:
    """Ann, with a new session."""
    with Client(served.url) as client:
        client.open_session("ann", password, sign_type="HMAC-SHA256")
        yield client


def headers(client: Client) -> dict[str, str]:
    assert client.session is not None
    return {"Authorization": f"Bearer {client.session.session_token}", "X-Cust-Id": client.session.cust_id}


def status(served: Served, asked: dict[str, str]) -> int:
    """What the cart answers to a session's headers."""
    return httpx.get(f"{served.url}/v1/cart", headers=asked, timeout=PATIENCE).status_code


def kids(served: Served) -> list[str]:
    """The ids of the published keys."""
    return [key["kid"] for key in httpx.get(f"{served.url}/.well-known/jwks.json", timeout=PATIENCE).json()["keys"]]


def code_of_paying(served: Served, asked: dict[str, str], order_token: str) -> str:
    """The refusal of a payment with this order token; its signature is anything, for a token is looked at before it."""
    body = {
        "productIds": ["book-1"],
        "timestamp": int(time.time()),
        "nonce": "nonce-0001",
        "orderToken": order_token,
        "signType": "HMAC-SHA256",
        "sign": "0" * 64,
    }
    answer = httpx.post(f"{served.url}/v1/payments", json=body, headers=asked, timeout=PATIENCE)
    return str(answer.json()["code"])
