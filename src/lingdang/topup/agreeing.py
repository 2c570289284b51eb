"""Whether a top-up is as its provider's list of a day has it. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.topup.merging import merged, with_returns
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.rows import TopupRow


def agrees(row: TopupRow, listed: Standing, now: datetime) -> bool:
    """Whether the list tells nothing that is not known. What was told after the list was made is no difference."""
    if row.paid_at is None:
        return listed.state != "paid"
    told = merged(row, msgspec.structs.replace(listed, returns=()), now, exact=False, tester=True)
    if (told.refunded, told.disputed, told.lost) != (row.refunded, row.disputed, row.lost):
        return False
    return has_its_money(row, listed) and _amounts(with_returns(row.returns, listed.returns)) == _amounts(row.returns)


def has_its_money(row: TopupRow, told: Standing) -> bool:
    """Whether what came is what is told. A store's price is only recorded."""
    return told.received is None or row.channel == "store" or told.received == row.money


def _amounts(returns: Sequence[Return]) -> dict[str, int]:
    return {each.reference: each.amount for each in returns}
