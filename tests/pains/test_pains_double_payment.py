"""Paying twice: other shops' races of two completions, two intents, two rows, two charges."""

import asyncio
import time

import psycopg
import pytest

from support.buyer import Buyer, buyer, give, stock
from support.shop import Shop
from support.tabs import at, until, waiting, wallet_held
from support.vouchers import all_books

Tabs = tuple[Buyer, Buyer]


@pytest.fixture
async def tabs(workers: tuple[Shop, Shop]) -> Tabs:
    """Ann with bells for five books, in one session at two workers."""
    one, two = workers
    stock(one, "book-1", "book-2")
    await give(one, "ann", 500)
    ann = buyer(one)
    return ann, at(two, ann)


async def test_pain_01_every_way_to_complete_a_payment_completes_it_once(tabs: Tabs) -> None:
    """medusajs/medusa #13301: the client's "complete" and the provider's webhook each captured the payment, and good
    orders were refunded as doubles. Here 24 completions of one order, each signed for itself, reach two workers at
    once: all have the one answer, and one transfer was made."""
    order = await tabs[0].checkout("book-1", "book-2")
    bodies = [tabs[0].payment(order["orderToken"], ["book-1", "book-2"]) for _ in range(24)]
    answers = await asyncio.gather(*(tabs[n % 2].send(body) for n, body in enumerate(bodies)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert tabs[0].shop.sql("SELECT kind, amount FROM transfer ORDER BY seq") == [("credit", 500), ("payment", -200)]


async def test_pain_02_a_second_offer_of_the_same_cart_is_no_second_payment(tabs: Tabs) -> None:
    """saleor/saleor #19220: the same race made a second payment intent. Here checkouts store nothing at all, and of
    sixteen offers of one cart, all paid at once, one is paid; nothing is left of the others."""
    shop = tabs[0].shop
    before = all_books(shop)
    orders = await asyncio.gather(*(tabs[n % 2].checkout("book-1", "book-2") for n in range(16)))
    assert all_books(shop) == before
    assert len({order["orderId"] for order in orders}) == 16
    bodies = [tabs[0].payment(order["orderToken"], ["book-1", "book-2"]) for order in orders]
    answers = await asyncio.gather(*(tabs[n % 2].send(body) for n, body in enumerate(bodies)))
    paid = [answer.json() for answer in answers if answer.status_code == 200]
    assert {answer.json().get("code") for answer in answers} == {None, "already_owned"}
    assert [order["orderId"] for order in paid] == [str(i) for (i,) in shop.sql("SELECT order_id FROM orders")]
    assert shop.sql("SELECT balance, seq FROM wallet") == [(300, 2)]


async def test_pain_03_the_database_itself_refuses_a_second_row_for_one_order(tabs: Tabs) -> None:
    """spree/spree #13938: two payment rows for one order, as no unique index forbade it. Here whatever the code did,
    the second row of one order and the second right to one book are refused by the tables."""
    assert (await tabs[0].buy("book-1")).status_code == 200
    before = all_books(tabs[0].shop)
    again = "amount, balance, at, position, customer, bucket, currency, kind, amounts, accounts, cause, detail"
    for statement, refused_by in (
        (
            f"INSERT INTO transfer (seq, {again}) SELECT seq + 1, {again} FROM transfer WHERE kind = 'payment'",
            "transfer_cause",
        ),
        (
            "INSERT INTO entitlement (bucket, customer, product_id, granted_by)"
            " SELECT bucket, customer, product_id, granted_by + 1 FROM entitlement",
            "entitlement_pkey",
        ),
    ):
        with pytest.raises(psycopg.errors.UniqueViolation, match=refused_by):
            tabs[0].shop.sql(statement)
    assert all_books(tabs[0].shop) == before


async def test_pain_04_a_payment_under_way_holds_up_the_next_and_is_found_by_it(tabs: Tabs) -> None:
    """spree/spree #9265, #4499: charged twice a second apart, as "processing" was noted inside a transaction that
    nobody else could see. Here the first payment is stopped in the middle of its transaction; the second, at another
    worker and signed a second later, waits for it rather than for a note, and is answered with it."""
    ann, other = tabs
    order = await ann.checkout("book-1")
    now = int(time.time())
    first, second, third = (ann.payment(order["orderToken"], ["book-1"], timestamp=now + n) for n in range(3))
    async with wallet_held(ann.shop, "ann"):
        sent = [asyncio.create_task(ann.send(first))]
        await until(lambda: waiting(ann.shop) == 1)
        sent.append(asyncio.create_task(other.send(second)))
        await until(lambda: waiting(ann.shop) == 2)
        assert ann.shop.sql("SELECT count(*) FROM orders") == [(0,)]
    answers = [*(await asyncio.gather(*sent)), await other.send(third)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(400, 2)]
