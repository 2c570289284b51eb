"""The rows of the files beside the shop, in tables of the session alone: what is wrong among them, and what is new.

Everything here is set-based, and gone when the session ends: a move that was broken off is staged again, and goes on
with what the journal does not have.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from lingdang.ledger.lots import LotKind
from lingdang.moving.form import Refused, Staged

Connection = psycopg.Connection[Any]

_SESSION = "SET temp_buffers = '128MB'; SET work_mem = '128MB'; SET timezone = 'UTC'"

_TABLES = """
CREATE TEMPORARY TABLE staged (
    file smallint NOT NULL, line integer NOT NULL, kind text NOT NULL, cust_id text COLLATE "C" NOT NULL,
    reference text COLLATE "C", currency text COLLATE "C", amount bigint, origin text, expires_at timestamptz,
    product_id text COLLATE "C", groups text[], created_at timestamptz, detail json,
    given text COLLATE "C"
);
-- A row whose customer was renamed has the name of now; `given` is the one in the file then.
CREATE TEMPORARY TABLE wrong (file smallint NOT NULL, line integer NOT NULL, field text NOT NULL, reason text NOT NULL);
-- Lots and rights that the journal does not have; `place` is their order.
CREATE TEMPORARY TABLE due (
    place bigint NOT NULL, file smallint NOT NULL, line integer NOT NULL, kind text NOT NULL,
    reference text COLLATE "C" NOT NULL, currency text COLLATE "C", amount bigint, origin text, expires_at timestamptz,
    product_id text COLLATE "C", customer bigint, cause uuid, state text NOT NULL
);
-- How many of those that the files give the journal has had already, with the bells that it has.
CREATE TEMPORARY TABLE done (kind text, currency text, origin text, rows bigint NOT NULL, bells numeric NOT NULL)
"""
_COPY = f"COPY staged (file, {', '.join(Staged.__struct_fields__)}) FROM STDIN"

# Lots, rights and past orders have references, which name them within their customer. Numbers are sorted faster than
# texts, and few are there twice.
_TWICE = """
WITH keyed AS NOT MATERIALIZED (
     SELECT hashtextextended(s.cust_id, hashtextextended(s.reference, 0)) AS key, s.*
       FROM staged s
      WHERE s.reference IS NOT NULL
        AND NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line)
     )
INSERT INTO wrong
SELECT t.file, t.line, '', 'the same ' || t.kind || ' was given before, in '
       || (%(files)s::text[])[t.first_file + 1] || ' on line ' || t.first_line
  FROM (
       SELECT file, line, kind, row_number() OVER w AS n,
              first_value(file) OVER w AS first_file, first_value(line) OVER w AS first_line
         FROM keyed JOIN (SELECT key FROM keyed GROUP BY key HAVING count(*) > 1) k USING (key)
       WINDOW w AS (PARTITION BY cust_id, reference, kind ORDER BY file, line)
       ) t
 WHERE t.n > 1
"""
_UNKNOWN = """
INSERT INTO wrong
SELECT s.file, s.line, 'productId', 'the catalogue has no such product'
  FROM staged s LEFT JOIN product p USING (product_id) WHERE s.kind = 'right' AND p.product_id IS NULL
"""
# What the journal has is counted and left alone: a run that finds little new sorts and keeps little.
_DUE = """
WITH found AS MATERIALIZED (
     SELECT w.*, t.amount + debt_paid(t.accounts, t.amounts) AS booked, t.cause IS NOT NULL AS done
       FROM (
            SELECT s.file, s.line, s.kind, s.reference, s.currency, s.amount, s.origin, s.expires_at, s.product_id,
                   c.customer,
                   ledger_cause(c.customer, CASE s.kind WHEN 'lot' THEN 'credit' ELSE 'grant' END, s.reference) AS cause
              FROM staged s
              LEFT JOIN customer c ON c.customer_id = s.cust_id
             WHERE s.kind IN ('lot', 'right')
               AND NOT EXISTS (SELECT FROM wrong f WHERE f.file = s.file AND f.line = s.line)
            OFFSET 0 -- else the cause is made anew wherever it is named
            ) w
       LEFT JOIN transfer t ON t.cause = w.cause AND t.bucket = w.customer %% %(buckets)s
     ), differing AS (
     INSERT INTO wrong
     SELECT file, line, 'amount', 'this lot was moved in before with ' || booked || ' bells'
       FROM found WHERE kind = 'lot' AND booked <> amount
     ), counted AS (
     INSERT INTO done
     SELECT kind, coalesce(currency, ''), coalesce(origin, ''), count(*), sum(booked)
       FROM found WHERE done AND NOT (kind = 'lot' AND booked <> amount) GROUP BY 1, 2, 3
     )
INSERT INTO due
SELECT row_number() OVER (ORDER BY f.customer, f.file, f.line), f.file, f.line, f.kind, f.reference, f.currency,
       f.amount, f.origin, f.expires_at, f.product_id, f.customer, f.cause,
       CASE WHEN e.customer IS NOT NULL THEN 'owned' ELSE 'new' END
  FROM found f
  LEFT JOIN entitlement e ON e.customer = f.customer AND e.product_id = f.product_id
 WHERE NOT f.done
"""
_UNFIT = (
    """
    INSERT INTO wrong
    SELECT file, line, 'expiresAt', 'it has lapsed already'
      FROM due WHERE kind = 'lot' AND expires_at <= %(now)s
    """,
    "DELETE FROM due d USING wrong f WHERE f.file = d.file AND f.line = d.line",
    "CREATE INDEX ON due (place) WHERE state = 'new'",
    "ANALYZE due",
)
_NEXT = """
SELECT place, file, line, kind, customer, reference, currency, amount, origin, expires_at, product_id
  FROM due WHERE state = 'new' AND place > %s ORDER BY place LIMIT %s
"""
_WRONG = """
SELECT DISTINCT ON (s.file, s.line) s.file, s.line, f.field, f.reason, json_strip_nulls(json_build_object(
       'kind', s.kind, 'custId', coalesce(s.given, s.cust_id),
       'orderId', CASE WHEN s.kind = 'order' THEN s.reference END,
       'paidAt', s.detail->'paidAt', 'currency', s.currency, 'amount', CASE WHEN s.kind = 'lot' THEN s.amount END,
       'total', CASE WHEN s.kind = 'order' THEN s.amount END, 'status', s.detail->'status', 'lines', s.detail->'lines',
       'origin', s.origin, 'expiresAt', s.expires_at, 'productId', s.product_id))
  FROM wrong f JOIN staged s USING (file, line) ORDER BY s.file, s.line
"""


class DueRow(NamedTuple):
    """A lot or a right that is to be moved in: where it stands, and what is asked of the ledger."""

    place: int
    file: int
    line: int
    kind: str
    customer: int
    reference: str
    currency: str
    amount: int
    origin: LotKind
    expires_at: datetime | None
    product_id: str


def prepare(connection: Connection) -> None:
    """Make the tables of the session. `connection` is in autocommit mode, and no other's."""
    connection.execute(_SESSION)
    connection.execute(_TABLES)


def stage(
    connection: Connection, number: int, rows: Iterable[Staged | Refused], refuse: Callable[[Refused], None]
) -> None:
    """Copy the good rows of the file of this number beside the shop."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            if isinstance(row, Refused):
                refuse(row)
            else:
                copy.write_row((number, *msgspec.structs.astuple(row)))


def find_wrong(connection: Connection, files: list[str]) -> None:
    """Note as wrong what the files give more than once (the first row of it stands), and rights to no product."""
    connection.execute("ANALYZE staged")
    connection.execute(_TWICE, {"files": files})
    connection.execute(_UNKNOWN)
    connection.execute("ANALYZE wrong")


def find_due(connection: Connection, buckets: int, now: datetime) -> None:
    """Gather the lots and rights that the journal does not have, and count those that it has.

    Note as wrong what the ledger will not take.
    """
    connection.execute(_DUE, {"buckets": buckets})
    for statement in _UNFIT:
        connection.execute(statement, {"now": now} if "%(now)s" in statement else None)


def next_due(connection: Connection, after: int, most: int) -> list[DueRow]:
    """The rows after this place that are still to be carried out."""
    return [DueRow(*row) for row in connection.execute(_NEXT, (after, most)).fetchall()]


def note_wrong(connection: Connection, row: DueRow, reason: str) -> None:
    """Note a row that the ledger has refused: it is no longer due."""
    connection.execute("INSERT INTO wrong VALUES (%s, %s, '', %s)", (row.file, row.line, reason))
    connection.execute("DELETE FROM due WHERE state = 'new' AND place = %s", (row.place,))


def wrong_rows(connection: Connection, files: list[str]) -> Iterator[Refused]:
    """The rows that were noted as wrong, in their order, each once."""
    for file, line, field, reason, row in connection.execute(_WRONG):
        yield Refused(files[file], line, field, reason, row)
