"""One step of sealing, in one transaction: find wallets that are behind their journal, seal what they lack, sign.

Only one step runs at a time, under an advisory lock. Should two ever run together, the keys of `seal` and
`seal_checkpoint` let one of them fail.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import structlog

from lingdang.db.pool import Connection
from lingdang.journal.chain import START, extend
from lingdang.journal.checkpoints import peek, read_checkpoint, sign_checkpoint
from lingdang.journal.seals import LOG_START, Seal, SealKeys, extend_log, leaf, mac_of
from lingdang.signer import SignatureError, Signer, kid_of

AT_MOST = 20
"""Transfers in one seal; a wallet that lacks more gets several, one a step."""
PORTION = 50
"""Transfers sealed without a pause, some 3 ms: the event loop's other work, and that of the database's core, waits."""

_log = structlog.get_logger(__name__)

_LOCK = "SELECT pg_try_advisory_xact_lock(7308319, 1)"

_LOOK_UP = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

_NEWEST = "SELECT number, place, block, jws FROM seal_checkpoint ORDER BY number DESC LIMIT 1"

_BLOCKS = "SELECT pg_relation_size('transfer') / current_setting('block_size')::bigint"

_SEALED = """
LEFT JOIN LATERAL (
     SELECT s.last_seq, s.chain FROM seal s
      WHERE s.bucket = t.bucket AND s.customer_id = t.customer_id AND s.currency = t.currency
      ORDER BY s.last_seq DESC LIMIT 1
     ) s ON true
WHERE t.seq > coalesce(s.last_seq, 0)
ORDER BY t.customer_id, t.currency, t.bucket
"""

# The table is only ever added to, so what is new stands in its last pages. No index is needed to read these.
_IN_PAGES = f"""
SELECT t.bucket, t.customer_id, t.currency, coalesce(s.last_seq, 0), s.chain, t.seq
  FROM (SELECT bucket, customer_id, currency, max(seq) AS seq FROM transfer
         WHERE ctid >= %b::tid AND ctid < %b::tid GROUP BY 1, 2, 3) t
{_SEALED}
"""  # noqa: S608 - a constant

_IN_WALLETS = f"""
SELECT t.bucket, t.customer_id, t.currency, coalesce(s.last_seq, 0), s.chain, t.seq
  FROM (SELECT bucket, customer_id, currency, seq FROM wallet
         WHERE (customer_id, currency, bucket) > (%b, %b, %b::smallint)
           AND (customer_id, currency, bucket) <= (%b, %b, %b::smallint)) t
{_SEALED}
 LIMIT %b
"""  # noqa: S608 - a constant

_CONTENT = "SELECT bucket, customer_id, currency, seq, moment, digest FROM journal_content(%b, %b, %b, %b, %b)"

_INSERT_SEALS = """
INSERT INTO seal (place, bucket, customer_id, currency, first_seq, last_seq, digests, chain, key_version, mac)
SELECT * FROM unnest(%b::bigint[], %b::smallint[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[],
                     %b::bytea[], %b::integer[], %b::bytea[])
"""

_INSERT_CHECKPOINT = "INSERT INTO seal_checkpoint (number, place, block, made_at, jws) VALUES (%b, %b, %b, %b, %b)"


class Behind(NamedTuple):
    """A wallet with transfers after its last seal, where its chain stands, and the newest transfer that was found."""

    bucket: int
    customer_id: str
    currency: str
    last_seq: int
    chain: bytes | None
    newest_seq: int


class Unsealed(NamedTuple):
    """A transfer to seal, as `journal_content` gives it."""

    bucket: int
    customer_id: str
    currency: str
    seq: int
    moment: datetime
    digest: bytes


class Head(NamedTuple):
    """The newest checkpoint: `block` is a hint only, and `jws` is None before the first one."""

    number: int
    place: int
    root: bytes
    block: int
    jws: str | None


class Step(NamedTuple):
    """What a step did: how many transfers it sealed, when those it found were made, and whether some were left over."""

    transfers: int
    moments: list[datetime]
    more: bool


class Sealing:
    """Makes steps with one deployment's keys."""

    def __init__(self, keys: SealKeys, signer: Signer, issuer: str) -> None:
        self._keys = keys
        self._signer = signer
        self._issuer = issuer

    async def begin(self, connection: Connection) -> Head | None:
        """Take the lock for the transaction and read where the log stands; None while another one seals."""
        if not await _value(connection, _LOCK):
            return None
        await connection.execute(_LOOK_UP)
        return await self.head(connection)

    async def head(self, connection: Connection) -> Head:
        """Where the log stands."""
        row = await (await connection.execute(_NEWEST)).fetchone()
        if row is None:
            return Head(0, 0, LOG_START, 0, None)
        number, place, block, jws = row
        return Head(number, place, self._root(jws), block, jws)

    def _root(self, jws: str) -> bytes:
        """The root to go on from. From a false one too: whoever verifies reads the log from its start."""
        stated = peek(jws)
        if kid_of(jws) in (keys := self._signer.public_keys()):
            try:
                stated = read_checkpoint(jws, keys)
            except SignatureError as error:
                _log.error("journal_checkpoint_not_genuine", reason=str(error))
        return bytes.fromhex(stated.root) if stated else LOG_START

    async def seal(
        self, connection: Connection, head: Head, behind: Sequence[Behind], block: int, now: datetime
    ) -> Step:
        """Seal what these wallets lack, up to AT_MOST transfers each, and sign where the log stands then."""
        version, key = self._keys.sealing()
        lengths: list[int] = []
        moments: list[datetime] = []
        place, root = head.place, head.root
        for some in portions(behind, PORTION):
            rows = await _content(connection, some)
            seals = list(make_seals(some, rows, place, version, key))
            for seal in seals:
                root = extend_log(root, seal.leaf())
            if seals:
                await connection.execute(_INSERT_SEALS, [list(column) for column in zip(*seals, strict=True)])
            place += len(seals)
            moments += [row.moment for row in rows]
            lengths += [seal.last_seq - seal.first_seq + 1 for seal in seals]
        if lengths:
            await self._sign(connection, head, place, root, block, now)
        return Step(sum(lengths), moments, AT_MOST in lengths)

    async def sign_anew(self, connection: Connection, now: datetime) -> None:
        """Sign the log as it stands when its newest checkpoint is under an older key, which may be retired."""
        head = await self.begin(connection)
        if head is not None and self.is_old(head):
            await self._sign(connection, head, head.place, head.root, head.block, now)

    def is_old(self, head: Head) -> bool:
        """Whether the newest checkpoint is under another key than the one that signs now."""
        return head.jws is not None and kid_of(head.jws) != self._signer.kid()

    async def _sign(
        self, connection: Connection, head: Head, place: int, root: bytes, block: int, now: datetime
    ) -> None:
        jws = sign_checkpoint(self._signer, self._issuer, head.number + 1, place, root, now)
        await connection.execute(_INSERT_CHECKPOINT, (head.number + 1, place, block, now, jws))


async def blocks(connection: Connection) -> int:
    """How many pages the journal has; 0 on a sharded database, where only the walk over the wallets finds."""
    return int(await _value(connection, _BLOCKS))


async def behind_in_pages(connection: Connection, first: int, end: int) -> list[Behind]:
    """The wallets with transfers in the pages `first` ≤ page < `end` that are not sealed."""
    cursor = await connection.execute(_IN_PAGES, (f"({first},0)", f"({end},0)"), binary=True)
    return [Behind(*row) for row in await cursor.fetchall()]


async def behind_in_wallets(
    connection: Connection, after: tuple[str, str, int], upto: tuple[str, str, int], most: int
) -> list[Behind]:
    """Up to `most` wallets of a stretch, in the order of the key, whose journal is not sealed to its end."""
    cursor = await connection.execute(_IN_WALLETS, (*after, *upto, most), binary=True)
    return [Behind(*row) for row in await cursor.fetchall()]


def portions(behind: Sequence[Behind], transfers: int) -> Iterator[list[Behind]]:
    """The wallets in their order, in portions of so many transfers to seal or, with the last wallet's, some more."""
    some: list[Behind] = []
    lacking = 0
    for wallet in behind:
        some.append(wallet)
        lacking += min(wallet.newest_seq - wallet.last_seq, AT_MOST)
        if lacking >= transfers:
            yield some
            some, lacking = [], 0
    if some:
        yield some


def make_seals(
    behind: Sequence[Behind], rows: Sequence[Unsealed], place: int, version: int, key: bytes
) -> Iterator[Seal]:
    """A seal for each wallet, of what follows its last one without a gap. `place` is the log's last."""
    known = {wallet[:3]: wallet for wallet in behind}
    for name, found in groupby(rows, itemgetter(0, 1, 2)):
        wallet = known[name]
        first = wallet.last_seq + 1
        digests = [row.digest for row in _without_gap(first, found)]
        if not digests:
            _log.error("journal_gap", customer=wallet.customer_id, currency=wallet.currency, seq=first)
            continue
        place += 1
        last = wallet.last_seq + len(digests)
        chain = extend(wallet.chain or START, digests)
        bucket, cust_id, currency = wallet[:3]
        mac = mac_of(key, leaf(place, cust_id, currency, first, last, chain))
        yield Seal(place, bucket, cust_id, currency, first, last, b"".join(digests), chain, version, mac)


def _without_gap(first: int, rows: Iterator[Unsealed]) -> Iterator[Unsealed]:
    for seq, row in enumerate(rows, first):
        if row.seq != seq:
            return
        yield row


async def _content(connection: Connection, behind: Sequence[Behind]) -> list[Unsealed]:
    parameters = (
        [wallet.bucket for wallet in behind],
        [wallet.customer_id for wallet in behind],
        [wallet.currency for wallet in behind],
        [wallet.last_seq for wallet in behind],
        AT_MOST,
    )
    cursor = await connection.execute(_CONTENT, parameters, binary=True)
    return [Unsealed(*row) for row in await cursor.fetchall()]


async def _value(connection: Connection, sql: str) -> int:
    row = await (await connection.execute(sql)).fetchone()
    assert row is not None, "it answers one row"
    return int(row[0])
