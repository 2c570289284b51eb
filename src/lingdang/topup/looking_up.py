"""Looking top-ups up by what somebody has of one: what its customer was told, or the payment's id at its provider."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from lingdang.db.pool import Pool, fetch_all
from lingdang.ids import ruled
from lingdang.topup.rows import SELECT, TopupRow, row_of

SUPPORT_PATTERN = ruled(r"^[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}\Z", "12 hex digits, as in 36EB-C594-E123")
SupportReference = Annotated[
    str, Meta(pattern=SUPPORT_PATTERN, description="What a customer was told: the end of the topupId.")
]
_PATTERN = ruled(r"^[^\x00]+\Z", "text without the character NUL")
Reference = Annotated[
    str, Meta(min_length=1, max_length=2000, description="The payment's id at its provider.", pattern=_PATTERN)
]
MOST = 100

_BY_SUPPORT = f"""
{SELECT} WHERE right(topup_id::text, 12) = %b AND differs <> '{{}}' ORDER BY topup_id DESC LIMIT {MOST}
"""
_BY_REFERENCE = f"""
WITH RECURSIVE a AS (
    SELECT min(account) AS account FROM topup
    UNION ALL SELECT (SELECT min(t.account) FROM topup t WHERE t.account > a.account) FROM a WHERE a.account IS NOT NULL
)
{SELECT} WHERE account IN (SELECT a.account FROM a) AND reference = %b ORDER BY topup_id DESC LIMIT {MOST}
"""  # noqa: S608 - likewise
"""Account by account, as the index is by these."""


async def of_support(pool: Pool, support_reference: str) -> Sequence[TopupRow]:
    """Those that were ever in review with this reference: one, but for a rare chance. Raises Problem `overloaded`."""
    end = support_reference.replace("-", "").lower()
    return [row_of(row) for row in await fetch_all(pool, _BY_SUPPORT, (end,))]


async def of_payment(pool: Pool, reference: str) -> Sequence[TopupRow]:
    """Those of this payment, one at most of each account. Raises Problem `overloaded`."""
    return [row_of(row) for row in await fetch_all(pool, _BY_REFERENCE, (reference,))]
