"""The rows of top-ups: one each, with what was agreed and what has come of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.flush import Statement, first_of, numbered
from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Action, Channel, Return
from lingdang.topup.status import Amounts, Closed, Decided, Status, status_of

NOBODY = 0
"""Whose payments are that name no top-up. No customer has this key."""

Told = dict[str, datetime]
"""When `refunded`, `disputed` and `lost` were told last, by the provider's clock; and OWED."""

OWED = "owed"
"""Since when the provider owes an answer, because it told that something happened and not how things stand."""


class TopupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A top-up. Money is in minor units: `price` of `price_currency`, all others of `received_currency`."""

    customer: int
    topup_id: UUID
    bucket: int
    package_id: str
    name: str
    account: str
    channel: Channel
    currency: str
    paid: int
    bonus: int
    bonus_days: int | None
    price: int
    price_currency: str
    store_product: str | None = None
    return_url: str | None = None
    reference: str | None = None
    action: Action | None = None
    received: int = 0
    received_currency: str | None = None
    refunded: int = 0
    disputed: int = 0
    lost: int = 0
    returns: tuple[Return, ...] = ()
    told: Told = {}
    test: bool = False
    closed: Closed | None = None
    differs: tuple[str, ...] = ()
    decided: Decided | None = None
    version: int = 0
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None = None
    credited_at: datetime | None = None
    finished: bool = False
    asks: int = 0
    next_ask_at: datetime | None = None

    @property
    def status(self) -> Status:
        """The state that follows from the amounts."""
        return status_of(
            Amounts(
                received=self.received,
                refunded=self.refunded,
                disputed=self.disputed,
                lost=self.lost,
                closed=self.closed,
                differs=bool(self.differs),
                decided=self.decided,
            )
        )

    @property
    def agreed(self) -> Money:
        """The money that was agreed."""
        return Money(self.price, self.price_currency)

    @property
    def money(self) -> Money:
        """The money that came, or that was agreed while none has."""
        return Money(self.received, self.received_currency) if self.received_currency else self.agreed

    @property
    def held(self) -> int:
        """What of the money is the shop's to give back."""
        return self.received - self.refunded - self.disputed - self.lost

    @property
    def is_return_due(self) -> bool:
        """Whether an operator has decided that its money goes back, and some of it is the shop's."""
        return self.decided == "returned" and self.credited_at is None and self.reference is not None and self.held > 0

    @property
    def is_credit_due(self) -> bool:
        """Whether its bells are to be given: there is money, it is what was agreed or was accepted, and none were."""
        if not self.received or self.credited_at is not None or self.decided == "returned":
            return False
        return not self.differs or self.decided == "accepted"


_FIELDS = msgspec.structs.fields(TopupRow)
_JSON = {"action", "returns", "told"}
_COLUMNS = ", ".join(f"{f.name}::text" if f.name in _JSON else f.name for f in _FIELDS)
_NAMES = ", ".join(f.name for f in _FIELDS)
_VALUES = ", ".join("%b::text::json" if f.name in _JSON else "%b" for f in _FIELDS)
_FIXED = {"customer", "topup_id", "bucket", "version", "created_at"}
_CHANGED = [f.name for f in _FIELDS if f.name not in _FIXED]
_SET = ", ".join(f"{name} = %b::text::json" if name in _JSON else f"{name} = %b" for name in _CHANGED)

SELECT = f"SELECT {_COLUMNS} FROM topup"  # noqa: S608 - the fields' names
_BY_ID = f"{SELECT} WHERE topup_id = %b"
_FOUND = numbered(f"SELECT row_to_json(t)::text FROM (SELECT {_NAMES} FROM topup WHERE topup_id = %b) t")  # noqa: S608 - likewise
_BY_IDS = f"{SELECT} WHERE topup_id = ANY (%b)"
_BY_REFERENCE = f"{SELECT} WHERE account = %b AND reference = %b"
_INSERT = f"""
INSERT INTO topup ({_NAMES}, status) VALUES ({_VALUES}, %b) ON CONFLICT DO NOTHING RETURNING 1
"""  # noqa: S608 - likewise
UPDATE = f"""
UPDATE topup SET {_SET}, status = %b, version = version + 1
 WHERE bucket = %b AND customer = %b AND topup_id = %b AND version = %b
"""  # noqa: S608 - likewise
# A lock that no row holds: its transaction still has no id when notices are written in it (lingdang.events.notices).
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('topup ' || %b::text, 0))"
_LOCK_NUMBERED = numbered(_LOCK)
# It need not be on disk before the bells that follow: what is on disk of them has it before them.
_CLAIM = """
WITH claimed AS (
    UPDATE topup SET reference = %b WHERE topup_id = %b AND paid_at IS NULL RETURNING 1
)
SELECT count(*), set_config('synchronous_commit', 'off', true) FROM claimed
"""
_CLAIM_NUMBERED = numbered(_CLAIM)


decoded = msgspec.json.Decoder(TopupRow).decode
"""The top-up that a flushed statement answers."""


async def find(pool: Pool, topup_id: UUID) -> TopupRow | None:
    """The top-up of this id, whosever it is. Raises Problem `overloaded`."""
    found = await first_of(pool, _FOUND, [topup_id])
    return None if found is None else decoded(found)


async def known(pool: Pool, topup_id: UUID) -> TopupRow:
    """The top-up as it is now: no top-up is ever removed. Raises Problem `overloaded`."""
    found = await find(pool, topup_id)
    assert found is not None, "no top-up is ever removed"
    return found


async def find_all(pool: Pool, topup_ids: Sequence[UUID]) -> list[TopupRow]:
    """The top-ups of these ids, in no sequence. Raises Problem `overloaded`."""
    if not topup_ids:
        return []
    return [row_of(row) for row in await fetch_all(pool, _BY_IDS, (list(topup_ids),))]


async def find_reference(pool: Pool, account: str, reference: str) -> TopupRow | None:
    """The top-up of this payment at a provider. Raises Problem `overloaded`."""
    for row in await fetch_all(pool, _BY_REFERENCE, (account, reference)):
        return row_of(row)
    return None


async def locked(connection: Connection, topup_id: UUID) -> TopupRow:
    """The top-up, which nobody else changes until the transaction ends."""
    await connection.execute(_LOCK, (str(topup_id),))
    rows = await (await connection.execute(_BY_ID, (topup_id,), binary=True)).fetchall()
    return row_of(rows[0])


def locking(topup_id: UUID) -> tuple[Statement, Statement]:
    """As `locked`, for a flush within a transaction; the second one answers what `decoded` reads."""
    return (_LOCK_NUMBERED, [str(topup_id)]), (_FOUND, [topup_id])


def claiming(topup_id: UUID, reference: str) -> Statement:
    """Writes down whose a payment is, for a flush within a transaction that has the lock.

    It is committed before bells are credited: no payment is credited to two top-ups. Fails where another one has it.
    The version stays: an answer that tells of the payment is no older for it.
    """
    return _CLAIM_NUMBERED, [reference, topup_id]


async def claim(connection: Connection, topup_id: UUID, reference: str) -> None:
    """As `claiming`; takes the lock."""
    await connection.execute(_LOCK, (str(topup_id),))
    await connection.execute(_CLAIM, (reference, topup_id))


async def insert(connection: Connection, row: TopupRow) -> bool:
    """Write a new top-up; False when it, or another one of this payment, is there."""
    values = (*_values(row, [field.name for field in _FIELDS]), row.status)
    return bool(await (await connection.execute(_INSERT, values, binary=True)).fetchall())


async def update(connection: Connection, row: TopupRow) -> None:
    """Write a top-up that was changed since `locked` gave it."""
    done = await connection.execute(UPDATE, changes(row))
    assert done.rowcount == 1, "it was locked"


def changes(row: TopupRow) -> tuple[Any, ...]:
    """The values of UPDATE, which changes a row that is as it was read."""
    return (*_values(row, _CHANGED), row.status, row.bucket, row.customer, row.topup_id, row.version)


def row_of(row: tuple[Any, ...]) -> TopupRow:
    """The top-up from a row of SELECT."""
    values = {
        field.name: msgspec.json.decode(value) if field.name in _JSON and value is not None else value
        for field, value in zip(_FIELDS, row, strict=False)
    }
    return msgspec.convert(values, TopupRow)


def _values(row: TopupRow, names: list[str]) -> list[Any]:
    return [_value(name, getattr(row, name)) for name in names]


def _value(name: str, value: Any) -> Any:
    if name in _JSON:
        return None if value is None else msgspec.json.encode(value).decode()
    return list(value) if isinstance(value, tuple) else value
