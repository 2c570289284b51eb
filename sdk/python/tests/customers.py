"""Customers with bells, and books for them, of which no two tests share any."""

from uuid import uuid4

from lingdang_client import AsyncClient
from lingdang_client.signing import SignType
from support.buyer import give, stock
from support.people import PASSWORD, register
from support.shop import Shop


async def new_customer(shop: Shop, bells: int = 1000) -> str:
    """A customer with a password and bells."""
    cust_id = f"cust-{uuid4().hex[:12]}"
    await register(shop, cust_id)
    if bells:
        await give(shop, cust_id, bells)
    return cust_id


def new_books(shop: Shop, count: int = 3, price: int = 100) -> list[str]:
    """Books on sale."""
    books = [f"book-{uuid4().hex[:12]}" for _ in range(count)]
    stock(shop, *books, price=price)
    return books


async def log_in(client: AsyncClient, cust_id: str, sign_type: SignType = "ES256") -> None:
    await client.open_session(cust_id, PASSWORD, sign_type=sign_type)


def debits(shop: Shop, cust_id: str) -> list[int]:
    """What payments have taken from a customer."""
    rows = shop.sql(
        "SELECT amount FROM transfer JOIN customer USING (customer)"
        " WHERE customer_id = %s AND kind = 'payment' ORDER BY seq",
        (cust_id,),
    )
    return [int(row[0]) for row in rows]
