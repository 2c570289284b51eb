"""Former names: the rows of a file of before find a customer who was renamed since.

A custId that is a customer's now means that customer, and never whoever had it before.
"""

from lingdang.moving.staging import Connection

_KEEP = "INSERT INTO former_name (customer_id, customer) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM former_name WHERE customer_id = %s AND customer = %s"

_FOLLOW = """
WITH renamed AS (
     SELECT f.customer_id, min(c.customer_id) AS now
       FROM former_name f JOIN customer c USING (customer)
      WHERE NOT EXISTS (SELECT FROM customer o WHERE o.customer_id = f.customer_id)
      GROUP BY f.customer_id HAVING count(*) = 1
     )
UPDATE staged s SET cust_id = r.now FROM renamed r WHERE s.cust_id = r.customer_id
"""
# Several had the name, or whoever has it now is not whom this move has known by it.
_AMBIGUOUS = """
INSERT INTO wrong
SELECT s.file, s.line, 'custId', 'customers who were renamed had this custId: name the one that is meant as of now'
  FROM staged s JOIN (
       SELECT f.customer_id
         FROM former_name f
         LEFT JOIN customer c ON c.customer_id = f.customer_id
         LEFT JOIN moved_customer m ON m.customer = f.customer AND m.move = %(move)s
        GROUP BY f.customer_id
       HAVING CASE WHEN count(c.customer) > 0 THEN count(m.customer) > 0 ELSE count(*) > 1 END
       ) a ON a.customer_id = s.cust_id
"""


def keep(connection: Connection, cust_id: str, customer: int) -> None:
    """Remember that a customer had this name."""
    connection.execute(_KEEP, (cust_id, customer))


def forget(connection: Connection, cust_id: str, customer: int) -> None:
    """Forget it: the customer has the name again."""
    connection.execute(_FORGET, (cust_id, customer))


def follow(connection: Connection, move: str) -> None:
    """Give the staged rows the names that their customers have now; note as wrong those that could mean several."""
    connection.execute(_FOLLOW)
    connection.execute(_AMBIGUOUS, {"move": move})
