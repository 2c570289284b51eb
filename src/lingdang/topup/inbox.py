"""The inbox: what providers told, written down before anything is made of it. Rows are added, and forgotten when old.

What was sound waits beside it until it is carried out. What was forged is kept up to a bound, the rest only counted.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lingdang.db.flush import first_of, numbered
from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.keys import Keyring
from lingdang.topup.providers.provider import Notification, Standing
from lingdang.topup.refunds import Outcome
from lingdang.topup.strays import payment_id

MOST_FORGED = 100
"""Of one account within an hour, whose bodies are kept."""
LARGEST_FORGED = 16 * 1024
"""Bytes of a forged body that are kept."""
PROBE = "probe"
"""The reason of what WeChat Pay forges itself, to see that it is refused."""
SWEPT = 1000
UNKNOWN_FOR = timedelta(minutes=1)
"""What is told of a payment that nobody knows waits so long for it: longer than a payment takes to be carried out."""
_HOUR = timedelta(hours=1)
_NONCE_BYTES = 12

_KEEP = numbered("""
WITH kept AS (
    INSERT INTO topup_notification (account, entry, at, verdict, type, topup_id, kid, sealed)
    VALUES (%b, %b, %b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING RETURNING account, entry, at
), waiting AS (
    INSERT INTO topup_waiting (account, entry, told, since, due_at)
    SELECT account, entry, %b::text::json, at, %b FROM kept WHERE %b
)
SELECT count(*) FROM kept
""")
_FORGED = f"""
SELECT count(*) FROM (SELECT FROM topup_notification
                       WHERE account = %b AND at > %b AND verdict LIKE 'forged%%' LIMIT {MOST_FORGED}) n
"""  # noqa: S608 - a constant
_OF_TOPUP = """
SELECT account, entry, at, verdict, type FROM topup_notification WHERE topup_id = ANY (%b)
 ORDER BY at DESC, entry LIMIT 200
"""
_HAS_TOLD = """
SELECT EXISTS (SELECT FROM topup_notification WHERE topup_id = %b AND (account, entry) <> (%b, %b) AND at >= %b)
"""
_WAITS = "SELECT told::text FROM topup_waiting WHERE account = %b AND entry = %b"
_DONE = "DELETE FROM topup_waiting WHERE account = %b AND entry = %b"
_LATER = """
UPDATE topup_waiting SET failures = failures + 1, due_at = %b + least(failures + 1, 60) * interval '10 seconds'
 WHERE account = %b AND entry = %b
"""
_UNKNOWN = """
WITH again AS (
    UPDATE topup_waiting SET failures = failures + 1, due_at = %b + (failures + 1) * interval '2 seconds'
     WHERE account = %b AND entry = %b AND since > %b RETURNING 1
)
DELETE FROM topup_waiting WHERE account = %b AND entry = %b AND NOT EXISTS (SELECT FROM again)
"""
_CLAIM = """
UPDATE topup_waiting SET due_at = %b WHERE (account, entry) IN (
    SELECT account, entry FROM topup_waiting WHERE due_at <= %b AND (account = ANY (%b)) = %b
     ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED
) RETURNING account, entry
"""
_FORGET = f"""
DELETE FROM topup_notification WHERE (account, entry) IN (
    SELECT account, entry FROM topup_notification n
     WHERE at < %b AND NOT EXISTS (SELECT FROM topup_waiting w WHERE w.account = n.account AND w.entry = n.entry)
     ORDER BY at LIMIT {SWEPT} FOR UPDATE SKIP LOCKED
) RETURNING 1
"""  # noqa: S608 - a constant

Source = Literal["notification", "answer"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider told, as it waits to be carried out.

    `seen` is the version of the top-up when the provider was asked: what has changed since may be newer.
    """

    source: Source
    type: str
    standing: Standing | None = None
    ask: bool = False
    evidence: str | None = None
    seen: int | None = None
    refund: Outcome | None = None
    """The operator's refund that this answers."""


class Place(msgspec.Struct, frozen=True):
    """Which entry of the inbox."""

    account: str
    entry: str


class Heard(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the inbox, as operators see it."""

    account: str
    entry: str
    at: datetime
    verdict: str
    type: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Told).decode


class Inbox:
    """The inbox of all accounts. `delay`: whoever takes an entry in carries it out at once, healers after so long."""

    def __init__(self, pool: Pool, keyring: Keyring, delay: timedelta = timedelta(seconds=10)) -> None:
        self._pool = pool
        self._keyring = keyring
        self._delay = delay
        self.forged = 0
        """How many notifications were refused, those too that are not kept."""

    async def take(
        self, account: str, notification: Notification, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[Place, Told] | None:
        """Keep a genuine notification; None when it came before. Raises Problem `overloaded`."""
        place = Place(account, f"told {notification.id}")
        told = Told(
            source="notification",
            type=notification.type,
            standing=notification.standing,
            ask=notification.ask,
            evidence=notification.evidence,
        )
        return (place, told) if await self._keep(place, now, "sound", told, _whole(headers, body)) else None

    async def answer(
        self,
        account: str,
        entry: str,
        standing: Standing,
        seen: int | None,
        now: datetime,
        refund: Outcome | None = None,
    ) -> Place:
        """Keep what a provider answered. Raises Problem `overloaded`."""
        place = Place(account, entry)
        told = Told(source="answer", type=entry.partition(" ")[0], standing=standing, seen=seen, refund=refund)
        await self._keep(place, now, "sound", told, _encode(standing))
        return place

    async def refuse(self, account: str, reason: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Keep a forged notification with the reason, while there are few of them. Raises Problem `overloaded`."""
        self.forged += 1
        kept_of = _whole(headers, body[:LARGEST_FORGED])
        if reason == PROBE:
            # Whoever likes can send one. The first one of a minute is kept: that it came is all that matters.
            await self._keep(Place(account, f"refused {PROBE} {now:%Y-%m-%d %H:%M}"), now, PROBE, None, kept_of)
            return
        [(kept,)] = await fetch_all(self._pool, _FORGED, (account, now - _HOUR))
        if kept >= MOST_FORGED:
            return
        place = Place(account, f"refused {sha256(body).hexdigest()} {reason[:40]}")
        await self._keep(place, now, f"forged: {reason[:200]}", None, kept_of)

    async def waits(self, place: Place) -> Told | None:
        """What an entry tells; None when it was carried out. Raises Problem `overloaded`."""
        for (told,) in await fetch_all(self._pool, _WAITS, (place.account, place.entry)):
            return _decode(told)
        return None

    async def over(self, place: Place) -> None:
        """An entry from which nothing follows is done with. Raises Problem `overloaded`."""
        await fetch_all(self._pool, _DONE, (place.account, place.entry))

    async def later(self, place: Place, now: datetime) -> None:
        """Have it tried again, after ten seconds more each time, up to ten minutes."""
        await fetch_all(self._pool, _LATER, (now, place.account, place.entry))

    async def unknown(self, place: Place, now: datetime) -> None:
        """Have what is told of a payment that nobody knows tried again for UNKNOWN_FOR; then nothing follows from it.

        Raises Problem `overloaded`.
        """
        key = (place.account, place.entry)
        await fetch_all(self._pool, _UNKNOWN, (now, *key, now - UNKNOWN_FOR, *key))

    async def has_told(self, place: Place, reference: str, since: datetime) -> bool:
        """Whether another entry `since` then told of this payment alone, without its top-up. Raises Problem
        `overloaded`.

        One that comes after this was asked finds the payment's top-up within UNKNOWN_FOR.
        """
        key = (payment_id(place.account, reference), place.account, place.entry)
        return await fetch_all(self._pool, _HAS_TOLD, (*key, since)) == [(True,)]

    async def claim(self, now: datetime, accounts: Sequence[str], most: int, *, others: bool = False) -> list[Place]:
        """Entries of these accounts, or of all `others`, that are due. Nobody else is given them for half a minute."""
        rows = await fetch_all(self._pool, _CLAIM, (now + timedelta(seconds=30), now, list(accounts), not others, most))
        return [Place(account, entry) for account, entry in rows]

    async def of_topup(self, topup_id: UUID, account: str, reference: str | None) -> Sequence[Heard]:
        """What was told of a top-up, and of its payment, newest first."""
        ids = [topup_id, *([] if reference is None else [payment_id(account, reference)])]
        return [Heard(*row) for row in await fetch_all(self._pool, _OF_TOPUP, (ids,))]

    async def forget(self, before: datetime) -> bool:
        """Forget what is older; whether there is more. Raises Problem `overloaded`."""
        return len(await fetch_all(self._pool, _FORGET, (before,))) >= SWEPT

    async def _keep(self, place: Place, now: datetime, verdict: str, told: Told | None, plain: bytes) -> bool:
        kid, sealed = self._sealed(place, plain)
        kept = await first_of(
            self._pool,
            _KEEP,
            (
                place.account,
                place.entry,
                now,
                verdict,
                "" if told is None else told.type,
                None if told is None else _whose(place.account, told.standing),
                kid,
                f"\\x{sealed.hex()}",
                "null" if told is None else _encode(told).decode(),
                now + self._delay,
                told is not None,
            ),
        )
        return kept == b"1"

    def _sealed(self, place: Place, plain: bytes) -> tuple[str, bytes]:
        kid, key = self._keyring.current("topup-inbox")
        nonce = os.urandom(_NONCE_BYTES)
        return kid, nonce + AESGCM(key).encrypt(nonce, plain, _belongs_to(place))


async def is_waiting(connection: Connection, place: Place) -> bool:
    """Whether an entry was not carried out, where the lock of its top-up keeps everybody else from doing so."""
    cursor = await connection.execute(_WAITS, (place.account, place.entry), binary=True)
    return bool(await cursor.fetchall())


async def done(connection: Connection, place: Place) -> None:
    """An entry was carried out, in the transaction that did it."""
    await connection.execute(_DONE, (place.account, place.entry))


def _whose(account: str, standing: Standing | None) -> UUID | None:
    """The top-up that is told of, or else the payment."""
    if standing is None:
        return None
    if standing.topup_id is None and standing.reference is not None:
        return payment_id(account, standing.reference)
    return standing.topup_id


def opened(keyring: Keyring, place: Place, kid: str, sealed: bytes) -> bytes | None:
    """What was kept; None when the version of the keyring that sealed it is retired."""
    key = keyring.known(kid, "topup-inbox")
    if key is None:
        return None
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _belongs_to(place))


def _belongs_to(place: Place) -> bytes:
    return msgspec.msgpack.encode((place.account, place.entry))


def _whole(headers: Mapping[str, str], body: bytes) -> bytes:
    return msgspec.msgpack.encode((dict(headers), body))
