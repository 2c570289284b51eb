"""Making statements of account: a wallet's transfers of a period, compared with their seals, then signed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog

from lingdang import moments
from lingdang.clock import rfc3339
from lingdang.db.pool import Connection
from lingdang.errors import Problem, invalid
from lingdang.ids import Currency, uuid7
from lingdang.journal.chain import START, extend
from lingdang.journal.seals import Seal, SealKeys
from lingdang.journal.statement import TYP, Stand, StatedTransfer
from lingdang.signer import Signer

Row = tuple[Any, ...]
Wallet = tuple[int, str, str]

LIMIT = 500
"""Transfers in one statement; what is more comes in the next, which joins up."""

_log = structlog.get_logger(__name__)

_PERIOD = """
SELECT coalesce(max(seq) FILTER (WHERE at < %b), 0), coalesce(max(seq) FILTER (WHERE at < %b), 0)
  FROM transfer WHERE bucket = %b AND customer_id = %b AND currency = %b
"""

_SEALED_TO = """
SELECT coalesce(max(last_seq), 0) FROM seal WHERE bucket = %b AND customer_id = %b AND currency = %b
"""

# From the last seal that ends before the period, so that the chain has a start, to its end.
_SEALS = """
SELECT place, bucket, customer_id, currency, first_seq, last_seq, digests, chain, key_version, mac FROM seal s
 WHERE bucket = %b AND customer_id = %b AND currency = %b AND last_seq >= (
       SELECT coalesce(max(a.last_seq), 0) FROM seal a
        WHERE a.bucket = s.bucket AND a.customer_id = s.customer_id AND a.currency = s.currency AND a.last_seq <= %b)
 ORDER BY last_seq LIMIT %b
"""

_CONTENT = """
SELECT seq, kind, reference, amount, balance, at, accounts, amounts, record, digest
  FROM journal_content(ARRAY[%b::smallint], ARRAY[%b], ARRAY[%b], ARRAY[%b::bigint], %b)
"""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """Which wallet, which moments (`since` ≤ at < `until`), and after which seq when there was a page before."""

    bucket: int
    cust_id: str
    currency: str
    since: datetime
    until: datetime
    after: int | None = None


class SignedStatement(NamedTuple):
    """A statement as a JWS compact. `next_seq` is after which seq the next page goes on, None on the last."""

    statement: str
    next_seq: int | None


class Statements:
    """Makes statements in one deployment's name."""

    def __init__(self, keys: SealKeys, signer: Signer, issuer: str) -> None:
        self._keys = keys
        self._signer = signer
        self._issuer = issuer

    async def make(self, connection: Connection, wanted: Wanted, now: datetime) -> SignedStatement:
        """The statement of up to LIMIT transfers.

        Raises Problem `invalid_request` for a seq that the wallet has not, and `internal_error` where the journal
        contradicts its seals: nothing is signed that was tampered with.
        """
        wallet = (wanted.bucket, wanted.cust_id, wanted.currency)
        opening, last = await _row(connection, _PERIOD, (wanted.since, wanted.until, *wallet))
        if wanted.after is not None:
            opening = wanted.after
        closing = max(opening, min(last, opening + LIMIT))
        seals, rows = await self._read(connection, wallet, opening, closing)
        stands = _stands(seals, rows, opening)
        if not {opening, closing} <= stands.keys():
            raise invalid("$.cursor", "Not a cursor that this server gave")
        self._compare(seals, stands)
        (sealed_to,) = await _row(connection, _SEALED_TO, wallet)
        claims = {
            "iss": self._issuer,
            "sub": wanted.cust_id,
            "jti": str(uuid7()),
            "iat": int(now.timestamp()),
            "currency": wanted.currency,
            "from": rfc3339(wanted.since),
            "to": rfc3339(wanted.until),
            "opening": stands[opening],
            "transfers": [StatedTransfer(*row[:-1]) for row in rows if row[0] > opening],
            "closing": stands[closing],
            "sealedTo": sealed_to,
        }
        return SignedStatement(self._signer.sign(TYP, claims), closing if closing < last else None)

    async def _read(
        self, connection: Connection, wallet: Wallet, opening: int, closing: int
    ) -> tuple[list[Seal], list[Row]]:
        """The seals from the last one that ends by the opening on, and the transfers after that one."""
        seals = [Seal(*row) for row in await _rows(connection, _SEALS, (*wallet, opening, closing - opening + 2))]
        after = _start(seals, opening)[0]
        # The opening itself is read too: its balance is stated.
        rows = await _rows(connection, _CONTENT, (*wallet, min(after, max(0, opening - 1)), closing - after + 1))
        return seals, [row for row in rows if row[0] <= closing]

    def _compare(self, seals: Sequence[Seal], stands: dict[int, Stand]) -> None:
        for seal in seals:
            stand = stands.get(seal.last_seq)
            if self._keys.genuine(seal) is False or (stand is not None and stand.chain != seal.chain.hex()):
                _log.error("journal_broken", customer=seal.customer_id, currency=seal.currency, seq=seal.last_seq)
                raise Problem("internal_error")


def read_period(since: str | None, until: str | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The period asked for: from the beginning and up to now unless told, never beyond now. Its days are whole ones.

    Raises Problem `invalid_request`.
    """
    start = BEGINNING if since is None else _read("from", since, zone, end=False)
    end = now if until is None else min(now, _read("to", until, zone, end=True))
    reversed_days = until is not None and start == end > _read("to", until, zone, end=False)
    if reversed_days or not BEGINNING <= start <= end:
        raise invalid("$.from", "Expected a moment before `to` and not in the future")
    return start, end


def _read(name: str, text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    try:
        return moments.read(text, zone, end=end)
    except ValueError as error:
        raise invalid(f"$.{name}", str(error)) from None


def checked_currency(text: str) -> str:
    """A currency's name as a query parameter gives it. Raises Problem `invalid_request`."""
    try:
        return msgspec.convert(text, Currency)
    except msgspec.ValidationError:
        raise invalid("$.currency", "Expected a currency such as BELL") from None


def read_seq(cursor: str | None) -> int | None:
    """The seq that a cursor stands for. Raises Problem `invalid_request`."""
    if cursor is not None and not re.fullmatch("[0-9]{1,15}", cursor):
        raise invalid("$.cursor", "Not a cursor that this server gave")
    return None if cursor is None else int(cursor)


def _start(seals: Sequence[Seal], opening: int) -> tuple[int, bytes]:
    """A seq and the chain there: of the last seal that ends by the opening, else before the first transfer."""
    if seals and seals[0].last_seq <= opening:
        return seals[0].last_seq, seals[0].chain
    return 0, START


def _stands(seals: Sequence[Seal], rows: Sequence[Row], opening: int) -> dict[int, Stand]:
    """The wallet after each transfer that was read, by seq."""
    seq, chain = _start(seals, opening)
    stands = {} if seq else {0: Stand(0, 0, START.hex())}
    for row in rows:
        if row[0] > seq:
            chain = extend(chain, [row[-1]])
        if row[0] >= seq:
            stands[row[0]] = Stand(row[0], row[4], chain.hex())
    return stands


async def _row(connection: Connection, sql: str, parameters: Sequence[object]) -> Row:
    return (await _rows(connection, sql, parameters))[0]


async def _rows(connection: Connection, sql: str, parameters: Sequence[object]) -> list[Row]:
    return await (await connection.execute(sql, parameters, binary=True)).fetchall()
