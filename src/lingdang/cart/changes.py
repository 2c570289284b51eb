"""Changes of a cart beside ticks: all of it at once, and taking a product out."""

from lingdang.db.pool import Pool
from lingdang.owner import Owner, transaction_as

_TICK_ALL = "UPDATE cart_item SET ticked = %b WHERE bucket = %b AND customer = %b AND ticked <> %b"
_REMOVE = "DELETE FROM cart_item WHERE bucket = %b AND customer = %b AND product_id = %b"
_LOCK = "SELECT cart_lock(%b)"
_NO_FLUSH = "SET LOCAL synchronous_commit = off"


async def tick_all(pool: Pool, owner: Owner, ticked: bool) -> None:
    """Tick or untick every item. Raises as `transaction_as`."""
    async with transaction_as(pool, owner) as connection:
        await connection.execute(_NO_FLUSH)
        await connection.execute(_LOCK, (owner.customer,))
        await connection.execute(_TICK_ALL, (ticked, owner.bucket, owner.customer, ticked))


async def remove(pool: Pool, owner: Owner, product_id: str) -> None:
    """Take a product out of the cart, if it is there. Raises as `transaction_as`."""
    async with transaction_as(pool, owner) as connection:
        await connection.execute(_NO_FLUSH)
        await connection.execute(_LOCK, (owner.customer,))
        await connection.execute(_REMOVE, (owner.bucket, owner.customer, product_id))
