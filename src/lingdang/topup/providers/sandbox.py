"""The sandbox: a provider that needs nobody. It keeps its payments in a table, and its page plays every outcome.

Its notifications are signed, verified and taken as any other provider's.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from lingdang.clock import Clock, system_clock
from lingdang.db.pool import connect_options
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import (
    Action,
    Begun,
    Channel,
    Forged,
    GivenBack,
    Listing,
    Notification,
    NotificationReply,
    Order,
    Refused,
    Standing,
)

SIGNATURE, KID, TIME = "sandbox-signature", "sandbox-key", "sandbox-timestamp"
"""Headers of its notifications."""
OUTCOMES = (
    *("pay", "fail", "late", "never", "twice", "wrong_amount", "wrong_currency"),
    *("dispute", "dispute_won", "dispute_lost"),
)
OUTCOME = rf"^({'|'.join(OUTCOMES)}|refund:[1-9][0-9]{{0,14}})\Z"
LATE_SECONDS = 5.0
"""How much later than the payment the notification of a `late` one comes."""
_AGE = timedelta(minutes=5)

_COLUMNS = (
    "topup_id, price, currency, name, return_url, state, received, paid_in, refunded, disputed, lost, refunds, at"
)
_FIND = f"SELECT {_COLUMNS} FROM sandbox_payment WHERE account = %s AND topup_id = %s FOR UPDATE"  # noqa: S608 - names
_BEGIN = """
INSERT INTO sandbox_payment (account, topup_id, price, currency, name, return_url, state, at)
VALUES (%s, %s, %s, %s, %s, %s, 'open', %s) ON CONFLICT DO NOTHING
"""
_SAVE = """
UPDATE sandbox_payment SET state = %s, received = %s, paid_in = %s, refunded = %s, disputed = %s, lost = %s,
       refunds = %s, at = %s WHERE account = %s AND topup_id = %s
"""
_DAY = f"""
SELECT {_COLUMNS} FROM sandbox_payment
 WHERE account = %s AND state = 'paid' AND at >= %s AND at < %s::date + 1 ORDER BY topup_id
"""  # noqa: S608 - names


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the sandbox knows it."""

    topup_id: UUID
    price: int
    currency: str
    name: str
    return_url: str | None
    state: Literal["open", "paid", "closed"]
    received: int
    paid_in: str | None
    refunded: int
    disputed: int
    lost: int
    refunds: list[str]
    at: datetime

    @property
    def held(self) -> int:
        """What of the money is the shop's."""
        return self.received - self.refunded - self.disputed - self.lost


class Sending(msgspec.Struct, frozen=True):
    """A notification that is to be sent, so many seconds from now."""

    headers: dict[str, str]
    body: bytes
    seconds: float


class _Told(msgspec.Struct, frozen=True):
    """The body of a notification."""

    id: str
    type: str
    at: datetime
    ask: bool
    standing: Standing


class Sandbox:
    """The sandbox's account of a shop; `site` is where the shop is found, or empty."""

    kind = "sandbox"
    channels: Sequence[Channel] = ("web", "app", "jsapi")
    currencies: Sequence[str] | None = None
    listing = Listing(ready=timedelta(minutes=5))

    def __init__(
        self,
        account: str,
        database_url: str,
        keyring: Keyring,
        site: str,
        *,
        pgbouncer: bool = False,
        clock: Clock = system_clock,
    ) -> None:
        self._account = account
        self._url = database_url
        self._options = connect_options(pgbouncer)
        self._keyring = keyring
        self._site = site
        self._clock = clock

    def begin(self, order: Order) -> Begun:
        """As Provider."""
        price = order.price
        row = (self._account, order.topup_id, price.amount, price.currency, order.name, order.return_url, self._clock())
        with self._connected() as connection:
            connection.execute(_BEGIN, row)
        url = f"{self._site}/sandbox/{order.topup_id}"
        return Begun(action=Action(kind="redirect", url=url), reference=_reference(order.topup_id))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """As Provider."""
        key = self._keyring.known(headers.get(KID, ""), "sandbox")
        sent = headers.get(TIME, "")
        if key is None or not hmac.compare_digest(_signature(key, sent, body), headers.get(SIGNATURE, "").encode()):
            raise Forged("signature")
        away = abs(now.timestamp() - int(sent))
        if away > _AGE.total_seconds():
            raise Forged(f"timestamp: {round(away)} s off")
        told = msgspec.json.decode(body, type=_Told)
        return Notification(id=told.id, type=told.type, at=told.at, standing=told.standing, ask=told.ask)

    def reply(self, accepted: bool) -> NotificationReply:
        """As Provider."""
        return NotificationReply(200 if accepted else 400, "text/plain", b"taken" if accepted else b"refused")

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """As Provider."""
        with self._connected() as connection:
            found = self._find(connection, topup_id)
        return None if found is None else _standing(found)

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """As Provider."""
        with self._connected() as connection:
            found = self._find(connection, topup_id)
            if found is not None and found.state == "open":
                found = self._save(connection, found, state="closed")
        return None if found is None else _standing(found)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """As Provider."""
        with self._connected() as connection:
            found = self._find(connection, topup_id)
            if found is None or found.state != "paid":
                raise Refused("no_payment")
            if refund_id not in found.refunds:
                if amount.amount > found.held:
                    raise Refused("too_much")
                found = self._save(
                    connection, found, refunded=found.refunded + amount.amount, refunds=[*found.refunds, refund_id]
                )
        return GivenBack(standing=_standing(found))

    def list_day(self, day: date) -> Iterable[Standing]:
        """As Provider. Its days are those of UTC."""
        with self._connected() as connection:
            cursor = connection.cursor(row_factory=class_row(Payment))
            return [_standing(each) for each in cursor.execute(_DAY, (self._account, day, day)).fetchall()]

    def shown(self, topup_id: UUID) -> Payment | None:
        """The payment, for the page."""
        with self._connected() as connection:
            return self._find(connection, topup_id)

    def play(self, topup_id: UUID, outcome: str) -> list[Sending] | None:
        """Have it come out so, and what the shop is sent of it. None where there is no such payment.

        Raises Refused for what cannot happen any more, or not yet.
        """
        with self._connected() as connection:
            found = self._find(connection, topup_id)
            if found is None:
                return None
            changes = _changes(found, outcome)
            if changes is None:
                raise Refused("impossible")
            found = self._save(connection, found, **changes)
        if outcome == "never":
            return []
        # A dispute that is won lowers a sum, and two of its notifications may be of one moment: the shop shall ask.
        sending = self._sending(found, outcome.partition(":")[0], LATE_SECONDS if outcome == "late" else 0)
        return [sending, sending] if outcome == "twice" else [sending]

    def possible(self, payment: Payment) -> list[str]:
        """The outcomes that can come now; `refund:` stands with all that is the shop's, then with half of it."""
        outcomes = (*OUTCOMES, f"refund:{payment.held}", f"refund:{payment.held // 2}")
        return [each for each in outcomes if _changes(payment, each) is not None]

    def _sending(self, found: Payment, kind: str, seconds: float) -> Sending:
        standing = _standing(found)
        told = _Told(f"evt_{uuid7().hex}", kind, standing.at, kind.startswith("dispute"), standing)
        return self.signed(msgspec.json.encode(told), seconds)

    def signed(self, body: bytes, seconds: float = 0) -> Sending:
        """A notification with this body."""
        kid, key = self._keyring.current("sandbox")
        sent = str(int(self._clock().timestamp() + seconds))
        return Sending({KID: kid, TIME: sent, SIGNATURE: _signature(key, sent, body).decode()}, body, seconds)

    def _connected(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._url, **{**self._options, "autocommit": False})

    def _find(self, connection: "psycopg.Connection[Any]", topup_id: UUID) -> Payment | None:
        cursor = connection.cursor(row_factory=class_row(Payment))
        return cursor.execute(_FIND, (self._account, topup_id)).fetchone()

    def _save(self, connection: "psycopg.Connection[Any]", found: Payment, **changes: Any) -> Payment:
        moved = max(self._clock(), found.at + timedelta(milliseconds=1))
        made = msgspec.structs.replace(found, at=moved, **changes)
        sums = (made.received, made.paid_in, made.refunded, made.disputed, made.lost)
        connection.execute(_SAVE, (made.state, *sums, made.refunds, made.at, self._account, made.topup_id))
        return made


def _changes(found: Payment, outcome: str) -> dict[str, Any] | None:
    """What an outcome changes; None where it cannot come."""
    kind, _, amount = outcome.partition(":")
    if kind in ("pay", "late", "twice", "never", "wrong_amount", "wrong_currency"):
        if found.state != "open":
            return None
        wrong = "EUR" if found.currency != "EUR" else "USD"
        return {
            "state": "paid",
            "received": found.price + 1 if kind == "wrong_amount" else found.price,
            "paid_in": wrong if kind == "wrong_currency" else found.currency,
        }
    if kind == "fail":
        return {"state": "closed"} if found.state == "open" else None
    if kind == "refund":
        return {"refunded": found.refunded + int(amount)} if 0 < int(amount) <= found.held else None
    if kind == "dispute":
        return {"disputed": found.disputed + found.held} if found.held else None
    if not found.disputed:
        return None
    return {"disputed": 0} if kind == "dispute_won" else {"disputed": 0, "lost": found.lost + found.disputed}


def _standing(found: Payment) -> Standing:
    return Standing(
        topup_id=found.topup_id,
        reference=_reference(found.topup_id),
        state=found.state,
        at=found.at,
        received=None if found.paid_in is None else Money(found.received, found.paid_in),
        refunded=found.refunded,
        disputed=found.disputed,
        lost=found.lost,
    )


def _reference(topup_id: UUID) -> str:
    return f"sandbox_{topup_id.hex}"


def _signature(key: bytes, sent: str, body: bytes) -> bytes:
    if not re.fullmatch(r"[0-9]{1,12}", sent):
        raise Forged("timestamp: none")
    return hmac.digest(key, f"{sent}.".encode() + body, "sha256").hex().encode()
