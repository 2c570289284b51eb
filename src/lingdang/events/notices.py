"""Writing notices: what is told of that is no row of the journal, each key once, in the journal's own sequence."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.db.pool import Connection
from lingdang.events import kinds
from lingdang.events.event import Data, encode

NOBODY = 0
"""No customer has this key."""

_BEGIN = "SELECT journal_begin(%b::smallint)"
_WRITE = """
SELECT notice_write(%b::smallint, %b::timestamptz, %b::bigint[], %b::text[], %b::text[], %b::text[])
"""


class Notice(msgspec.Struct, frozen=True, gc=False):
    """What is to be told: of which customer (NOBODY: of none), of what type, under which key, and what."""

    customer: int
    type: str
    key: str
    data: Data


async def begin(connection: Connection, bucket: int) -> None:
    """See that this start of the server has its epoch: in a transaction of its own, before notices are written."""
    await connection.execute(_BEGIN, (bucket,))


async def write(connection: Connection, bucket: int, now: datetime, notices: Sequence[Notice]) -> int:
    """Write those whose keys are new; how many these were. It must be the first statement of its transaction."""
    assert all(isinstance(notice.data, kinds.NOTICES[notice.type]) for notice in notices), "each in its type's shape"
    parameters = (
        bucket,
        now,
        [notice.customer for notice in notices],
        [notice.type for notice in notices],
        [notice.key for notice in notices],
        [encode(notice.data).decode() for notice in notices],
    )
    [(written,)] = await (await connection.execute(_WRITE, parameters, binary=True)).fetchall()
    return int(written)
