"""Ending rights for bells that are owed, where the shop wants it: the newest first, and no more than are needed.

Each is a refund of one line of an order: its bells come back and pay the debt in the same row of the journal. Looked at
are orders that were paid since the wallet's first top-up whose money went back: what was bought before has cost none of
its bells.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.ledger.lines import Line
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import OrderKey, Policy
from lingdang.topup.rows import TopupRow

AT_ONCE = 20
"""Orders that are read at a time."""
_NEWEST = 2**62

_SINCE = """
SELECT coalesce(min(t.seq), 0)::bigint FROM transfer t
 WHERE t.bucket = %b AND t.customer = %b AND t.kind = 'topup' AND t.currency = %b
   AND (t.detail->>'topupId' = %b::text
        OR EXISTS (SELECT FROM topup p WHERE p.bucket = t.bucket AND p.customer = t.customer
                      AND p.topup_id = (t.detail->>'topupId')::uuid AND p.refunded + p.lost > 0))
"""
_ORDERS = f"""
SELECT o.seq::bigint, o.order_id, o.lines::text, o.refunds::text FROM orders o
 WHERE o.bucket = %b AND o.customer = %b AND o.currency = %b AND o.seq > %b AND o.seq < %b
 ORDER BY o.seq DESC LIMIT {AT_ONCE}
"""  # noqa: S608 - a constant

_lines = msgspec.json.Decoder(list[Line]).decode


class Paid(msgspec.Struct, frozen=True):
    """An order of the wallet, and the lines that can still be refunded for bells, last one first."""

    seq: int
    order_id: UUID
    ordered: tuple[str, ...]
    left: tuple[str, ...]


class Revoking:
    """Ends rights. Done once more it ends none that need not end: the ledger refuses when nothing is owed."""

    def __init__(self, settlement: Settlement, policy: Policy) -> None:
        self._settlement = settlement
        self._policy = policy

    async def pay(self, connection: Connection, topup: TopupRow, debt: int) -> None:
        """Refund what was bought until `debt` bells of the top-up's wallet are paid, or nothing is left.

        Raises Problem `overloaded`; once more goes on from there.
        """
        if not debt:
            return
        wallet = (topup.bucket, topup.customer, topup.currency)
        rows = await connection.execute(_SINCE, (*wallet, str(topup.topup_id)), binary=True)
        [(since,)] = await rows.fetchall()
        before = _NEWEST
        while True:
            rows = await connection.execute(_ORDERS, (*wallet, since, before), binary=True)
            found = [_paid(*row) for row in await rows.fetchall()]
            for order in found:
                for product_id in order.left:
                    debt -= await self._refund(topup, order, product_id, debt)
                    if debt <= 0:
                        return
            if len(found) < AT_ONCE:
                return
            before = found[-1].seq

    async def _refund(self, topup: TopupRow, order: Paid, product_id: str, debt: int) -> int:
        """How many of the bells are paid by it, all where nothing is owed any more."""
        command = self._policy.command(
            "operator",
            OrderKey(topup.bucket, topup.customer, order.ordered),
            order.order_id,
            f"topup {topup.topup_id} {order.order_id} {product_id}",
            product_ids=(product_id,),
            keep_discount=True,
            reason="other",
            note=f"Top-up {topup.topup_id}: its money went back",
        )
        # Bells whose lot has lapsed pay the debt all the same: else the right would end for nothing.
        extend = command.extend or timedelta()
        try:
            done = await self._settlement.submit(msgspec.structs.replace(command, extend=extend, owing=True))
        except Problem as problem:
            if problem.code == "already_refunded":
                return 0
            if problem.code == "refund_not_allowed":
                return debt
            raise
        paid: int = done.record.debt_paid
        return paid


def _paid(seq: int, order_id: UUID, lines: str, refunds: str) -> Paid:
    bought = _lines(lines)
    gone = set(_refunded(refunds))
    left = [line.product_id for line in reversed(bought) if line.payable and line.product_id not in gone]
    return Paid(seq, order_id, tuple(line.product_id for line in bought), tuple(left))


def _refunded(refunds: str) -> Iterator[str]:
    for _, lines, *_ in msgspec.json.decode(refunds):
        for product_id, _ in lines:
            yield product_id
