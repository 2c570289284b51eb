"""Past orders of a move: history beside the journal, which moves no bells and gives no right."""

from collections.abc import Callable
from datetime import datetime

from lingdang.moving.staging import Connection

PAGE = 20_000
"""Orders of one transaction."""

# What a customer has bought in this shop is no history: a shop's own orders may come back to it, as it moved them out.
_DUE = """
CREATE TEMPORARY TABLE due_order AS
SELECT row_number() OVER (ORDER BY s.customer, s.file, s.line) AS place, s.*,
       (p.paid_at, p.currency, p.total, p.status, p.lines) IS DISTINCT FROM
       (s.paid_at, s.currency, s.total, s.status, s.lines) AS differs,
       CASE WHEN p.customer IS NOT NULL THEN 'before' WHEN t.cause IS NOT NULL THEN 'owned' ELSE 'new' END AS state
  FROM (
       SELECT s.file, s.line, s.reference AS order_id, s.currency, s.amount AS total,
              (s.detail->>'paidAt')::timestamptz AS paid_at, s.detail->>'status' AS status,
              (s.detail->'lines')::jsonb AS lines, c.customer
         FROM staged s
         LEFT JOIN customer c ON c.customer_id = s.cust_id
        WHERE s.kind = 'order' AND NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line)
       ) s
  LEFT JOIN past_order p ON p.customer = s.customer AND p.move = %(move)s AND p.order_id = s.order_id
  LEFT JOIN transfer t ON t.customer = s.customer AND t.kind = 'payment'
        AND t.cause = CASE WHEN s.order_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN s.order_id::uuid END
"""
_UNFIT = (
    """
    INSERT INTO wrong
    SELECT file, line, '', 'this order was moved in before, and said something else'
      FROM due_order WHERE state = 'before' AND differs
    """,
    """
    INSERT INTO wrong
    SELECT file, line, 'paidAt', 'it is yet to come' FROM due_order WHERE state = 'new' AND paid_at > %(now)s
    """,
    "DELETE FROM due_order d USING wrong f WHERE f.file = d.file AND f.line = d.line",
    "CREATE INDEX ON due_order (place) WHERE state = 'new'",
    "ANALYZE due_order",
)
_ADD = """
WITH added AS (
     INSERT INTO past_order (customer, move, order_id, bucket, paid_at, currency, total, status, lines)
     SELECT customer, %(move)s, order_id, customer %% %(buckets)s, paid_at, currency, total, status, lines
       FROM due_order WHERE state = 'new' AND place > %(after)s AND place <= %(upto)s
      ORDER BY customer, order_id
         ON CONFLICT DO NOTHING RETURNING currency, total
     )
SELECT currency, count(*), sum(total) FROM added GROUP BY currency
"""
_TAKE_BACK = """
DELETE FROM past_order o USING moved_customer m
 WHERE m.move = %(move)s AND o.move = m.move AND o.customer = m.customer AND o.bucket = m.bucket
"""


def find_due(connection: Connection, move: str, now: datetime) -> None:
    """Gather the past orders, each with whether the shop has it; note as wrong what cannot be."""
    connection.execute(_DUE, {"move": move})
    for statement in _UNFIT:
        connection.execute(statement, {"now": now} if "%(now)s" in statement else None)


def add(
    connection: Connection,
    move: str,
    buckets: int,
    added: Callable[[str, int, int], None],
    progress: Callable[[int, int], None],
) -> None:
    """Add those that are new. `added` is told currency, number and sum of each page's, `progress` how many of all."""
    row = connection.execute("SELECT coalesce(max(place), 0) FROM due_order WHERE state = 'new'").fetchone()
    last = row[0] if row else 0
    for after in range(0, last, PAGE):
        place = {"move": move, "buckets": buckets, "after": after, "upto": after + PAGE}
        for currency, orders, total in connection.execute(_ADD, place):
            added(currency, orders, int(total))
        progress(min(after + PAGE, last), last)


def take_back(connection: Connection, move: str) -> int:
    """Delete the past orders of a move. Answers how many."""
    return connection.execute(_TAKE_BACK, {"move": move}).rowcount
