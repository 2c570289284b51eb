"""The inbox as operators read it: what every provider told, newest first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all

_NEWEST = """
SELECT n.account, n.entry, n.at, n.verdict, n.type, t.topup_id
  FROM topup_notification n LEFT JOIN topup t ON t.topup_id = n.topup_id
 WHERE %b::text IS NULL OR n.account = %b ORDER BY n.at DESC, n.entry LIMIT %b
"""


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the inbox. `topup_id` is null where it names none, or its payment alone."""

    account: str
    entry: str
    at: datetime
    verdict: str
    type: str
    topup_id: UUID | None


async def newest(pool: Pool, account: str | None, most: int) -> Sequence[Entry]:
    """The newest entries, of one account or of all. Raises Problem `overloaded`."""
    return [Entry(*row) for row in await fetch_all(pool, _NEWEST, (account, account, most))]
