"""Customers who sign in as readers do, and API keys of a platform."""

from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from lingdang.clock import system_clock
from lingdang.db.pool import Connection, Pool
from lingdang.identity.api_keys import SCOPES, Scope, create_api_key
from lingdang.identity.customers import Added, add_customer
from lingdang.identity.passwords import Passwords
from lingdang.settings import SignType
from support.buyer import Buyer, jwk_of
from support.shop import Shop

PASSWORD = "correct horse"


async def register(shop: Shop, cust_id: str, password: str | None = PASSWORD) -> Added:
    """A customer with a password, hashed as cheaply as argon2 allows."""
    passwords = Passwords(memory_kib=8, passes=1)
    async with Pool(shop.database_url, 2, pgbouncer=False) as pool:
        added = await add_customer(pool, passwords, 1, cust_id, password, system_clock())
    passwords.close()
    return added


async def open_session(shop: Shop, key: str | None = None, address: str | None = None, **body: Any) -> httpx.Response:
    """POST /v1/sessions with a password; `key` is the Idempotency-Key, `address` what a trusted proxy says."""
    named = {"Idempotency-Key": key, "X-Forwarded-For": address}
    headers = {name: value for name, value in named.items() if value is not None}
    defaults = {"custId": "ann", "password": PASSWORD, "signType": "HMAC-SHA256"}
    return await shop.http.post("/v1/sessions", json=defaults | body, headers=headers)


async def login(shop: Shop, cust_id: str = "ann", sign_type: SignType = "HMAC-SHA256") -> Buyer:
    """A new customer, signed in with a password over HTTP."""
    await register(shop, cust_id)
    key = ec.generate_private_key(ec.SECP256R1()) if sign_type == "ES256" else None
    extra = {} if key is None else {"publicKey": jwk_of(key)}
    answer = await open_session(shop, custId=cust_id, signType=sign_type, **extra)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Buyer(shop, cust_id, body["sessionToken"], sign_type, body.get("signKey"), key)


async def api_key(shop: Shop, *scopes: Scope, name: str = "platform") -> dict[str, str]:
    """The headers of a new API key with these scopes; all of them unless told."""
    async with await Connection.connect(shop.database_url, autocommit=True) as connection:
        secret = await create_api_key(connection, name, scopes or SCOPES, system_clock())
    assert secret is not None
    return {"Authorization": f"Bearer {secret}"}
