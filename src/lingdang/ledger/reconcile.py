"""Reconciliation: everything that must agree, compared row by row.

Customers are walked in key order, a thousand at a time, each chunk in one read-only snapshot, so that it can
run beside a server at work. Rows whose wallet is missing fall into a chunk as well.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import psycopg

CHUNK = 1000

IN_CHUNK = "customer_id > %(after)s AND (%(upto)s::text IS NULL OR customer_id <= %(upto)s)"


class Check(NamedTuple):
    """What must hold, and the query that answers (customer_id, detail) for each place where it does not."""

    name: str
    sql: str


CHECKS = tuple(
    Check(name, sql.replace("IN_CHUNK", IN_CHUNK))
    for name, sql in (
        (
            "transfer_sums_to_zero",
            """SELECT customer_id, currency || ' seq ' || seq || ' sums to ' || total(amounts)
                 FROM transfer WHERE IN_CHUNK AND total(amounts) <> 0""",
        ),
        (
            "transfer_amount_is_its_wallet_legs",
            """SELECT customer_id, currency || ' seq ' || seq FROM (
                   SELECT customer_id, currency, seq, amount,
                          (SELECT coalesce(sum(l.part), 0)
                             FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts)) AS l (account, part)
                            WHERE l.account LIKE 'wallet:%%') AS legs
                     FROM transfer WHERE IN_CHUNK) t
                WHERE amount <> legs""",
        ),
        (
            "running_balance",
            """SELECT customer_id, currency || ' seq ' || seq FROM (
                   SELECT customer_id, currency, bucket, seq, amount, balance,
                          lag(balance, 1, 0) OVER w AS before, row_number() OVER w AS place
                     FROM transfer WHERE IN_CHUNK
                   WINDOW w AS (PARTITION BY customer_id, currency, bucket ORDER BY seq)) t
                WHERE balance <> before + amount OR seq <> place""",
        ),
        (
            "balance_is_its_entries",
            """SELECT coalesce(w.customer_id, t.customer_id),
                      coalesce(w.currency, t.currency) || ' balance ' || coalesce(w.balance, 0)
                      || ' entries ' || coalesce(t.amount, 0)
                 FROM (SELECT * FROM wallet WHERE IN_CHUNK) w
                 FULL JOIN (SELECT customer_id, currency, bucket, sum(amount) AS amount, max(seq) AS seq
                              FROM transfer WHERE IN_CHUNK GROUP BY 1, 2, 3) t USING (customer_id, currency, bucket)
                WHERE (w.balance, w.seq) IS DISTINCT FROM (t.amount, t.seq)""",
        ),
        (
            "balance_is_its_lots",
            """SELECT customer_id, currency || ' balance ' || balance || ' lots ' || total(remaining)
                 FROM wallet WHERE IN_CHUNK AND balance <> total(remaining)""",
        ),
        (
            "lots_are_their_entries",
            """SELECT coalesce(w.customer_id, t.customer_id),
                      coalesce(w.account, t.account) || ' holds ' || coalesce(w.amount, 0)
                      || ' entries ' || coalesce(t.amount, 0)
                 FROM (SELECT customer_id, currency, bucket, 'wallet:' || l.name AS account, l.amount
                         FROM wallet, unnest(lots, remaining) AS l (name, amount) WHERE IN_CHUNK) w
                 FULL JOIN (SELECT customer_id, currency, bucket, account, sum(e.amount) AS amount
                              FROM entry e WHERE IN_CHUNK AND account LIKE 'wallet:%%'
                             GROUP BY 1, 2, 3, 4 HAVING sum(e.amount) <> 0) t
                   USING (customer_id, currency, bucket, account)
                WHERE w.amount IS DISTINCT FROM t.amount""",
        ),
        (
            "order_adds_up",
            """SELECT customer_id, order_id::text
                 FROM (SELECT * FROM orders WHERE IN_CHUNK) o
                 LEFT JOIN (SELECT customer_id, order_id, bucket, sum(price) AS price, sum(discount) AS off,
                                   sum(payable) AS payable
                              FROM order_line WHERE IN_CHUNK GROUP BY 1, 2, 3) l USING (customer_id, order_id, bucket)
                WHERE (subtotal, discount, total) IS DISTINCT FROM (price, off, payable)""",
        ),
        (
            "order_has_its_entitlements",
            """SELECT coalesce(o.customer_id, e.customer_id),
                      coalesce(o.order_id, e.order_id) || ' ' || coalesce(o.product_id, e.product_id)
                 FROM (SELECT *, true AS bought FROM order_line WHERE IN_CHUNK) o
                 FULL JOIN (SELECT *, true AS granted FROM entitlement WHERE IN_CHUNK) e
                   USING (customer_id, order_id, product_id, bucket)
                WHERE bought IS NULL OR granted IS NULL""",
        ),
        (
            "order_has_its_vouchers",
            """SELECT coalesce(o.customer_id, v.customer_id),
                      coalesce(o.order_id, v.order_id) || ' ' || coalesce(o.voucher_id, v.voucher_id)
                 FROM (SELECT customer_id, order_id, bucket, voucher_id, saves FROM order_coupon WHERE IN_CHUNK) o
                 FULL JOIN (SELECT customer_id, used_by AS order_id, bucket, voucher_id, saved
                              FROM voucher WHERE IN_CHUNK AND used_by IS NOT NULL) v
                   USING (customer_id, order_id, bucket, voucher_id)
                WHERE o.saves IS DISTINCT FROM v.saved""",
        ),
        (
            "discount_is_its_vouchers",
            """SELECT customer_id, order_id::text
                 FROM (SELECT * FROM orders WHERE IN_CHUNK) o
                 JOIN (SELECT customer_id, order_id, bucket, sum(saves) AS off
                         FROM order_coupon WHERE IN_CHUNK GROUP BY 1, 2, 3) c USING (customer_id, order_id, bucket)
                WHERE discount <> off""",
        ),
        (
            "credit_has_its_entry",
            """SELECT coalesce(c.customer_id, t.customer_id), coalesce(c.credit_id, t.reference)
                 FROM (SELECT * FROM credit WHERE IN_CHUNK) c
                 FULL JOIN (SELECT * FROM transfer WHERE IN_CHUNK AND kind = 'credit') t
                   ON (t.customer_id, t.currency, t.seq, t.bucket) = (c.customer_id, c.currency, c.seq, c.bucket)
                WHERE (c.credit_id, c.amount, c.balance) IS DISTINCT FROM (t.reference, t.amount, t.balance)""",
        ),
    )
)


SHARED_CHECKS = (
    Check(
        "claimed_is_its_vouchers",
        """SELECT c.coupon_id, 'claimed ' || c.claimed || ' vouchers ' || coalesce(v.held, 0)
             FROM coupon c
             LEFT JOIN (SELECT coupon_id, count(*) AS held FROM voucher GROUP BY 1) v USING (coupon_id)
            WHERE c.claimed <> coalesce(v.held, 0) OR c.claimed > c.total_limit""",
    ),
    Check(
        "code_has_its_voucher",
        """SELECT o.coupon_id, 'code of ' || o.claimed_by
             FROM coupon_code o
             LEFT JOIN voucher v ON v.voucher_id = o.voucher_id AND v.customer_id = o.claimed_by
            WHERE o.claimed_by IS NOT NULL AND v.coupon_id IS DISTINCT FROM o.coupon_id""",
    ),
)
"""What spans customers, compared once, in a snapshot of its own."""


class Difference(msgspec.Struct, frozen=True, rename="camel"):
    """One place where the books disagree; for what spans customers `cust_id` is the coupon's id."""

    check: str
    cust_id: str
    detail: str


class Report(msgspec.Struct, frozen=True):
    """What was compared, and every difference found."""

    customers: int
    orders: int
    transfers: int
    differences: list[Difference]


class Chunk(NamedTuple):
    """The customers after one, up to another (None: to the end), and how many they are."""

    after: str
    upto: str | None
    customers: int


def count_wallets(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """About how many wallets there are, for a progress bar."""
    row = connection.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'wallet'").fetchone()
    return int(str(row[0])) if row else 0


def reconcile(
    connection: psycopg.Connection[tuple[object, ...]], progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Compare everything. `progress` is told the customers done since the last call.

    `connection` is in autocommit mode. The report's numbers are those of the rows seen.
    """
    differences: list[Difference] = []
    customers = orders = transfers = 0
    for chunk in chunks(connection):
        place = chunk._asdict()
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for check in CHECKS:
                for cust_id, detail in connection.execute(check.sql.encode(), place):
                    differences.append(Difference(check.name, str(cust_id), str(detail)))
            orders += _count(connection, "orders", place)
            transfers += _count(connection, "transfer", place)
        customers += chunk.customers
        progress(chunk.customers)
    for check in SHARED_CHECKS:
        for place_of, detail in connection.execute(check.sql.encode()):
            differences.append(Difference(check.name, str(place_of), str(detail)))
    return Report(customers, orders, transfers, differences)


def chunks(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Chunk]:
    """The customers in stretches of up to CHUNK, wherever they have a wallet or not."""
    after = ""
    while True:
        rows = connection.execute(
            "SELECT DISTINCT customer_id FROM wallet WHERE customer_id > %s ORDER BY customer_id LIMIT %s",
            (after, CHUNK),
        ).fetchall()
        if len(rows) < CHUNK:
            yield Chunk(after, None, len(rows))
            return
        upto = str(rows[-1][0])
        yield Chunk(after, upto, len(rows))
        after = upto


def _count(connection: psycopg.Connection[tuple[object, ...]], table: str, place: dict[str, object]) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table} WHERE {IN_CHUNK}".encode(), place).fetchone()  # noqa: S608
    return int(str(row[0])) if row else 0
