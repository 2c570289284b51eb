"""Moving out: what the shop has, in the form in which a shop is moved in, all of one moment."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg

from lingdang.deployment import Deployment
from lingdang.errors import CommandError
from lingdang.identity.customers import ERASED
from lingdang.moving import moves
from lingdang.moving.form import MAX_GROUPS, MAX_ORDER_ID
from lingdang.moving.staging import Connection
from lingdang.moving.totals import Held

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# JSON has no control characters: a row leaves as it is written.
_AS_IT_IS = r"WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"


class _File(NamedTuple):
    name: str
    rows: str


_FILES = (
    _File(
        "customers.jsonl",
        """
        SELECT json_strip_nulls(json_build_object(
               'kind', 'customer', 'custId', c.customer_id,
               'groups', nullif(c.groups[n + 1 : n + %(groups)s], '{}'), 'createdAt', journal_moment(c.created_at)))
          FROM customer c, generate_series(0, greatest(cardinality(c.groups) - 1, 0), %(groups)s) AS n
         WHERE NOT starts_with(c.customer_id, %(erased)s) ORDER BY c.customer, n
        """,
    ),
    _File(
        "lots.jsonl",
        """
        SELECT json_strip_nulls(json_build_object(
               'kind', 'lot', 'custId', c.customer_id, 'currency', w.currency, 'amount', l.amount,
               'origin', split_part(l.name, '@', 1), 'expiresAt', nullif(split_part(l.name, '@', 2), '')))
          FROM wallet w JOIN customer c USING (customer), unnest(w.lots, w.remaining) AS l (name, amount)
         WHERE NOT starts_with(c.customer_id, %(erased)s) AND NOT LAPSED
         ORDER BY w.customer, w.currency
        """,
    ),
    _File(
        "rights.jsonl",
        """
        SELECT json_build_object('kind', 'right', 'custId', c.customer_id, 'productId', e.product_id)
          FROM entitlement e JOIN customer c USING (customer)
         WHERE NOT starts_with(c.customer_id, %(erased)s) ORDER BY e.customer, e.product_id
        """,
    ),
    # What was bought here is a past order elsewhere. Two systems before may have had the same id for one customer: then
    # the move stands before it, and where that is too long, or another order's id, a digest behind it.
    _File(
        "orders.jsonl",
        """
        WITH history AS (
             SELECT customer, move, order_id, paid_at, currency, total, status, lines FROM past_order
              UNION ALL
             SELECT o.customer, '', o.order_id::text, o.paid_at, o.currency, o.total, CASE
                        WHEN g.gone = 0 THEN 'paid'
                        WHEN g.gone < json_array_length(o.lines) THEN 'partly_refunded' ELSE 'refunded' END,
                    (SELECT jsonb_agg(jsonb_build_object(
                            'productId', l->0, 'title', l->1, 'price', l->4,
                            'payable', (l->>4)::bigint - (l->>5)::bigint) ORDER BY n)
                       FROM json_array_elements(o.lines) WITH ORDINALITY AS e (l, n))
               FROM orders o, LATERAL (
                    SELECT coalesce(sum(json_array_length(r->1)), 0) AS gone FROM json_array_elements(o.refunds) AS r
                    ) g
             ), named AS (
             SELECT h.*, CASE WHEN count(*) OVER (PARTITION BY h.customer, h.order_id) = 1 THEN h.order_id
                              ELSE h.move || ':' || h.order_id END AS name
               FROM history h
             )
        SELECT json_strip_nulls(json_build_object(
               'kind', 'order', 'custId', c.customer_id, 'orderId', CASE
                   WHEN length(o.name) > %(longest)s OR count(*) OVER (PARTITION BY o.customer, o.name) > 1
                   THEN left(o.move || ':' || o.order_id, %(longest)s - 17) || ':'
                        || left(encode(sha256(convert_to(o.move || ' ' || o.order_id, 'UTF8')), 'hex'), 16)
                   ELSE o.name END,
               'paidAt', journal_moment(o.paid_at), 'currency', o.currency, 'total', o.total, 'status', o.status,
               'lines', o.lines))
          FROM named o JOIN customer c USING (customer)
         WHERE NOT starts_with(c.customer_id, %(erased)s) ORDER BY o.customer, o.paid_at, o.move, o.order_id
        """,
    ),
)
_LAPSED = "coalesce(nullif(split_part(l.name, '@', 2), '')::timestamptz <= %(now)s, false)"
_TOTALS = """
SELECT w.currency, split_part(l.name, '@', 1), count(*), sum(l.amount)
  FROM wallet w JOIN customer c USING (customer), unnest(w.lots, w.remaining) AS l (name, amount)
 WHERE NOT starts_with(c.customer_id, %(erased)s) AND NOT LAPSED GROUP BY 1, 2 ORDER BY 1, 2
"""
# What a debtor owes and what is disputed has no place in the form: it is told, and stays.
_STAYS = """
SELECT currency, sum(debt)::bigint, sum(coalesce(f.bells, 0))::bigint, count(*)
  FROM wallet w JOIN customer c USING (customer) LEFT JOIN frozen f USING (bucket, customer, currency)
 WHERE NOT starts_with(c.customer_id, %(erased)s) AND (debt > 0 OR f.bells > 0) GROUP BY 1 ORDER BY 1
"""
_COUNT_ERASED = "SELECT count(*) FROM customer WHERE starts_with(customer_id, %(erased)s)"


class Staying(msgspec.Struct, frozen=True):
    """Bells of one currency that do not leave, of so many wallets: those that are owed, and those that are frozen."""

    currency: str
    debt: int
    frozen: int
    wallets: int


class Written(msgspec.Struct, rename="camel"):
    """What was written: the rows of each file, and the bells in the lots. Erased customers have no rows."""

    files: dict[str, int]
    wallets: list[Held]
    erased_customers: int
    staying: list[Staying]


def move_out(deployment: Deployment, folder: Path, progress: Callable[[str, int], None]) -> Written:
    """Write the files of `folder`, which may not be there yet. `progress` is told the bytes written of each file.

    Raises CommandError where one of the files is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = [file.name for file in _FILES if (folder / file.name).exists()]
    if there:
        raise CommandError(f"{folder} has {' and '.join(there)} already: name another folder")
    with moves.session(deployment) as connection, connection.transaction():
        connection.execute(_SNAPSHOT)
        return _write(connection, folder, deployment.clock(), progress)


def _write(connection: Connection, folder: Path, now: datetime, progress: Callable[[str, int], None]) -> Written:
    place = {"erased": ERASED, "now": now, "groups": MAX_GROUPS, "longest": MAX_ORDER_ID}
    files = {file.name: _copy(connection, file, folder / file.name, place, progress) for file in _FILES}
    wallets = [
        Held(currency, origin, lots, int(bells))
        for currency, origin, lots, bells in connection.execute(_told(_TOTALS), place)
    ]
    erased = connection.execute(_COUNT_ERASED, place).fetchone()
    staying = [Staying(*row) for row in connection.execute(_STAYS, place)]
    return Written(files, wallets, erased[0] if erased else 0, staying)


def _copy(
    connection: Connection, file: _File, path: Path, place: dict[str, Any], progress: Callable[[str, int], None]
) -> int:
    """How many rows the file has."""
    rows = octets = 0
    statement = b"COPY (%b) TO STDOUT %b" % (_told(file.rows), _AS_IT_IS.encode())
    with path.open("xb") as written, psycopg.ClientCursor(connection) as cursor, cursor.copy(statement, place) as copy:
        for block in copy:
            rows += bytes(block).count(b"\n")
            octets += written.write(block)
            progress(file.name, octets)
    return rows


def _told(sql: str) -> bytes:
    return sql.replace("LAPSED", _LAPSED).encode()
