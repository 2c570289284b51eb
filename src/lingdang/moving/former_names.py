"""Former names: the rows of a file of before find a customer who was renamed since.

A custId may be given to somebody else later, so a file does not say by itself which of the two it means. It means who
had the custId when its move began, or whom the one who moves it in says; where that is in doubt its rows are refused.
"""

from typing import Literal

from lingdang.moving.staging import Connection

Meaning = Literal["before", "now"]
"""Whom a custId means that a renamed customer had: who had it before, or who has it now."""

# The moves that have begun know the customer by this name.
_KEEP = """
INSERT INTO former_name (customer_id, customer, moves)
SELECT %s, %s, ARRAY(SELECT name FROM move WHERE undone_at IS NULL) ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM former_name WHERE customer_id = %s AND customer = %s"

# Every custId of the files that somebody had before, with the name that they have now, or why it is not followed.
_MEANT = """
CREATE TEMPORARY TABLE meant AS
WITH renamed AS (
     SELECT f.customer_id AS given, min(f.customer) AS customer, min(c.customer_id) AS now, count(*) > 1 AS several,
            bool_and(%(move)s = ANY (f.moves)) AS begun,
            EXISTS (SELECT FROM customer o WHERE o.customer_id = f.customer_id) AS taken
       FROM former_name f JOIN customer c USING (customer) GROUP BY f.customer_id
     ), named AS (
     SELECT DISTINCT s.cust_id
       FROM staged s JOIN (SELECT given FROM renamed UNION SELECT now FROM renamed) r (cust_id) USING (cust_id)
     ), found AS (
     SELECT r.*, r.now IN (SELECT cust_id FROM named EXCEPT SELECT given FROM renamed) AS named_now,
            count(*) FILTER (WHERE r.begun AND NOT r.several AND NOT r.taken) OVER (PARTITION BY r.customer) AS names
       FROM renamed r JOIN named n ON n.cust_id = r.given
     )
SELECT given, now, CASE
       WHEN several
       THEN 'several customers who were renamed had the custId ' || given || ': name the one who is meant as of now'
       WHEN %(before)s THEN NULL
       WHEN taken
       THEN given || ' was renamed to ' || now || ', and somebody else has the custId ' || given || ' now' || ASK
       WHEN NOT begun
       THEN given || ' was renamed to ' || now || ' before this move began' || ASK
       WHEN named_now OR names > 1
       THEN given || ' was renamed to ' || now || ', and the files name that customer otherwise, too' || ASK
       END AS reason
  FROM found
"""
_ASK = "': say by --cust-ids whether the files are of before or of now'"
_REFUSE = """
INSERT INTO wrong
SELECT s.file, s.line, 'custId', m.reason FROM staged s JOIN meant m ON m.given = s.cust_id WHERE m.reason IS NOT NULL
"""
_FOLLOW = """
UPDATE staged s SET cust_id = m.now, given = m.given FROM meant m WHERE m.given = s.cust_id AND m.reason IS NULL
"""
_COUNT = """
SELECT count(*) FROM staged s
 WHERE s.given IS NOT NULL AND NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line)
"""


def keep(connection: Connection, cust_id: str, customer: int) -> None:
    """Remember that a customer had this name."""
    connection.execute(_KEEP, (cust_id, customer))


def forget(connection: Connection, cust_id: str, customer: int) -> None:
    """Forget it: the customer has the name again."""
    connection.execute(_FORGET, (cust_id, customer))


def follow(connection: Connection, move: str, meaning: Meaning | None) -> None:
    """Give the staged rows the names that their customers have now; note as wrong those that could mean another."""
    if meaning == "now":
        return
    connection.execute(_MEANT.replace("ASK", _ASK).encode(), {"move": move, "before": meaning == "before"})
    connection.execute(_REFUSE)
    connection.execute(_FOLLOW)


def count_followed(connection: Connection) -> int:
    """How many rows that were not refused have found a renamed customer."""
    row = connection.execute(_COUNT).fetchone()
    assert row is not None, "a count is one row"
    return int(row[0])
