"""The customers of a move: known from then on, in their groups, and remembered with what the move changed of them."""

from collections.abc import Callable
from datetime import datetime

from lingdang.ids import new_customer
from lingdang.moving.staging import Connection

PAGE = 20_000
"""Customers of one transaction."""

_TABLE = """
CREATE TEMPORARY TABLE named (
    place bigint NOT NULL, cust_id text COLLATE "C" NOT NULL, created_at timestamptz, groups text[] NOT NULL
)
"""
# Those are named of whom something is to be changed or remembered.
_GATHER = """
WITH given AS MATERIALIZED (
     SELECT s.cust_id, s.created_at, coalesce(g.groups, '{}') AS groups, c.customer,
            m.customer IS NOT NULL AND c.groups @> coalesce(g.groups, '{}') AS done
       FROM (
            SELECT s.cust_id, min(s.created_at) AS created_at FROM staged s
             WHERE NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line) GROUP BY s.cust_id
            ) s
       LEFT JOIN (
            SELECT s.cust_id, array_agg(DISTINCT g ORDER BY g) AS groups
              FROM staged s, unnest(s.groups) AS g
             WHERE NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line) GROUP BY s.cust_id
            ) g USING (cust_id)
       LEFT JOIN customer c ON c.customer_id = s.cust_id
       LEFT JOIN moved_customer m ON m.customer = c.customer AND m.move = %(move)s
     ), kept AS (
     INSERT INTO named
     SELECT row_number() OVER (ORDER BY cust_id), cust_id, created_at, groups FROM given WHERE NOT done
     )
SELECT count(*), count(*) FILTER (WHERE customer IS NULL) FROM given
"""
_INDEX = "CREATE INDEX ON named (place); ANALYZE named"
_UNKNOWN = """
SELECT n.cust_id FROM named n LEFT JOIN customer c ON c.customer_id = n.cust_id
 WHERE n.place > %(after)s AND n.place <= %(upto)s AND c.customer IS NULL
"""
# In the order of their names everywhere: moves at once wait for each other, and never in a circle.
_ADD = """
WITH added AS (
     INSERT INTO customer (customer, customer_id, created_at)
     SELECT k.key, n.cust_id, least(n.created_at, %(now)s)
       FROM unnest(%(keys)s::bigint[], %(names)s::text[]) AS k (key, cust_id) JOIN named n USING (cust_id)
      ORDER BY n.cust_id
     ON CONFLICT DO NOTHING RETURNING customer
     )
INSERT INTO moved_customer (move, customer, bucket, created)
SELECT %(move)s, customer, customer %% %(buckets)s, true FROM added
"""
_REMEMBER = """
INSERT INTO moved_customer (move, customer, bucket)
SELECT %(move)s, c.customer, c.customer %% %(buckets)s FROM named n JOIN customer c ON c.customer_id = n.cust_id
 WHERE n.place > %(after)s AND n.place <= %(upto)s ORDER BY c.customer
    ON CONFLICT DO NOTHING
"""
_JOIN = """
WITH changed AS (
     SELECT c.customer, ARRAY(SELECT unnest(n.groups) EXCEPT SELECT unnest(c.groups)) AS more
       FROM named n JOIN customer c ON c.customer_id = n.cust_id
      WHERE n.place > %(after)s AND n.place <= %(upto)s AND NOT c.groups @> n.groups
      ORDER BY c.customer_id FOR NO KEY UPDATE OF c
     ), joined AS (
     UPDATE customer c SET groups = ARRAY(SELECT unnest(c.groups || h.more) ORDER BY 1)
       FROM changed h WHERE h.customer = c.customer
     )
UPDATE moved_customer m SET groups = m.groups || h.more
  FROM changed h WHERE m.move = %(move)s AND m.customer = h.customer AND m.bucket = h.customer %% %(buckets)s
"""


def gather_names(connection: Connection, move: str) -> tuple[int, int]:
    """Gather the customers of the staged rows. Answers how many there are, and how many of them are new."""
    connection.execute(_TABLE)
    row = connection.execute(_GATHER, {"move": move}).fetchone()
    assert row is not None, "a count is one row"
    connection.execute(_INDEX)
    return int(row[0]), int(row[1])


def make_names_known(
    connection: Connection, move: str, buckets: int, now: datetime, progress: Callable[[int, int], None]
) -> None:
    """Add those nobody has heard of, put all into their groups, and remember them with the move.

    `progress` is told how many of all are done.
    """
    row = connection.execute("SELECT count(*) FROM named").fetchone()
    total = row[0] if row else 0
    for after in range(0, total, PAGE):
        place = {"after": after, "upto": after + PAGE, "move": move, "buckets": buckets, "now": now}
        with connection.transaction():
            _add(connection, place)
            connection.execute(_REMEMBER, place)
            connection.execute(_JOIN, place)
        progress(min(after + PAGE, total), total)


def _add(connection: Connection, place: dict[str, object]) -> None:
    """Add the page's unknown customers; again where another customer has one of the new keys."""
    while names := [name for (name,) in connection.execute(_UNKNOWN, place)]:
        connection.execute(_ADD, {**place, "names": names, "keys": [new_customer() for _ in names]})
