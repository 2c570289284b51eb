"""Statements of account for tests."""

from typing import Any

from lingdang.journal.statement import Statement, verify_statement
from lingdang.signer import read_jwks
from support.buyer import Buyer, buyer, give, stock
from support.journal import seal_all
from support.shop import Shop


async def state(ann: Buyer, **params: Any) -> tuple[str, Statement, str | None]:
    """A statement over HTTP, verified with the keys that the shop publishes."""
    answer = await ann.get("/v1/wallet/statement", **params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    keys = read_jwks((await ann.shop.http.get("/.well-known/jwks.json")).content)
    return body["statement"], verify_statement(body["statement"], keys), body["nextCursor"]


async def spend(shop: Shop) -> Buyer:
    """Ann with a credit and two orders, of which the last is not sealed."""
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 1000)
    ann = buyer(shop)
    assert (await ann.buy("book-1")).status_code == 200
    await seal_all(shop.database_url, shop.keyring)
    assert (await ann.buy("book-2")).status_code == 200
    return ann
