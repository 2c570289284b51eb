"""Under load: other shops' empty successes, twice-given ids, deadlocks, and carts that every promotion slows down."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import psycopg

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, stock
from support.carts import tick
from support.customers import key_of
from support.money import credit, open_settlement
from support.people import api_key
from support.shop import Shop, open_shop
from support.tabs import at, until
from support.vouchers import claim, differences, put_coupon

Workers = tuple[Shop, Shop]


async def credit_all(shop: Shop, cust_ids: list[str], amount: int) -> None:
    async with open_settlement(shop.database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(cust_id, amount)) for cust_id in cust_ids))


async def test_pain_13_every_success_under_load_is_whole_and_its_id_is_its_own(workers: Workers) -> None:
    """formancehq/ledger #364: under load a success came with an empty body, and ids were given twice. Here 120 orders
    of 30 customers are checked out at once and paid at once, each sent twice, at two workers: every answer is whole
    and answers its own request, and no order's id is another's."""
    one, _ = workers
    ids = [f"book-{n}" for n in range(4)]
    stock(one, *ids)
    buyers = [buyer(workers[n % 2], f"cust-{n}") for n in range(30)]
    await credit_all(one, [each.cust_id for each in buyers], 400)
    wanted = [(each, product_id) for product_id in ids for each in buyers]
    orders = await asyncio.gather(*(each.checkout(product_id) for each, product_id in wanted))

    async def pay(n: int) -> tuple[int, httpx.Response]:
        each, product_id = wanted[n // 2]
        each = at(workers[n % 2], each)
        each.extra = {"X-Request-Id": f"request-{n}"}
        return n, await each.send(each.payment(orders[n // 2]["orderToken"], [product_id]))

    answers = await asyncio.gather(*map(pay, range(2 * len(wanted))))
    for n, answer in answers:
        _, product_id = wanted[n // 2]
        body = answer.json()
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, f"request-{n}")
        assert (body["orderId"], body["paid"]) == (orders[n // 2]["orderId"], 100)
        assert [granted["productId"] for granted in body["entitlements"]] == [product_id]
    assert len({order["orderId"] for order in orders}) == len(wanted)
    rows = one.sql("SELECT customer_id, order_id FROM orders JOIN customer USING (customer)")
    stored = {(cust_id, str(order_id)) for cust_id, order_id in rows}
    assert stored == {(each.cust_id, order["orderId"]) for (each, _), order in zip(wanted, orders, strict=True)}
    assert one.sql("SELECT DISTINCT balance, seq FROM wallet") == [(0, 5)]


async def test_pain_19_whatever_crosses_ends_without_a_deadlock(database_url: str, keyring: Keyring) -> None:
    """saleor/saleor #14649, #14648: checkout and notification locked each other out, and an amount was added twice.
    Here eight customers, each at two workers at once and in opposite orders, tick the same books, claim the same two
    limited coupons and pay, while the platform credits each of them twice and grants all of them both coupons, again
    in opposite orders. All are answered, the database counts no deadlock, and every amount counts once."""
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        ids = [f"book-{n}" for n in range(4)]
        stock(one, *ids)
        for code in ("LEFT", "RIGHT"):
            put_coupon(one, code.lower(), code=code, limit=100, each=3)
        cust_ids = [f"cust-{n}" for n in range(8)]
        await credit_all(one, cust_ids, 400)
        operator = await api_key(one, "coupons:write", "wallets:credit")

        async def shopping(each: Buyer, there: bool) -> list[int]:
            turn = -1 if there else 1
            answers = [await tick(each, product_id) for product_id in ids[::turn]]
            answers += [await claim(each, code) for code in ("LEFT", "RIGHT")[::turn]]
            for product_id in ids[:2] if there else ids[:1:-1]:
                order = await each.checkout(product_id, voucherCode=("RIGHT", "LEFT")[there], voucherIds=[])
                answers.append(await each.send(each.payment(order["orderToken"], [product_id])))
            return [answer.status_code for answer in answers]

        async def operate(shop: Shop, turn: int) -> list[int]:
            answers = []
            for n, cust_id in enumerate(cust_ids[::turn]):
                body: dict[str, Any] = {
                    "creditId": f"c-{cust_id}",
                    "amount": 100,
                    "kind": "paid",
                    "reason": "topped up",
                }
                path = f"/v1/admin/wallets/{cust_id}/credits"
                answers.append(await shop.http.post(path, json=body, headers=operator))
                coupon = f"/v1/admin/coupons/{('left', 'right')[::turn][n % 2]}"
                answers.append(
                    await shop.http.post(f"{coupon}/grants", json={"custIds": cust_ids[::turn]}, headers=operator)
                )
            return [answer.status_code for answer in answers]

        codes = await asyncio.gather(
            *(shopping(buyer(one, cust_id), False) for cust_id in cust_ids),
            *(shopping(buyer(two, cust_id), True) for cust_id in reversed(cust_ids)),
            operate(one, 1),
            operate(two, -1),
        )
        assert set().union(*codes) <= {200, 201}
        assert one.sql("SELECT DISTINCT balance, seq FROM wallet") == [(100, 6)]
        assert differences(one) == []
    await until(lambda: is_alone(database_url))
    assert query(database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


async def test_pain_20_promotions_cost_a_cart_nothing_until_one_is_held(database_url: str, keyring: Keyring) -> None:
    """medusajs/medusa #10751, #2465, vendure-ecommerce/vendure #3075: a checkout took seconds, and one promotion made a
    cart twenty times slower. Here what the database does for a purchase of three books is counted: with 500 coupons on
    offer it is the same to the row as with none, and for a customer who holds 20 vouchers it is as many statements,
    and their rows more."""
    query(
        database_url,
        f'ALTER DATABASE "{psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]}" SET track_functions = pl',
    )

    async def purchase(cust_id: str) -> None:
        async with open_shop(database_url, keyring) as shop:
            each = buyer(shop, cust_id)
            for product_id in ("book-1", "book-2", "book-3"):
                await tick(each, product_id)
            order = await each.checkout("book-1", "book-2", "book-3")
            answer = await each.send(each.payment(order["orderToken"], ["book-1", "book-2", "book-3"]))
            assert answer.status_code == 200, answer.text

    async with open_shop(database_url, keyring) as shop:
        stock(shop, "book-1", "book-2", "book-3")
        await credit_all(shop, ["ann", "bob", "cem", "dan"], 300)
    costs = []
    for cust_id, coupons, held in (("bob", 0, 0), ("cem", 500, 0), ("dan", 0, 20)):
        query(database_url, OFFER, (coupons,))
        query(database_url, HAND_OUT, (held, key_of(cust_id)))
        before = await work(database_url)
        await purchase(cust_id)
        costs.append(await work(database_url) - before)
    none, offered, holding = costs
    assert none["checkout_facts"] == none["ledger_load"] == none["ledger_write"] == 1
    assert offered == none
    more = holding - none
    assert set(more) == {"voucher", "coupon", "customer"}
    assert more["customer"] == 1, "their groups"
    assert more["voucher"] + more["coupon"] < 70, "three rows for each that is held, and for the one that is used up"


OFFER = """
INSERT INTO coupon (coupon_id, definition, status, code, per_customer, created_at, updated_at)
SELECT 'coupon-' || n, '{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}', 'active', 'CODE-' || n, 1,
       now(), now()
  FROM generate_series(1, %s::int) n
"""
HAND_OUT = """
WITH handed AS (
     UPDATE coupon SET claimed = 1 WHERE coupon_id IN (SELECT coupon_id FROM coupon LIMIT %s) RETURNING coupon_id)
INSERT INTO voucher SELECT 0, %s, gen_random_uuid(), coupon_id, now(), now() + interval '1 year' FROM handed
"""


async def work(database_url: str) -> Counter[str]:
    """Calls of functions and rows read of the tables that a promotion could make a checkout read, by name."""
    await until(lambda: is_alone(database_url))
    return Counter(
        dict(
            query(
                database_url,
                "SELECT funcname, calls FROM pg_stat_user_functions UNION ALL"
                " SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
                "  WHERE relname IN ('product', 'cart_item', 'customer', 'coupon', 'coupon_code', 'voucher')",
            )
        )
    )


def is_alone(database_url: str) -> bool:
    """Whether the workers' connections have ended; what they did is counted by then."""
    others = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return query(database_url, others) == []


def query(database_url: str, statement: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(statement, params)
        return cursor.fetchall() if cursor.description else []
