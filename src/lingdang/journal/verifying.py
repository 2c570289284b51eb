"""`lingdang reconcile` on the seals: what was changed, removed or slipped in since, customer by customer, then the log.

A transfer is compared with its digest, the digests with the customer's chain, each seal with its MAC, all seals with
the signed checkpoints, and the checkpoints with the witness. The first two say where, the last three that nobody
without the keyring made it fit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec
import psycopg

from lingdang.clock import rfc3339
from lingdang.journal.chain import START, extend, split
from lingdang.journal.checkpoints import peek, read_checkpoint
from lingdang.journal.seals import LOG_START, Seal, SealKeys, extend_log
from lingdang.ledger.reconcile import IN_CHUNK, Chunk, Difference, Names, chunks
from lingdang.signer import PublicKeys, SignatureError, kid_of

T = TypeVar("T")

Rows = psycopg.Connection[tuple[Any, ...]]

_OWNER = attrgetter("customer", "bucket")

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_COLUMNS = "place, customer, bucket, first_seq, last_seq, digests, chain, key_version, mac"

_SEALS = f"SELECT {_COLUMNS} FROM seal WHERE {IN_CHUNK} ORDER BY customer, bucket, last_seq"  # noqa: S608

_ENTRIES = f"""
SELECT c.customer, c.currency, c.bucket, c.seq, c.moment, c.digest
  FROM (SELECT array_agg(bucket) AS buckets, array_agg(customer) AS customers, array_agg(-2147483648) AS after
          FROM (SELECT DISTINCT customer, bucket FROM transfer WHERE {IN_CHUNK} ORDER BY customer, bucket) t) k,
       journal_content(k.buckets, k.customers, k.after, 2147483647) c
"""  # noqa: S608 - constants

_LOG = f"SELECT {_COLUMNS} FROM seal ORDER BY place"  # noqa: S608

_CHECKPOINTS = "SELECT number, place, positions, jws FROM seal_checkpoint ORDER BY number"


class Sealed(msgspec.Struct):
    """What was verified: transfers under a seal, transfers not sealed yet, seals and checkpoints."""

    sealed: int = 0
    unsealed: int = 0
    seals: int = 0
    checkpoints: int = 0
    differences: list[Difference] = []


class _Entry(NamedTuple):
    customer: int
    currency: str
    bucket: int
    seq: int
    moment: datetime
    digest: bytes


class Verifier:
    """Verifies one database against one keyring. `connection` is in autocommit mode."""

    def __init__(self, connection: Rows, keys: SealKeys, public: PublicKeys, overdue_before: datetime) -> None:
        self._connection = connection
        self._names = Names(connection)
        self._keys = keys
        self._public = public
        self._overdue_before = overdue_before
        self._found = Sealed()
        self._overdue: list[str] = []

    def verify(self, witness: str | None, progress: Callable[[int], None] = lambda _: None) -> Sealed:
        """Verify everything. `witness` is a checkpoint's JWS; `progress` is told the customers done since last time."""
        for chunk in chunks(self._connection):
            with self._connection.transaction():
                self._chunk(chunk)
            progress(chunk.customers)
        with self._connection.transaction():
            self._log(witness)
        if self._overdue:
            first = min(self._overdue, key=lambda place: place.rpartition(" ")[2])
            self._add("journal_unsealed", "", f"{len(self._overdue)} transfers past the deadline, the oldest: {first}")
        return self._found

    def _chunk(self, chunk: Chunk) -> None:
        place = chunk._asdict()
        self._connection.execute(_SNAPSHOT)
        seals = {
            key: list(of_customer)
            for key, of_customer in groupby(_stream(self._connection, "seals", _SEALS, place, Seal._make), _OWNER)
        }
        for key, entries in groupby(_stream(self._connection, "entries", _ENTRIES, place, _Entry._make), _OWNER):
            self._customer(key[0], seals.pop(key, []), entries)
        for key, of_customer in seals.items():
            self._customer(key[0], of_customer, iter(()))

    def _customer(self, customer: int, seals: Sequence[Seal], entries: Iterable[_Entry]) -> None:
        found = self._found
        expected, missing = self._digests(customer, seals)
        found.seals += len(seals)
        sealed_to = seals[-1].last_seq if seals else 0
        for entry in entries:
            digest = expected.pop(entry.seq, None)
            if digest is not None:
                found.sealed += 1
                if digest != entry.digest:
                    self._add("journal_changed", self._names[customer], f"{entry.currency} seq {entry.seq}")
            elif entry.seq > sealed_to:
                found.unsealed += 1
                if entry.moment < self._overdue_before:
                    self._overdue.append(
                        f"{self._names[customer]} {entry.currency} seq {entry.seq} of {rfc3339(entry.moment)}"
                    )
            elif not any(entry.seq in stretch for stretch in missing):
                self._add("journal_slipped_in", self._names[customer], f"{entry.currency} seq {entry.seq}")
        for seq in expected:
            self._add("journal_removed", self._names[customer], f"seq {seq}")

    def _digests(self, customer: int, seals: Sequence[Seal]) -> tuple[dict[int, bytes], list[range]]:
        """What each transfer was when it was sealed, and the stretches whose seals are missing."""
        expected: dict[int, bytes] = {}
        missing: list[range] = []
        chain: bytes | None = START
        upto = 0
        for seal in seals:
            if seal.first_seq != upto + 1:
                missing.append(range(upto + 1, seal.first_seq))
                self._add("seal_removed", self._names[customer], f"seq {upto + 1} to {seal.first_seq - 1}")
                chain = None  # what this seal goes on from is gone; its MAC still vouches for it
            digests = split(seal.digests)
            if len(digests) != seal.last_seq - seal.first_seq + 1 or (
                chain is not None and extend(chain, digests) != seal.chain
            ):
                self._add("seal_changed", self._names[customer], f"seq {seal.first_seq} to {seal.last_seq}")
            expected.update(enumerate(digests, seal.first_seq))
            chain, upto = seal.chain, seal.last_seq
        return expected, missing

    def _log(self, witness: str | None) -> None:
        self._connection.execute(_SNAPSHOT)
        seals = _stream(self._connection, "log", _LOG, {}, Seal._make)
        log = _Log(self._keys, seals, self._add, self._names)
        number, verified = 0, True
        for row_number, place, positions, jws in _stream(self._connection, "checkpoints", _CHECKPOINTS, {}, tuple):
            self._found.checkpoints += 1
            if row_number != number + 1:
                self._add("checkpoint_removed", "", f"number {number + 1} to {row_number - 1}")
            number = row_number
            verified = self._checkpoint(log, number, place, positions, jws)
            if jws == witness:
                witness = None
        if not verified:
            self._add("checkpoint_unverified", "", f"number {number}, the newest: its key is retired or unknown")
        log.rest()
        if witness is not None:
            self._add("journal_rolled_back", "", _missed(witness, number, log.place))

    def _checkpoint(self, log: "_Log", number: int, place: int, positions: Sequence[int], jws: str) -> bool:
        """Whether the signature is good; the log's seals up to the checkpoint are compared with what it states."""
        signed = kid_of(jws) in self._public
        try:
            stated = read_checkpoint(jws, self._public) if signed else peek(jws)
        except SignatureError as error:
            self._add("checkpoint_changed", "", f"number {number}: {error}")
            log.advance(place)
            return False
        if stated is None or (stated.number, stated.place) != (number, place):
            self._add("checkpoint_changed", "", f"number {number}: it is not what was signed")
            log.advance(place)
            return signed
        if stated.read_to() != positions:
            self._add("checkpoint_changed", "", f"number {number}: its positions are not what was signed")
        log.advance(place)
        if signed:
            log.compare(stated.root)
        else:
            log.suspect(number, stated.root)
        return signed

    def _add(self, check: str, cust_id: str, detail: str) -> None:
        self._found.differences.append(Difference(check, cust_id, detail))


class _Log:
    """The seals in the order of the log, chained as far as the next checkpoint."""

    def __init__(
        self, keys: SealKeys, seals: Iterator[Seal], add: Callable[[str, str, str], None], names: "Names"
    ) -> None:
        self._keys = keys
        self._seals = seals
        self._add = add
        self._names = names
        self._next = next(seals, None)
        self._root = LOG_START
        self._sound = True
        self._signed_to = 0
        self._suspected: list[int] = []
        self.place = 0

    def advance(self, place: int) -> None:
        """Go on to a checkpoint's place."""
        while self._next is not None and self._next.place <= place:
            self._take(self._next)
            self._next = next(self._seals, None)
        self._up_to(place + 1)

    def compare(self, root: str) -> None:
        """Compare with what was signed here, unless what is wrong is known already, and go on from that."""
        stated = bytes.fromhex(root)
        if stated == self._root:
            for number in self._suspected:
                self._add("checkpoint_changed", "", f"number {number}: it does not state what the log had")
        elif self._sound:
            self._add("log_changed", "", f"places {self._signed_to + 1} to {self.place} are not what was signed")
        self._root, self._sound, self._signed_to, self._suspected = stated, True, self.place, []

    def suspect(self, number: int, root: str) -> None:
        """A checkpoint whose key is retired: the next one that is signed tells whether it or the log was changed."""
        if root != self._root.hex():
            self._suspected.append(number)

    def rest(self) -> None:
        """What stands after the last checkpoint was signed by nobody."""
        for seal in (*([self._next] if self._next else []), *self._seals):
            self._add("seal_slipped_in", self._names[seal.customer], f"{_described(seal)}, after the last checkpoint")

    def _take(self, seal: Seal) -> None:
        self._up_to(seal.place)
        self.place = seal.place
        self._root = extend_log(self._root, seal.leaf())
        if self._keys.genuine(seal) is False:
            self._add("seal_changed", self._names[seal.customer], f"{_described(seal)}: its MAC does not fit")
            self._sound = False

    def _up_to(self, place: int) -> None:
        """Note the seals that are missing before `place`."""
        missing = range(self.place + 1, place)
        if missing:
            self._add("seal_removed", "", f"places {missing[0]} to {missing[-1]} of the log")
            self.place, self._sound = place - 1, False


def _described(seal: Seal) -> str:
    return f"seq {seal.first_seq} to {seal.last_seq}, place {seal.place}"


def _missed(witness: str, number: int, place: int) -> str:
    known = peek(witness)
    if known is None:
        return "the witness is not a checkpoint"
    made = rfc3339(datetime.fromtimestamp(known.iat, UTC))
    return (
        f"the witness of {made} has checkpoint {known.number} with {known.place} seals; "
        f"the log has not, and ends with checkpoint {number} and {place} seals"
    )


def _stream(
    connection: Rows, name: str, sql: str, place: Mapping[str, object], make: Callable[[Any], T]
) -> Iterator[T]:
    """Rows through a cursor on the server, so that any number of them fits."""
    with connection.cursor(name, binary=True) as cursor:
        cursor.itersize = 5000
        for row in cursor.execute(sql.encode(), place):
            yield make(row)
