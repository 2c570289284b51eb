"""What moved a top-up's bells since they came, for its customer: a debt that they paid, and what was taken back."""

from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all
from lingdang.ledger import debts, left, taken
from lingdang.ledger.state import Row
from lingdang.ledger.topping_up import topup_cause

_SQL = "SELECT ledger_since(%b::smallint, ARRAY[%b::uuid])"

_decode = msgspec.json.Decoder(list[Row]).decode


class TopUpMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Bells of a credited top-up. `debt_paid` of them paid what was owed as they came.

    `taken` went back with their money; of these `owed` had been spent, and became a debt. `frozen` are held by an open
    dispute.
    """

    debt_paid: int
    taken: int
    owed: int
    frozen: int


async def moved_of(pool: Pool, bucket: int, customer: int, topup_id: UUID) -> TopUpMoved | None:
    """What moved a top-up's bells; None where it was not credited, or is another customer's.

    Raises Problem `overloaded`.
    """
    [(found,)] = await fetch_all(pool, _SQL, (bucket, topup_cause(customer, topup_id)))
    rows = _decode(found)
    if not rows:
        return None
    credit = left.credits_of(rows)[left.topup_key(str(topup_id))]
    changes = [row for row in rows if row.kind in (taken.TAKEBACK, taken.GIVEBACK)]
    of_it = [row for row in changes if taken.detail_of(row).topup_id == topup_id]
    return TopUpMoved(
        debt_paid=debts.paid_by(rows[0]),
        taken=sum(credit.taken.values()),
        owed=sum([debts.added_by(row) - debts.paid_by(row) for row in of_it]),
        frozen=sum(credit.frozen.values()),
    )
