"""Two workers that never talk to each other, on one database: once is once, and money stops at zero."""

import asyncio

from lingdang.keys import Keyring
from lingdang.ledger.settlement import Settlement
from support.buyer import Buyer, buyer, give, stock
from support.money import credit, open_settlement
from support.shop import Shop, open_shop


async def test_64_identical_payments_through_two_workers(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        stock(one, "book-1")
        await give(one, "ann", 500)
        ann = buyer(one)
        order = await ann.checkout("book-1")
        body = ann.payment(order["orderToken"], ["book-1"])
        twin = _at(two, ann)
        answers = await asyncio.gather(*((ann, twin)[n % 2].send(body) for n in range(64)))
        assert {a.status_code for a in answers} == {200}
        assert len({a.text for a in answers}) == 1
        assert sum(a.headers.get("idempotent-replayed") == "true" for a in answers) == 63
        assert one.sql("SELECT balance, seq FROM wallet") == [(400, 2)]


async def test_200_payments_with_money_for_100_through_two_workers(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        ids = [f"book-{n}" for n in range(200)]
        stock(one, *ids)
        await give(one, "ann", 100 * 100)
        ann = buyer(one)
        twin = _at(two, ann)
        orders = [await ann.checkout(i) for i in ids]
        bodies = [ann.payment(o["orderToken"], [i]) for o, i in zip(orders, ids, strict=True)]
        answers = await asyncio.gather(*((ann, twin)[n % 2].send(body) for n, body in enumerate(bodies)))
        codes = [a.status_code for a in answers]
        assert (codes.count(200), codes.count(402)) == (100, 100)
        assert one.sql("SELECT balance FROM wallet") == [(0,)]
        assert one.sql("SELECT count(*) FROM entitlement") == [(100,)]


async def test_one_book_in_two_orders_is_sold_once(database_url: str, keyring: Keyring) -> None:
    """Two open offers of the same book, paid at the same moment through two workers."""
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        stock(one, "book-1", "free", price=100)
        one.sql("UPDATE product SET price = 0 WHERE product_id = 'free'")
        await give(one, "ann", 1000)
        for cust_id, product_id in (("ann", "book-1"), ("nobody", "free")):
            ann = buyer(one, cust_id)
            twin = _at(two, ann)
            orders = [await ann.checkout(product_id) for _ in range(8)]
            bodies = [ann.payment(o["orderToken"], [product_id]) for o in orders]
            answers = await asyncio.gather(*((ann, twin)[n % 2].send(b) for n, b in enumerate(bodies)))
            assert sorted(a.status_code for a in answers) == [200] + [409] * 7
            assert {a.json().get("code") for a in answers} == {None, "already_owned"}
        assert one.sql("SELECT balance FROM wallet JOIN customer USING (customer) WHERE customer_id = 'ann'") == [
            (900,)
        ]


def _at(shop: Shop, one: Buyer) -> Buyer:
    """The same customer in the same session, speaking to another worker."""
    return Buyer(shop, one.cust_id, one.token, one.sign_type, one.sign_key, one.private_key)


async def test_closing_settles_what_was_accepted(shop: Shop) -> None:
    """A stop refuses new commands and settles those that wait."""
    async with open_settlement(shop.database_url) as settlement:
        assert isinstance(settlement, Settlement)
        tasks = [asyncio.create_task(settlement.submit(credit("ann", 1))) for _ in range(500)]
        await asyncio.sleep(0)
    assert all(task.done() and task.exception() is None for task in tasks)
    assert shop.sql("SELECT balance, seq FROM wallet") == [(500, 500)]
