"""Making statements of account: a wallet's transfers of a period, compared with their seals, then signed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import structlog

from lingdang import moments
from lingdang.clock import rfc3339
from lingdang.db.pool import Connection
from lingdang.errors import Problem, invalid_field
from lingdang.ids import Currency, Customer, uuid7
from lingdang.journal.chain import START, extend, split
from lingdang.journal.seals import Seal, SealKeys
from lingdang.journal.statement import TYP, Other, Stand, StatedTransfer
from lingdang.paging import foreign_cursor
from lingdang.signer import Signer

Row = tuple[Any, ...]

LIMIT = 500
"""Rows of the journal in one statement; what is more comes in the next, which joins up."""

_log = structlog.get_logger(__name__)

# Times of a journal never run backwards: what is before a moment ends at one row.
_PERIOD = """
SELECT coalesce(max(seq) FILTER (WHERE at < %b), 0), coalesce(max(seq) FILTER (WHERE at < %b), 0)
  FROM transfer WHERE bucket = %b AND customer = %b
"""

_SEALED_TO = "SELECT coalesce(max(last_seq), 0) FROM seal WHERE bucket = %b AND customer = %b"

_BALANCE = """
SELECT seq, balance FROM transfer WHERE bucket = %b AND customer = %b AND currency = %b AND seq <= %b
 ORDER BY seq DESC LIMIT 1
"""

_SEAL_OF = """
SELECT place, customer, bucket, first_seq, last_seq, digests, chain, key_version, mac FROM seal
 WHERE bucket = %b AND customer = %b AND last_seq >= %b ORDER BY last_seq LIMIT 1
"""

# From the last seal that ends before the period, so that the chain has a start, to its end.
_SEALS = """
SELECT place, customer, bucket, first_seq, last_seq, digests, chain, key_version, mac FROM seal s
 WHERE bucket = %b AND customer = %b AND last_seq >= (
       SELECT coalesce(max(a.last_seq), 0) FROM seal a
        WHERE a.bucket = s.bucket AND a.customer = s.customer AND a.last_seq <= %b)
 ORDER BY last_seq LIMIT %b
"""

_CONTENT = """
SELECT seq, currency, kind, cause::text, reference, amount, balance, at, place::text, accounts, amounts, record, digest
  FROM journal_content(ARRAY[%b::smallint], ARRAY[%b::bigint], ARRAY[%b::integer], %b)
"""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """Which wallet, which moments (`since` ≤ at < `until`), and after which seq when there was a page before."""

    bucket: int
    customer: Customer
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

        Raises Problem `invalid_request` for a seq that the journal has not, and `internal_error` where the journal
        contradicts its seals: nothing is signed that was tampered with.
        """
        journal = (wanted.bucket, wanted.customer.key)
        opening, last = await _row(connection, _PERIOD, (wanted.since, wanted.until, *journal))
        if wanted.after is not None:
            opening = wanted.after
        closing = max(opening, min(last, opening + LIMIT))
        seals, rows = await self._read(connection, journal, opening, closing)
        balance = await self._balance(connection, journal, wanted.currency, opening)
        stands = _stands(seals, rows, opening, wanted.currency, balance)
        if not {opening, closing} <= stands.keys():
            raise foreign_cursor()
        self._compare(seals, stands)
        (sealed_to,) = await _row(connection, _SEALED_TO, journal)
        shown = [row for row in rows if row[0] > opening]
        claims = {
            "iss": self._issuer,
            "sub": wanted.customer.cust_id,
            "customer": str(wanted.customer.key),
            "jti": str(uuid7()),
            "iat": int(now.timestamp()),
            "currency": wanted.currency,
            "from": rfc3339(wanted.since),
            "to": rfc3339(wanted.until),
            "opening": stands[opening],
            "transfers": [StatedTransfer(row[0], *row[2:-1]) for row in shown if row[1] == wanted.currency],
            "others": [Other(row[0], row[-1].hex()) for row in shown if row[1] != wanted.currency],
            "closing": stands[closing],
            "sealedTo": sealed_to,
        }
        return SignedStatement(self._signer.sign(TYP, claims), closing if closing < last else None)

    async def _balance(self, connection: Connection, journal: tuple[int, int], currency: str, opening: int) -> int:
        """What the wallet held at the opening: as its last row before that states, which is compared with its seal."""
        held = await _rows(connection, _BALANCE, (*journal, currency, opening))
        if not held:
            return 0
        seq, balance = held[0]
        for seal in [Seal(*row) for row in await _rows(connection, _SEAL_OF, (*journal, seq))]:
            [row] = await _rows(connection, _CONTENT, (*journal, seq - 1, 1))
            if seal.first_seq <= seq and split(seal.digests)[seq - seal.first_seq : seq - seal.first_seq + 1] != [
                row[-1]
            ]:
                self._refuse(seal)
        return int(balance)

    async def _read(
        self, connection: Connection, journal: tuple[int, int], opening: int, closing: int
    ) -> tuple[list[Seal], list[Row]]:
        """The seals from the last one that ends by the opening on, and the rows after that one."""
        seals = [Seal(*row) for row in await _rows(connection, _SEALS, (*journal, opening, closing - opening + 2))]
        after = _start(seals, opening)[0]
        rows = await _rows(connection, _CONTENT, (*journal, after, closing - after))
        return seals, rows

    def _compare(self, seals: Sequence[Seal], stands: dict[int, Stand]) -> None:
        for seal in seals:
            stand = stands.get(seal.last_seq)
            if self._keys.genuine(seal) is False or (stand is not None and stand.chain != seal.chain.hex()):
                self._refuse(seal)

    def _refuse(self, seal: Seal) -> NoReturn:
        _log.error("journal_broken", customer_key=str(seal.customer), seq=seal.last_seq)
        raise Problem("internal_error")


def read_period(since: str | None, until: str | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The period asked for: from the beginning and up to now unless told, never beyond now. Its days are whole ones.

    Raises Problem `invalid_request`.
    """
    start = BEGINNING if since is None else _read("from", since, zone, end=False)
    end = now if until is None else min(now, _read("to", until, zone, end=True))
    reversed_days = until is not None and start == end > _read("to", until, zone, end=False)
    if reversed_days or not BEGINNING <= start <= end:
        raise invalid_field("from", "Expected a moment before `to` and not in the future")
    return start, end


def _read(name: str, text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    try:
        return moments.read(text, zone, end=end)
    except ValueError as error:
        raise invalid_field(name, str(error)) from None


def checked_currency(text: str) -> str:
    """A currency's name as a query parameter gives it. Raises Problem `invalid_request`."""
    try:
        return msgspec.convert(text, Currency)
    except msgspec.ValidationError:
        raise invalid_field("currency", "Expected a currency such as BELL") from None


def _start(seals: Sequence[Seal], opening: int) -> tuple[int, bytes]:
    """A seq and the chain there: of the last seal that ends by the opening, else before the first transfer."""
    if seals and seals[0].last_seq <= opening:
        return seals[0].last_seq, seals[0].chain
    return 0, START


def _stands(seals: Sequence[Seal], rows: Sequence[Row], opening: int, currency: str, balance: int) -> dict[int, Stand]:
    """The wallet from the opening on, where it held `balance`, by the seq of each row."""
    seq, chain = _start(seals, opening)
    stands = {seq: Stand(seq, balance, chain.hex())} if seq == opening else {}
    for row in rows:
        chain = extend(chain, [row[-1]])
        if row[0] > opening and row[1] == currency:
            balance = row[6]
        if row[0] >= opening:
            stands[row[0]] = Stand(row[0], balance, chain.hex())
    return stands


async def _row(connection: Connection, sql: str, parameters: Sequence[object]) -> Row:
    return (await _rows(connection, sql, parameters))[0]


async def _rows(connection: Connection, sql: str, parameters: Sequence[object]) -> list[Row]:
    return await (await connection.execute(sql, parameters, binary=True)).fetchall()
