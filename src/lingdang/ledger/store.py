"""The store: three SQL functions, each called once for a whole batch, whatever its size."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.clock import Clock
from lingdang.db.flush import Statement, array_literal, ask, flush, numbered
from lingdang.db.pool import Connection
from lingdang.ledger.catalogue import Catalogue
from lingdang.ledger.paying import Pay
from lingdang.ledger.refunding import detail_of
from lingdang.ledger.rules import Command
from lingdang.ledger.state import Changes, Row, State, Wallet
from lingdang.ledger.taking_back import TakeBack


class LoadAnswer(msgspec.Struct, frozen=True):
    """What ledger_load answers, as it comes."""

    wallets: list[Wallet]
    ended: list[UUID]
    catalogue: str | None
    products: msgspec.Raw
    unusable: list[tuple[int, str, str]]


class FoundAnswer(msgspec.Struct, frozen=True):
    """What ledger_found answers, as it comes."""

    rows: list[Row] = []
    refunds: list[Row] = []
    rights: list[tuple[int, str, int, bool]] = []


_decode = msgspec.json.Decoder(LoadAnswer).decode
_decode_found = msgspec.json.Decoder(FoundAnswer).decode
_decode_rows = msgspec.json.Decoder(list[Row]).decode
_encode = msgspec.json.Encoder().encode

_BEGIN: Statement = (b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", ())
_COMMIT: Statement = (b"COMMIT", ())

_LOAD = numbered("""
SELECT ledger_load(%b::smallint, %b::timestamptz, %b::bigint[], %b::bigint[], %b::uuid[], %b::text[], %b::bigint[],
                   %b::uuid[])
""")

_FOUND = """
SELECT ledger_found(%b::smallint, %b::uuid[], %b::uuid[], %b::bigint[], %b::text[])
"""
_FOUND_NUMBERED = numbered(_FOUND)

_SINCE = numbered("""
SELECT ledger_since(%b::smallint, %b::uuid[])
""")

_WALLETS = """
SELECT customer, currency, balance, seq, moved_at, lots, remaining, next_expiry, NULL, debt FROM wallet
 WHERE bucket = %b AND customer = %b
"""

_SAVE = numbered("""
SELECT ledger_write(%b::smallint, %b::timestamptz,
    %b::bigint[], %b::text[], %b::bigint[], %b::integer[], %b::timestamptz[], %b::text[], %b::text[],
    %b::timestamptz[], %b::tid[], %b::integer[], %b::bigint[],
    %b::bigint[], %b::text[], %b::integer[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::text[],
    %b::text[], %b::uuid[], %b::text[], %b::text[],
    %b::bigint[], %b::text[], %b::integer[], %b::boolean[],
    %b::bigint[], %b::uuid[], %b::uuid[], %b::bigint[])
""")


def begin(bucket: int) -> str:
    """With what a connection begins on which the bucket's batches are saved: positions need the server's epoch."""
    return f"SELECT journal_begin({bucket}::smallint)"


async def load(
    connection: Connection,
    bucket: int,
    commands: Sequence[Command],
    clock: Clock,
    catalogue: Catalogue,
    *,
    in_doubt: bool = False,
) -> tuple[State, datetime]:
    """Begin a transaction, lock the batch's customers and read what its decision needs: one flush.

    The moment of the decision is answered with it. It is read under the locks: what one worker refused as too late, no
    other pays afterwards.

    Products that the worker knows are not asked about, unless the catalogue has changed meanwhile: then once more,
    about all. What the journal has of a payment is asked about where the customer's has grown since the checkout,
    in one flush more; `in_doubt`: everywhere.
    """
    asked_at = clock()
    pays = [command for command in commands if isinstance(command, Pay)]
    look = catalogue.look([line.product_id for pay in pays for line in pay.lines])
    sought = [command for command in commands if in_doubt or not isinstance(command, Pay)]
    causes = _found(bucket, sought)
    answers = await flush(
        connection,
        _BEGIN,
        _load(bucket, commands, pays, asked_at, look.unknown),
        *causes,
        *_since(bucket, commands),
    )
    loaded = _decode(_answer(answers[1]))
    found = [_decode_found(_answer(answer)) for answer in answers[2 : 2 + len(causes)]]
    credited = [row for answer in answers[2 + len(causes) :] for row in _decode_rows(_answer(answer))]
    if not look.holds_in(loaded.catalogue):
        loaded = _decode(await ask(connection, _load(bucket, commands, pays, asked_at, look.unknown)))
    if not in_doubt:
        for statement in _found(bucket, _moved(pays, loaded.wallets)):
            found.append(_decode_found(await ask(connection, statement)))
    now = clock()
    return _state(loaded, found, look.off_sale(loaded.catalogue, loaded.products, now), credited), now


def _moved(pays: Sequence[Pay], wallets: Sequence[Wallet]) -> list[Pay]:
    """The payments of customers whose journal has grown since the checkout, or of whom that is not known."""
    counts: dict[int, int] = {}
    for wallet in wallets:
        if wallet.seq > counts.get(wallet.customer, 0):
            counts[wallet.customer] = wallet.seq
    return [pay for pay in pays if pay.transfers != counts.get(pay.customer, 0)]


def _load(
    bucket: int, commands: Sequence[Command], pays: Sequence[Pay], now: datetime, products: Sequence[str]
) -> Statement:
    parameters = (
        bucket,
        now,
        sorted({c.customer for c in commands}),
        [p.customer for p in pays],
        [p.session_id for p in pays],
        products,
        [p.customer for p in pays for _ in p.vouchers],
        [voucher.voucher_id for p in pays for voucher in p.vouchers],
    )
    return _LOAD, parameters


def _found(bucket: int, commands: Sequence[Command]) -> list[Statement]:
    """The question what the journal has of these commands; none when there is nothing to ask."""
    orders = [order for c in commands if (order := c.order) is not None]
    causes = [*orders, *(cause for c in commands if (cause := c.cause) is not None)]
    rights = [(c.customer, name) for c in commands for name in c.rights]
    if not causes:
        return []
    parameters = (bucket, causes, orders, [customer for customer, _ in rights], [name for _, name in rights])
    return [(_FOUND_NUMBERED, parameters)]


def _since(bucket: int, commands: Sequence[Command]) -> list[Statement]:
    """The question what came after the top-ups that these commands take back; none when there is none."""
    causes = [command.cause for command in commands if isinstance(command, TakeBack)]
    return [(_SINCE, (bucket, causes))] if causes else []


def _answer(answer: bytes | None) -> bytes:
    assert answer is not None, "a function answers one row"
    return answer


def _state(
    loaded: LoadAnswer, found: Sequence[FoundAnswer], unavailable: set[str], credited: Sequence[Row] = ()
) -> State:
    return State(
        wallets={(w.customer, w.currency): w for w in loaded.wallets},
        ended_sessions=set(loaded.ended),
        rows=[row for each in found for row in each.rows],
        rights={(customer, name): seq for each in found for customer, name, seq, _ in each.rights},
        opened={(customer, name) for each in found for customer, name, _, opened in each.rights if opened},
        refunds=_by_order([row for each in found for row in each.refunds]),
        credited=list(credited),
        unavailable=unavailable,
        unusable={(customer, voucher): why for customer, voucher, why in loaded.unusable if why != "first_purchase"},
        first_purchase={(customer, voucher) for customer, voucher, why in loaded.unusable if why == "first_purchase"},
    )


def _by_order(refunds: Sequence[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in refunds:
        found.setdefault(detail_of(row).order_id, []).append(row)
    return found


async def peek(connection: Connection, bucket: int, command: Command) -> State:
    """What one command would be decided on, read without a lock: for whoever only asks what it would do.

    On a pool's connection, where psycopg prepares statements: it drops all of them, a flush's too, when a transaction
    is rolled back. So nothing is flushed here.
    """
    cursor = await connection.execute(_WALLETS, (bucket, command.customer), binary=True)
    wallets = [msgspec.convert(row, Wallet) for row in await cursor.fetchall()]
    found: list[FoundAnswer] = []
    for _, parameters in _found(bucket, [command]):
        row = await (await connection.execute(_FOUND, parameters, binary=True)).fetchone()
        assert row is not None, "a function answers one row"
        found.append(_decode_found(row[0]))
    return _state(LoadAnswer(wallets, [], None, msgspec.Raw(b"[]"), []), found, set())


async def save(connection: Connection, bucket: int, changes: Changes) -> None:
    """Write the changes and commit: one flush. When this returns, they are durable."""
    await flush(connection, saving(bucket, changes), _COMMIT)


def saving(bucket: int, changes: Changes) -> Statement:
    """What writes the changes; whoever runs it ends the transaction that `load` began."""
    parameters = (
        bucket,
        changes.now,
        *_wallets(changes),
        *_rows(changes),
        *_revoked(changes),
        *_vouchers(changes),
    )
    return _SAVE, parameters


async def leave(connection: Connection) -> None:
    """End the transaction of a batch that changes nothing."""
    await flush(connection, _COMMIT)


def _wallets(changes: Changes) -> tuple[Sequence[object], ...]:
    wallets = list(changes.wallets.values())
    return (
        [w.customer for w in wallets],
        [w.currency for w in wallets],
        [w.balance for w in wallets],
        [w.seq for w in wallets],
        [w.moved_at for w in wallets],
        [_array(w.lots) for w in wallets],
        [_array(w.remaining) for w in wallets],
        [w.next_expiry for w in wallets],
        [w.place for w in wallets],
        [changes.before[w.customer, w.currency] for w in wallets],
        [w.debt for w in wallets],
    )


def _rows(changes: Changes) -> tuple[Sequence[object], ...]:
    rows = changes.rows
    return (
        [r.customer for r in rows],
        [r.currency for r in rows],
        [r.seq for r in rows],
        [r.kind for r in rows],
        [r.amount for r in rows],
        [r.balance for r in rows],
        [r.at for r in rows],
        [_encode(r.accounts).decode() for r in rows],
        [_array(r.amounts) for r in rows],
        [r.cause for r in rows],
        [str(r.detail, "utf-8") for r in rows],
        [_array(products) if products else None for products in changes.granted],
    )


def _revoked(changes: Changes) -> tuple[Sequence[object], ...]:
    return (
        [right.customer for right in changes.revoked],
        [right.product_id for right in changes.revoked],
        [right.granted_by for right in changes.revoked],
        [right.unopened for right in changes.revoked],
    )


def _vouchers(changes: Changes) -> tuple[Sequence[object], ...]:
    return (
        [use.customer for use in changes.used],
        [use.voucher_id for use in changes.used],
        [use.order_id for use in changes.used],
        [use.saves for use in changes.used],
    )


def _array(values: Sequence[object]) -> str:
    return array_literal(values).decode()
