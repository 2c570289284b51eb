"""Reconciliation: everything that must agree, compared row by row.

Customers are walked in the order of their keys, a thousand at a time, each chunk in one read-only snapshot, so that it
can run beside a server at work. Rows of a customer without a wallet fall into a chunk as well.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import psycopg

CHUNK = 1000

IN_CHUNK = "customer > %(after)s AND (%(upto)s::bigint IS NULL OR customer <= %(upto)s)"

Rows = psycopg.Connection[tuple[Any, ...]]


class Check(NamedTuple):
    """What must hold, and the query that answers (customer, detail) for each place where it does not."""

    name: str
    sql: str


CHECKS = tuple(
    Check(name, sql.replace("IN_CHUNK", IN_CHUNK))
    for name, sql in (
        (
            "customer_is_known",
            """SELECT DISTINCT w.customer, 'a wallet of nobody' FROM (SELECT * FROM wallet WHERE IN_CHUNK) w
                 LEFT JOIN customer c USING (customer) WHERE c.customer IS NULL""",
        ),
        (
            "transfer_sums_to_zero",
            """SELECT customer, currency || ' seq ' || seq || ' sums to ' || total(amounts)
                 FROM transfer WHERE IN_CHUNK AND total(amounts) <> 0""",
        ),
        (
            "transfer_amount_is_its_wallet_legs",
            """SELECT customer, currency || ' seq ' || seq FROM (
                   SELECT customer, currency, seq, amount,
                          (SELECT coalesce(sum(l.part), 0)
                             FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts)) AS l (account, part)
                            WHERE l.account LIKE 'wallet:%%') AS legs
                     FROM transfer WHERE IN_CHUNK) t
                WHERE amount <> legs""",
        ),
        (
            "running_balance",
            """SELECT customer, currency || ' seq ' || seq FROM (
                   SELECT customer, currency, bucket, seq, amount, balance, lag(balance, 1, 0) OVER w AS before
                     FROM transfer WHERE IN_CHUNK
                   WINDOW w AS (PARTITION BY customer, currency, bucket ORDER BY seq)) t
                WHERE balance <> before + amount""",
        ),
        (
            "journal_has_one_order",
            """SELECT customer, 'seq ' || seq FROM (
                   SELECT customer, bucket, seq, at, position, row_number() OVER w AS place,
                          lag(at, 1, '-infinity') OVER w AS at_before,
                          lag(position, 1, 0::bigint) OVER w AS position_before
                     FROM transfer WHERE IN_CHUNK
                   WINDOW w AS (PARTITION BY customer, bucket ORDER BY seq)) t
                WHERE seq <> place OR at < at_before OR position < position_before""",
        ),
        (
            "balance_is_its_entries",
            """SELECT coalesce(w.customer, t.customer),
                      coalesce(w.currency, t.currency) || ' balance ' || coalesce(w.balance, 0)
                      || ' entries ' || coalesce(t.amount, 0)
                 FROM (SELECT * FROM wallet WHERE IN_CHUNK) w
                 FULL JOIN (SELECT customer, currency, bucket, sum(amount) AS amount, max(seq) AS seq, max(at) AS at
                              FROM transfer WHERE IN_CHUNK GROUP BY 1, 2, 3) t USING (customer, currency, bucket)
                WHERE (w.balance, w.seq, w.moved_at) IS DISTINCT FROM (t.amount, t.seq, t.at)""",
        ),
        (
            "balance_is_its_lots",
            """SELECT customer, currency || ' balance ' || balance || ' lots ' || total(remaining)
                 FROM wallet WHERE IN_CHUNK AND balance <> total(remaining)""",
        ),
        (
            "lots_are_their_entries",
            """SELECT coalesce(w.customer, t.customer),
                      coalesce(w.account, t.account) || ' holds ' || coalesce(w.amount, 0)
                      || ' entries ' || coalesce(t.amount, 0)
                 FROM (SELECT customer, currency, bucket, 'wallet:' || l.name AS account, l.amount
                         FROM wallet, unnest(lots, remaining) AS l (name, amount) WHERE IN_CHUNK) w
                 FULL JOIN (SELECT customer, currency, bucket, account, sum(e.amount) AS amount
                              FROM entry e WHERE IN_CHUNK AND account LIKE 'wallet:%%'
                             GROUP BY 1, 2, 3, 4 HAVING sum(e.amount) <> 0) t
                   USING (customer, currency, bucket, account)
                WHERE w.amount IS DISTINCT FROM t.amount""",
        ),
        (
            "debt_is_its_entries",
            """SELECT customer, currency || ' owes ' || w.debt || ' entries ' || coalesce(t.debt, 0)
                 FROM (SELECT * FROM wallet WHERE IN_CHUNK) w
                 LEFT JOIN (SELECT customer, currency, bucket, -sum(e.amount) AS debt FROM entry e
                             WHERE IN_CHUNK AND account = 'debt' GROUP BY 1, 2, 3) t USING (customer, currency, bucket)
                WHERE w.debt <> coalesce(t.debt, 0) OR (w.debt > 0 AND w.balance > 0)""",
        ),
        (
            "debt_is_paid_by_what_comes",
            """SELECT customer, currency || ' seq ' || seq || ' owes ' || debt FROM (
                   SELECT customer, currency, seq, balance, -sum(part) OVER w AS debt
                     FROM (SELECT customer, currency, bucket, seq, balance,
                                  (SELECT coalesce(sum(l.part), 0)
                                     FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts))
                                          AS l (account, part)
                                    WHERE l.account = 'debt') AS part
                             FROM transfer WHERE IN_CHUNK) t
                   WINDOW w AS (PARTITION BY customer, currency, bucket ORDER BY seq)) t
                WHERE debt < 0 OR (debt > 0 AND balance > 0)""",
        ),
        (
            "topup_adds_up",
            """SELECT customer, detail->>'topupId' FROM (
                   SELECT customer, detail, amount + debt_paid(accounts, amounts) AS came,
                          (SELECT sum((l->>1)::bigint) FROM json_array_elements(detail->'lots') AS l) AS held
                     FROM transfer WHERE IN_CHUNK AND kind = 'topup') t
                WHERE (came, came) IS DISTINCT FROM (held, (detail->>'paid')::bigint + (detail->>'bonus')::bigint)""",
        ),
        (
            # Bells come before their top-up says so: for a moment, or while an entry of the inbox waits.
            "topup_has_its_bells",
            """SELECT customer, topup_id || CASE WHEN r.at IS NULL THEN ' does not know of its bells'
                                                WHEN t.at IS NULL THEN ' has no bells' ELSE ' has other bells' END
                 FROM (SELECT customer, bucket, (detail->>'topupId')::uuid AS topup_id, at,
                              ROW(at, currency, (detail->>'paid')::bigint, (detail->>'bonus')::bigint,
                                  (detail->>'provider') COLLATE "C") AS bells
                         FROM transfer WHERE IN_CHUNK AND kind = 'topup') t
                 FULL JOIN (SELECT customer, bucket, topup_id, reference, credited_at AS at,
                                   ROW(credited_at, currency, paid, bonus, account) AS bells
                              FROM topup WHERE IN_CHUNK AND credited_at IS NOT NULL) r
                   USING (customer, bucket, topup_id)
                WHERE t.bells IS DISTINCT FROM r.bells
                  AND (r.at IS NOT NULL OR (t.at < now() - interval '1 minute' AND NOT EXISTS (
                      SELECT FROM topup u
                       WHERE u.topup_id = t.topup_id AND topup_waits(u.topup_id, u.account, u.reference))))""",
        ),
        (
            "gift_has_its_code",
            """SELECT customer, 'gift ' || left(gift, 8) FROM (
                   SELECT customer, currency, amount + debt_paid(accounts, amounts) AS amount, detail->>'giftId' AS gift
                     FROM transfer WHERE IN_CHUNK AND kind = 'gift') t
                WHERE NOT EXISTS (
                      SELECT FROM gift_code c
                       WHERE c.code_hash = CASE WHEN gift ~ '^[0-9a-f]{64}$' THEN decode(gift, 'hex') END
                         AND (c.customer, c.currency, c.amount) = (t.customer, t.currency, t.amount))""",
        ),
        (
            # Of each lot that it came into; its rows are counted from its credit on.
            "topup_is_taken_back_at_most_whole",
            """SELECT DISTINCT customer, topup || ' seq ' || seq FROM (
                   SELECT customer, topup, seq, number, dense_rank() OVER t - 1 AS counted,
                          sum(came) OVER l AS came, sum(taken) OVER l AS taken, sum(frozen) OVER l AS frozen
                     FROM (SELECT t.customer, t.currency, t.seq, t.detail->>'topupId' AS topup, p.lot,
                                  coalesce((t.detail->>'number')::integer, 0) AS number,
                                  CASE WHEN kind = 'topup' THEN part ELSE 0 END AS came,
                                  CASE kind WHEN 'takeback' THEN part WHEN 'giveback' THEN -part ELSE 0 END AS taken,
                                  CASE kind WHEN 'freeze' THEN part WHEN 'release' THEN -part ELSE -thawed END AS frozen
                             FROM (SELECT * FROM transfer WHERE IN_CHUNK AND kind IN (
                                          'topup', 'takeback', 'giveback', 'freeze', 'release')) t,
                                  LATERAL (
                                  SELECT n.lot, sum(n.part) AS part, sum(n.thawed) AS thawed FROM (
                                         SELECT p->>0 AS lot, (p->>1)::bigint AS part, 0 AS thawed
                                           FROM json_array_elements(coalesce(t.detail->'of', t.detail->'lots')) AS p
                                          UNION ALL
                                         SELECT p->>0, 0, (p->>1)::bigint
                                           FROM json_array_elements(t.detail->'thawed') AS p) n
                                   GROUP BY 1) p) r
                   WINDOW t AS (PARTITION BY customer, topup, currency ORDER BY seq),
                          l AS (PARTITION BY customer, topup, currency, lot ORDER BY seq)) t
                WHERE taken < 0 OR frozen < 0 OR taken + frozen > came OR number <> counted""",
        ),
        (
            "taken_back_is_its_legs",
            """SELECT customer, detail->>'topupId' || ' seq ' || seq FROM (
                   SELECT customer, seq, kind, detail,
                          (SELECT sum((p->>1)::bigint) FROM json_array_elements(detail->'of') AS p) AS whole,
                          (SELECT coalesce(sum((p->>1)::bigint), 0)
                             FROM json_array_elements(detail->'thawed') AS p) AS thawed,
                          (SELECT coalesce(sum(l.part), 0)
                             FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts)) AS l (account, part)
                            WHERE l.account LIKE 'clearing:%%') AS cleared,
                          (SELECT coalesce(sum(l.part), 0)
                             FROM ROWS FROM (json_array_elements_text(accounts), unnest(amounts)) AS l (account, part)
                            WHERE l.account = 'frozen') AS froze
                     FROM transfer WHERE IN_CHUNK AND kind IN ('takeback', 'giveback', 'freeze', 'release')) t
                WHERE (cleared, froze) IS DISTINCT FROM (
                      CASE kind WHEN 'takeback' THEN whole WHEN 'giveback' THEN -whole ELSE 0 END,
                      CASE kind WHEN 'freeze' THEN whole WHEN 'release' THEN -whole ELSE -thawed END)""",
        ),
        (
            # Bells move before their top-up's row: for a moment, while an entry of the inbox waits or a refund is on
            # its way.
            "taken_back_is_its_money",
            """SELECT customer, topup_id || ' taken ' || taken || ' refunded ' || gone FROM (
                   SELECT r.customer, r.topup_id, r.gone, r.account, r.reference,
                          sum(CASE t.kind WHEN 'takeback' THEN p.part WHEN 'giveback' THEN -p.part ELSE 0 END) AS taken,
                          max(t.bells) AS bells, max(t.price) AS price, max(t.at) AS at
                     FROM (SELECT customer, bucket, topup_id, account, reference, refunded + lost AS gone
                             FROM topup WHERE IN_CHUNK AND credited_at IS NOT NULL) r
                     JOIN (SELECT customer, bucket, kind, at, detail, (detail->>'topupId')::uuid AS topup_id,
                                  CASE kind WHEN 'topup' THEN (detail->>'paid')::bigint + (detail->>'bonus')::bigint
                                  END AS bells,
                                  CASE kind WHEN 'topup' THEN (detail->'price'->>'amount')::bigint END AS price
                             FROM transfer
                            WHERE IN_CHUNK AND kind IN ('topup', 'takeback', 'giveback')) t
                          USING (customer, bucket, topup_id),
                          LATERAL (SELECT coalesce(sum((o->>1)::bigint), 0) AS part
                                     FROM json_array_elements(t.detail->'of') AS o) p
                    GROUP BY 1, 2, 3, 4, 5) t
                WHERE taken <> CASE price WHEN 0 THEN 0 ELSE div(bells::numeric * least(gone, price), price) END
                  AND at < now() - interval '1 minute'
                  AND NOT EXISTS (SELECT FROM topup_refund f
                                   WHERE (f.customer, f.topup_id) = (t.customer, t.topup_id) AND f.due_at IS NOT NULL)
                  AND NOT topup_waits(topup_id, account, reference)""",
        ),
        (
            "order_adds_up",
            """SELECT customer, order_id::text FROM orders o
                WHERE IN_CHUNK AND total <> (
                      SELECT coalesce(sum((l->>4)::bigint - (l->>5)::bigint), 0)
                        FROM json_array_elements(o.lines) AS l)""",
        ),
        (
            "right_is_its_journal",
            """SELECT coalesce(j.customer, e.customer),
                      coalesce(j.product_id, e.product_id) || ' by seq ' || coalesce(j.seq, e.seq)
                 FROM (SELECT * FROM (
                              SELECT DISTINCT ON (customer, bucket, product_id)
                                     customer, bucket, product_id, seq, granted
                                FROM right_change WHERE IN_CHUNK
                               ORDER BY customer, bucket, product_id, seq DESC) last WHERE granted) j
                 FULL JOIN (SELECT customer, bucket, product_id, granted_by AS seq, true AS there
                              FROM entitlement WHERE IN_CHUNK) e USING (customer, bucket, product_id, seq)
                WHERE j.granted IS NULL OR e.there IS NULL""",
        ),
        (
            "right_is_granted_once",
            """SELECT customer, product_id || ' by seq ' || seq FROM (
                   SELECT customer, product_id, seq, granted, lag(granted, 1, false) OVER w AS before
                     FROM right_change WHERE IN_CHUNK
                   WINDOW w AS (PARTITION BY customer, bucket, product_id ORDER BY seq)) t
                WHERE granted = before""",
        ),
        (
            "order_has_its_vouchers",
            """SELECT coalesce(o.customer, v.customer),
                      coalesce(o.order_id, v.order_id) || ' ' || coalesce(o.voucher_id, v.voucher_id)
                 FROM (SELECT customer, order_id, bucket, voucher_id, saves FROM order_voucher v
                        WHERE IN_CHUNK AND NOT EXISTS (
                              SELECT FROM transfer r
                               WHERE r.kind = 'refund' AND r.detail->>'orderId' = v.order_id::text
                                 AND r.bucket = v.bucket AND r.detail->'vouchers' IS NOT NULL)) o
                 FULL JOIN (SELECT customer, used_by AS order_id, bucket, voucher_id, saved
                              FROM voucher WHERE IN_CHUNK AND used_by IS NOT NULL) v
                   USING (customer, order_id, bucket, voucher_id)
                WHERE o.saves IS DISTINCT FROM v.saved""",
        ),
        (
            "discount_is_its_vouchers",
            """SELECT customer, order_id::text FROM orders o
                WHERE IN_CHUNK AND discount <> (
                      SELECT coalesce(sum((v->>1)::bigint), 0) FROM json_array_elements(o.vouchers) AS v)""",
        ),
        (
            "refunds_are_of_their_orders",
            """SELECT r.customer, 'refund of ' || (r.detail->>'orderId')
                 FROM (SELECT * FROM transfer WHERE IN_CHUNK AND kind = 'refund') r
                 LEFT JOIN transfer o ON o.cause = (r.detail->>'orderId')::uuid AND o.bucket = r.bucket
                                     AND o.customer = r.customer AND o.currency = r.currency AND o.kind = 'payment',
                      json_array_elements(r.detail->'lines') AS e (l)
                WHERE NOT EXISTS (
                      SELECT FROM json_array_elements(o.detail->0) AS p (l)
                       WHERE p.l->>0 = e.l->>0 AND (p.l->>4)::bigint - (p.l->>5)::bigint = (e.l->>1)::bigint)""",
        ),
        (
            "line_is_refunded_once",
            """SELECT customer, (detail->>'orderId') || ' ' || (e.l->>0)
                 FROM transfer, json_array_elements(detail->'lines') AS e (l)
                WHERE IN_CHUNK AND kind = 'refund'
                GROUP BY customer, detail->>'orderId', e.l->>0 HAVING count(*) > 1""",
        ),
        (
            "cause_is_what_it_names",
            """SELECT customer, kind || ' ' || reference FROM (
                   SELECT customer, kind, cause,
                          CASE WHEN kind = 'refund' AND detail->>'by' = 'customer' THEN 'own ' ELSE '' END
                          || journal_reference(kind, cause, detail)
                          || CASE WHEN kind IN ('takeback', 'giveback', 'freeze', 'release')
                                  THEN ' ' || (detail->>'number') ELSE '' END AS reference
                     FROM transfer WHERE IN_CHUNK AND kind NOT IN ('payment', 'expiry')) t
                WHERE cause <> ledger_cause(customer, kind, reference)""",
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
        """SELECT o.coupon_id, 'code of ' || coalesce(c.customer_id, o.claimed_by::text)
             FROM coupon_code o
             LEFT JOIN customer c ON c.customer = o.claimed_by
             LEFT JOIN voucher v ON v.voucher_id = o.voucher_id AND v.customer = o.claimed_by
            WHERE o.claimed_by IS NOT NULL AND v.coupon_id IS DISTINCT FROM o.coupon_id""",
    ),
    Check(
        "code_has_its_gift",
        """SELECT g.campaign, 'code of ' || coalesce(c.customer_id, g.customer::text)
             FROM gift_code g
             LEFT JOIN customer c USING (customer)
            WHERE g.redeemed_at IS NOT NULL AND NOT EXISTS (
                  SELECT FROM transfer t
                   WHERE t.cause = ledger_cause(g.customer, 'gift', encode(g.code_hash, 'hex')))""",
    ),
)
"""What spans customers, compared once, in a snapshot of its own."""


class Difference(msgspec.Struct, frozen=True, rename="camel"):
    """One place where the books disagree; for what spans customers `cust_id` is the coupon's id or the campaign."""

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

    after: int
    upto: int | None
    customers: int


class Names:
    """The custIds of customers, looked up where something about one is told."""

    def __init__(self, connection: Rows) -> None:
        self._connection = connection

    def __getitem__(self, customer: int) -> str:
        """The custId; the key of a customer who is not there."""
        row = self._connection.execute("SELECT customer_id FROM customer WHERE customer = %s", (customer,)).fetchone()
        return str(customer) if row is None else str(row[0])


def count_wallets(connection: Rows) -> int:
    """About how many wallets there are, for a progress bar."""
    row = connection.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'wallet'").fetchone()
    return int(row[0]) if row else 0


def reconcile(connection: Rows, progress: Callable[[int], None] = lambda _: None) -> Report:
    """Compare everything. `progress` is told the customers done since the last call.

    `connection` is in autocommit mode. The report's numbers are those of the rows seen.
    """
    differences: list[Difference] = []
    customers = orders = transfers = 0
    names = Names(connection)
    for chunk in chunks(connection):
        place = chunk._asdict()
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for check in CHECKS:
                for customer, detail in connection.execute(check.sql.encode(), place).fetchall():
                    differences.append(Difference(check.name, names[customer], str(detail)))
            orders += _count(connection, "orders", place)
            transfers += _count(connection, "transfer", place)
        customers += chunk.customers
        progress(chunk.customers)
    for check in SHARED_CHECKS:
        for place_of, detail in connection.execute(check.sql.encode()):
            differences.append(Difference(check.name, str(place_of), str(detail)))
    return Report(customers, orders, transfers, differences)


def chunks(connection: Rows) -> Iterator[Chunk]:
    """The customers in stretches of up to CHUNK, wherever they have a wallet or not."""
    after = -1
    while True:
        rows = connection.execute(
            "SELECT DISTINCT customer FROM wallet WHERE customer > %s ORDER BY customer LIMIT %s", (after, CHUNK)
        ).fetchall()
        if len(rows) < CHUNK:
            yield Chunk(after, None, len(rows))
            return
        upto = int(rows[-1][0])
        yield Chunk(after, upto, len(rows))
        after = upto


def _count(connection: Rows, table: str, place: dict[str, object]) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table} WHERE {IN_CHUNK}".encode(), place).fetchone()  # noqa: S608
    return int(row[0]) if row else 0
