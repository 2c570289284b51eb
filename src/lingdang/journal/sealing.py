"""One step of sealing, in one transaction: read the journal on, seal what came of each customer, sign.

Only one step runs at a time, under an advisory lock. Should two ever run together, the keys of `seal` and
`seal_checkpoint` let one of them fail.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import structlog

from lingdang.db.pool import Connection
from lingdang.journal.chain import START, extend
from lingdang.journal.checkpoints import Checkpoint, peek, read_checkpoint, sign_checkpoint
from lingdang.journal.positions import read_on
from lingdang.journal.seals import LOG_START, Seal, SealKeys, extend_log, leaf, mac_of
from lingdang.signer import SignatureError, Signer, kid_of

AT_MOST = 20
"""Transfers in one seal; a customer who has more gets several."""
PORTION = 50
"""Transfers sealed without a pause, some 3 ms: the event loop's other work, and that of the database's core, waits."""

FILLED = 100
"""So many customers whose gaps were filled are sealed in one step."""
EARLIER = 1000
"""So many checkpoints are looked at for one that a key vouches for; after that the journal is read from its start."""

_log = structlog.get_logger(__name__)

_LOCK = "SELECT pg_try_advisory_xact_lock(7308319, 1)"

_LOOK_UP = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

_NEWEST = "SELECT number, place, positions, jws FROM seal_checkpoint ORDER BY number DESC LIMIT 1"

_EARLIER = "SELECT jws FROM seal_checkpoint WHERE number < %b ORDER BY number DESC LIMIT %b"

_BEHIND = """
SELECT k.bucket, k.customer, coalesce(s.last_seq, 0), s.chain, k.seq
  FROM unnest(%b::smallint[], %b::bigint[], %b::integer[]) AS k (bucket, customer, seq)
  LEFT JOIN LATERAL (
       SELECT s.last_seq, s.chain FROM seal s
        WHERE s.bucket = k.bucket AND s.customer = k.customer ORDER BY s.last_seq DESC LIMIT 1
       ) s ON true
 WHERE k.seq > coalesce(s.last_seq, 0)
 ORDER BY k.customer
"""

_CONTENT = "SELECT bucket, customer, seq, digest FROM journal_content(%b, %b, %b, %b)"

_INSERT_SEALS = """
INSERT INTO seal (place, customer, bucket, first_seq, last_seq, digests, chain, key_version, mac)
SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::integer[], %b::integer[], %b::bytea[],
                     %b::bytea[], %b::integer[], %b::bytea[])
"""

_FILLED = """
SELECT g.bucket, g.customer,
       (SELECT max(t.seq) FROM transfer t WHERE t.bucket = g.bucket AND t.customer = g.customer)
  FROM seal_gap g
 WHERE EXISTS (SELECT FROM transfer t WHERE t.bucket = g.bucket AND t.customer = g.customer AND t.seq = g.seq)
 LIMIT %b
"""

_FORGET_GAPS = """
DELETE FROM seal_gap g USING unnest(%b::smallint[], %b::bigint[]) AS k (bucket, customer)
 WHERE g.bucket = k.bucket AND g.customer = k.customer
"""

_REMEMBER_GAPS = """
INSERT INTO seal_gap (bucket, customer, seq) SELECT * FROM unnest(%b::smallint[], %b::bigint[], %b::integer[])
    ON CONFLICT (customer, bucket) DO UPDATE SET seq = excluded.seq
"""

_INSERT_CHECKPOINT = "INSERT INTO seal_checkpoint (number, place, positions, made_at, jws) VALUES (%b, %b, %b, %b, %b)"


class Behind(NamedTuple):
    """A customer with transfers after their last seal, where their chain stands, and the newest transfer to seal."""

    bucket: int
    customer: int
    last_seq: int
    chain: bytes | None
    newest_seq: int


class Unsealed(NamedTuple):
    """A transfer to seal, as `journal_content` gives it."""

    bucket: int
    customer: int
    seq: int
    digest: bytes


class Head(NamedTuple):
    """The newest checkpoint: how far each bucket's journal was read, and `jws`, None before the first one."""

    number: int
    place: int
    root: bytes
    positions: list[int]
    jws: str | None


class Gap(NamedTuple):
    """A customer's row that is missing: what comes after it cannot be sealed."""

    bucket: int
    customer: int
    seq: int


class Step(NamedTuple):
    """What a step did: how many transfers it sealed, and whether there is more."""

    transfers: int
    more: bool


class Sealing:
    """Makes steps with one deployment's keys."""

    def __init__(self, keys: SealKeys, signer: Signer, issuer: str, buckets: int) -> None:
        self._keys = keys
        self._signer = signer
        self._issuer = issuer
        self._buckets = buckets

    async def begin(self, connection: Connection) -> Head | None:
        """Take the lock for the transaction and read where the log stands; None while another one seals."""
        [(locked,)] = await (await connection.execute(_LOCK)).fetchall()
        if not locked:
            return None
        await connection.execute(_LOOK_UP)
        return await self.head(connection)

    async def head(self, connection: Connection) -> Head:
        """Where the log stands, and how far the journal was read as a key in use vouches for it."""
        row = await (await connection.execute(_NEWEST)).fetchone()
        if row is None:
            return Head(0, 0, LOG_START, [0] * self._buckets, None)
        number, place, stored, jws = row
        # The root goes on from a false checkpoint too: whoever verifies reads the log from its start.
        stated = peek(jws)
        root = bytes.fromhex(stated.root) if stated else LOG_START
        genuine = self._genuine(jws)
        if genuine is None:
            return Head(number, place, root, await self._read_to(connection, number), jws)
        if stored != genuine.read_to():
            _log.error("journal_positions_not_genuine", stored=stored, signed=genuine.read_to())
        return Head(number, place, root, genuine.read_to(), jws)

    async def _read_to(self, connection: Connection, number: int) -> list[int]:
        """How far the journal was read by the newest of the checkpoints before this one that a key vouches for.

        To read again what is sealed costs time alone; to go on from where nobody has signed may pass something over.
        """
        cursor = await connection.execute(_EARLIER, (number, EARLIER))
        for (jws,) in await cursor.fetchall():
            genuine = self._genuine(jws)
            if genuine is not None:
                return genuine.read_to()
        return [0] * self._buckets

    def _genuine(self, jws: str) -> Checkpoint | None:
        """What a checkpoint states; None when no key in use vouches for it."""
        keys = self._signer.public_keys()
        if kid_of(jws) not in keys:
            return None
        try:
            return read_checkpoint(jws, keys)
        except SignatureError as error:
            _log.error("journal_checkpoint_not_genuine", reason=str(error))
            return None

    async def seal_on(self, connection: Connection, head: Head, most: int, now: datetime) -> Step:
        """Seal about `most` transfers that came after the newest checkpoint, and sign where the log stands then."""
        positions = list(head.positions)
        newest: dict[tuple[int, int], int] = {}
        more = False
        for bucket, after in enumerate(head.positions):
            read = await read_on(connection, bucket, after, most)
            newest.update({(bucket, place.customer): place.seq for place in read.places})
            positions[bucket], more = read.cursor, more or read.more
        filled = await _filled(connection)
        newest.update(filled)
        if not newest:
            return Step(0, False)
        behind = await _behind(connection, newest)
        seals = await self._seal(connection, head.place, behind)
        root = head.root
        for seal in seals:
            root = extend_log(root, seal.leaf())
        await self._sign(connection, head, len(seals), root, positions, now)
        await _note_gaps(connection, filled, _gaps(behind, seals))
        return Step(sum([seal.last_seq - seal.first_seq + 1 for seal in seals]), more or len(filled) == FILLED)

    async def _seal(self, connection: Connection, place: int, behind: Sequence[Behind]) -> list[Seal]:
        version, key = self._keys.sealing()
        made: list[Seal] = []
        for some in portions(behind, PORTION):
            rows = await _content(connection, some)
            seals = list(make_seals(some, rows, place + len(made), version, key))
            if seals:
                await connection.execute(_INSERT_SEALS, [list(column) for column in zip(*seals, strict=True)])
            made += seals
        return made

    async def sign_anew(self, connection: Connection, now: datetime) -> None:
        """Sign the log as it stands when its newest checkpoint is under an older key, which may be retired."""
        head = await self.begin(connection)
        if head is not None and self.is_old(head):
            await self._sign(connection, head, 0, head.root, head.positions, now)

    def is_old(self, head: Head) -> bool:
        """Whether the newest checkpoint is under another key than the one that signs now."""
        return head.jws is not None and kid_of(head.jws) != self._signer.kid()

    async def _sign(
        self, connection: Connection, head: Head, seals: int, root: bytes, positions: list[int], now: datetime
    ) -> None:
        number, place = head.number + 1, head.place + seals
        jws = sign_checkpoint(self._signer, self._issuer, number, place, root, positions, now)
        await connection.execute(_INSERT_CHECKPOINT, (number, place, positions, now, jws))


def portions(behind: Sequence[Behind], transfers: int) -> Iterator[list[Behind]]:
    """The customers in their order, in portions of so many transfers, or some more with the last customer's."""
    some: list[Behind] = []
    lacking = 0
    for each in behind:
        some.append(each)
        lacking += each.newest_seq - each.last_seq
        if lacking >= transfers:
            yield some
            some, lacking = [], 0
    if some:
        yield some


def make_seals(
    behind: Sequence[Behind], rows: Sequence[Unsealed], place: int, version: int, key: bytes
) -> Iterator[Seal]:
    """Seals for each customer, of what follows their last one without a gap. `place` is the log's last."""
    known = {each[:2]: each for each in behind}
    for name, found in groupby(rows, itemgetter(0, 1)):
        each = known[name]
        chain, upto = each.chain or START, each.last_seq
        digests = [row.digest for row in _without_gap(upto + 1, found)][: each.newest_seq - upto]
        if len(digests) < each.newest_seq - upto:
            _log.error("journal_gap", customer_key=str(each.customer), seq=upto + len(digests) + 1)
        for start in range(0, len(digests), AT_MOST):
            some = digests[start : start + AT_MOST]
            place, first, upto, chain = place + 1, upto + 1, upto + len(some), extend(chain, some)
            mac = mac_of(key, leaf(place, each.customer, first, upto, chain))
            yield Seal(place, each.customer, each.bucket, first, upto, b"".join(some), chain, version, mac)


def _without_gap(first: int, rows: Iterator[Unsealed]) -> Iterator[Unsealed]:
    for seq, row in enumerate(rows, first):
        if row.seq != seq:
            return
        yield row


async def _behind(connection: Connection, newest: Mapping[tuple[int, int], int]) -> list[Behind]:
    """What is not sealed of these customers, named by bucket and key, up to these transfers."""
    parameters = ([bucket for bucket, _ in newest], [customer for _, customer in newest], list(newest.values()))
    cursor = await connection.execute(_BEHIND, parameters, binary=True)
    return [Behind(*row) for row in await cursor.fetchall()]


def _gaps(behind: Sequence[Behind], seals: Sequence[Seal]) -> list[Gap]:
    """The rows without which not all could be sealed."""
    upto = {(each.bucket, each.customer): each.last_seq for each in behind}
    upto.update({(seal.bucket, seal.customer): seal.last_seq for seal in seals})
    return [
        Gap(each.bucket, each.customer, last + 1)
        for each in behind
        if (last := upto[each.bucket, each.customer]) < each.newest_seq
    ]


async def _filled(connection: Connection) -> dict[tuple[int, int], int]:
    """The newest row of the customers whose gap is none any more."""
    cursor = await connection.execute(_FILLED, (FILLED,), binary=True)
    return {(bucket, customer): seq for bucket, customer, seq in await cursor.fetchall()}


async def _note_gaps(connection: Connection, filled: Mapping[tuple[int, int], int], gaps: Sequence[Gap]) -> None:
    if filled:
        names = ([bucket for bucket, _ in filled], [customer for _, customer in filled])
        await connection.execute(_FORGET_GAPS, names)
    if gaps:
        await connection.execute(_REMEMBER_GAPS, [list(column) for column in zip(*gaps, strict=True)])


async def _content(connection: Connection, behind: Sequence[Behind]) -> list[Unsealed]:
    parameters = (
        [each.bucket for each in behind],
        [each.customer for each in behind],
        [each.last_seq for each in behind],
        max([each.newest_seq - each.last_seq for each in behind]),
    )
    cursor = await connection.execute(_CONTENT, parameters, binary=True)
    return [Unsealed(*row) for row in await cursor.fetchall()]
