"""Undoing a move: its credits are reversed and its rights revoked, as rows of the journal, while nothing was spent.
Its past orders are deleted.

Whether anything was spent is asked first, of all its customers; then nothing of a move of which something was spent is
changed. Who pays in the middle keeps what they have of it, and is told of.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from lingdang.deployment import Deployment
from lingdang.errors import Problem, in_one_line
from lingdang.ledger.granting import Revoke
from lingdang.ledger.reversing import Reverse
from lingdang.ledger.rules import Command, Result
from lingdang.moving import moves, past_orders
from lingdang.moving.carrying import PAGE, carry_out
from lingdang.moving.staging import Connection

SHOWN = 100
"""So many customers are named who have spent."""

# The rows of a move by its customers. A reference alone is not enough: the platform may name its own credits likewise.
_ROWS = """
CREATE TEMPORARY TABLE booked AS
SELECT row_number() OVER (ORDER BY t.customer, t.seq) AS place, t.customer, t.bucket, t.seq, t.kind, t.currency,
       t.amount + debt_paid(t.accounts, t.amounts) AS amount, debt_paid(t.accounts, t.amounts) AS paid,
       journal_reference(t.kind, t.cause, t.detail) AS reference, t.detail->>'productId' AS product_id,
       (SELECT substr(l.account, 8) FROM json_array_elements_text(t.accounts) AS l (account)
         WHERE starts_with(l.account, 'wallet:')) AS lot
  FROM moved_customer m
  JOIN transfer t ON t.customer = m.customer AND t.bucket = m.bucket
 WHERE m.move = %(move)s AND t.kind IN ('credit', 'grant') AND t.detail->>'reason' = %(reason)s
   AND starts_with(journal_reference(t.kind, t.cause, t.detail), %(prefix)s)
"""
_SPENT = """
SELECT c.customer_id FROM (
       SELECT b.customer FROM booked b
         JOIN transfer t USING (customer, bucket, currency)
        WHERE t.seq > b.seq AND b.kind = 'credit' AND t.amount < 0 AND t.kind <> 'reversal'
        UNION SELECT customer FROM booked WHERE paid > 0
       ) b JOIN customer c USING (customer)
 ORDER BY 1 LIMIT %s
"""
_NEXT = """
SELECT place, customer, seq, kind, currency, amount, reference, product_id, lot FROM booked
 WHERE place > %s ORDER BY place LIMIT %s
"""
_LEAVE_GROUPS = """
WITH left_now AS (
     UPDATE customer c SET groups = ARRAY(SELECT unnest(c.groups) EXCEPT SELECT unnest(m.groups) ORDER BY 1)
       FROM moved_customer m WHERE m.move = %(move)s AND m.customer = c.customer AND m.groups <> '{}'
     )
UPDATE moved_customer SET groups = '{}' WHERE move = %(move)s AND groups <> '{}'
"""
_UNDONE = "UPDATE move SET undone_at = coalesce(undone_at, %s) WHERE name = %s"


class Kept(msgspec.Struct, frozen=True, rename="camel"):
    """What could not be taken back, and why."""

    cust_id: str
    what: str
    reason: str


class Undone(msgspec.Struct, rename="camel"):
    """What was taken back now, and what by an earlier run. `spent`: customers for whom nothing was changed at all."""

    name: str
    credits: int = 0
    bells: int = 0
    rights: int = 0
    past_orders: int = 0
    before: int = 0
    gone: int = 0
    spent: list[str] = []
    kept: list[Kept] = []


class _Booked(NamedTuple):
    place: int
    customer: int
    seq: int
    kind: str
    currency: str
    amount: int
    reference: str
    product_id: str
    lot: str


def undo(deployment: Deployment, name: str, progress: Callable[[str, int, int], None]) -> Undone:
    """Take a move back. May be repeated. A move that is being undone takes no more rows.

    Raises CommandError where there is no such move, or somebody is at it; Problem `overloaded` or `outcome_unknown`, or
    psycopg.Error, when the database fails: the same again goes on.
    """
    with moves.session(deployment) as connection:
        moves.take_back(connection, name)
        report = Undone(name)
        place = {"move": name, "reason": moves.reason_of(name), "prefix": f"{name}:"}
        connection.execute(_ROWS, place)
        connection.execute("CREATE INDEX ON booked (place); ANALYZE booked")
        if not moves.is_undone(connection, name):  # else it is begun, and what is left of it is taken back
            report.spent = [cust_id for (cust_id,) in connection.execute(_SPENT, (SHOWN,))]
        if not report.spent:
            connection.execute(_UNDONE, (deployment.clock(), name))
            _carry_out(deployment, connection, report, progress)
            report.past_orders = past_orders.take_back(connection, name)
            connection.execute(_LEAVE_GROUPS, place)
        return report


def _carry_out(
    deployment: Deployment, connection: Connection, report: Undone, progress: Callable[[str, int, int], None]
) -> None:
    counted = connection.execute("SELECT count(*) FROM booked").fetchone()
    total = counted[0] if counted else 0

    def rows_after(place: int) -> list[_Booked]:
        return [_Booked(*row) for row in connection.execute(_NEXT, (place, PAGE)).fetchall()]

    asyncio.run(
        carry_out(
            deployment,
            rows_after,
            lambda row: _command(row, report.name),
            lambda row, result: _count(connection, report, row, result),
            lambda done: progress("Undoing", done, total),
        )
    )


def _command(row: _Booked, name: str) -> Command:
    reason = f"Undone: {name}"
    if row.kind == "grant":
        return Revoke(
            customer=row.customer,
            revocation_id=row.reference,
            product_id=row.product_id,
            reason=reason,
            granted_by=row.seq,
        )
    return Reverse(
        customer=row.customer,
        credit_id=row.reference,
        currency=row.currency,
        lot=row.lot,
        amount=row.amount,
        reason=reason,
    )


def _count(connection: Connection, report: Undone, row: _Booked, result: Result) -> None:
    if isinstance(result, Problem) and row.kind == "grant" and result.code == "not_found":
        report.gone += 1  # it was revoked by somebody else
    elif isinstance(result, Problem):
        name = connection.execute("SELECT customer_id FROM customer WHERE customer = %s", (row.customer,)).fetchone()
        report.kept.append(Kept(name[0] if name else "", row.product_id or row.lot, in_one_line(result)))
    elif result.replayed:
        report.before += 1
    elif row.kind == "grant":
        report.rights += 1
    else:
        report.credits += 1
        report.bells += row.amount
