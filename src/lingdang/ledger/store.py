"""The store: a few SQL functions, each called once for a whole batch, whatever its size."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.db.flush import array_literal, ask, flush, numbered
from lingdang.db.pool import Connection
from lingdang.ledger.commands import Command, Credit, Credited, Order, Pay
from lingdang.ledger.remembered import Remembered
from lingdang.ledger.state import Changes, State, Wallet


class Loaded(msgspec.Struct, frozen=True):
    """What ledger_load answers, as it comes."""

    wallets: list[Wallet]
    ended: list[UUID]
    credits: list[Credited]
    catalogue: int | None
    listed: list[tuple[str, bool]]
    unusable: list[tuple[str, str, str]]


class Bought(msgspec.Struct, frozen=True):
    """What ledger_bought answers, as it comes."""

    owned: list[tuple[str, str]] = []
    orders: list[Order] = []


_decode = msgspec.json.Decoder(Loaded).decode
_decode_bought = msgspec.json.Decoder(Bought).decode
_decode_lots = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode

_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_COMMIT = b"COMMIT"

_LOAD = numbered("""
SELECT ledger_load(%b::smallint, %b::timestamptz, %b::text[], %b::text[], %b::uuid[], %b::text[], %b::text[],
                   %b::text[], %b::text[], %b::uuid[])
""")

_BOUGHT = numbered("""
SELECT ledger_bought(%b::smallint, %b::text[], %b::text[], %b::text[], %b::uuid[])
""")

_CREDITED = numbered("""
SELECT ledger_credited(%b::smallint, %b::text[], %b::text[], %b::bigint[])
""")

_SAVE = numbered("""
SELECT ledger_save(%b::smallint, %b::timestamptz,
    %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::timestamptz[], %b::tid[],
    %b::bigint[],
    %b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[],
    %b::uuid[], %b::bigint[], %b::text[], %b::text[],
    %b::text[],
    %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::text[],
    %b::bigint[],
    %b::text[], %b::uuid[], %b::uuid[], %b::bigint[])
""")


async def load(
    connection: Connection,
    bucket: int,
    commands: Sequence[Command],
    now: datetime,
    on_sale: Remembered[bool],
    *,
    in_doubt: bool = False,
) -> State:
    """Begin a transaction, lock the batch's wallets and read what its decision needs: one flush.

    Products that are known to be `on_sale` are not asked about, unless the catalogue has changed meanwhile: then once
    more, about all. What has been bought is asked about where wallets have moved since the checkout, in one flush
    more; `in_doubt`: everywhere. So is the lot of a credit that is repeated.
    """
    on_sale.read_by(connection)
    pays = [command for command in commands if isinstance(command, Pay)]
    lines = [line.product_id for pay in pays for line in pay.lines]
    asked = on_sale.unknown(lines)
    questions = _questions(bucket, commands, pays, now, asked)
    loaded = _decode(await ask(connection, (_BEGIN, ()), (_LOAD, questions)))
    if not on_sale.still_holds(loaded.catalogue):
        asked = on_sale.unknown(lines)
        questions = _questions(bucket, commands, pays, now, asked)
        loaded = _decode(await ask(connection, (_LOAD, questions)))
    on_sale.learn(loaded.catalogue, dict.fromkeys(set(asked).difference(name for name, _ in loaded.listed), True))
    moved = pays if in_doubt else _moved(pays, loaded.wallets)
    booked = await _booked(connection, bucket, loaded.credits) if loaded.credits else []
    return _state(loaded, booked, await _bought(connection, bucket, moved) if moved else Bought())


def _moved(pays: Sequence[Pay], wallets: Sequence[Wallet]) -> list[Pay]:
    """The payments of customers who have had a transfer since the checkout, or of whom that is not known."""
    counts: dict[str, int] = {}
    for wallet in wallets:
        counts[wallet.customer_id] = counts.get(wallet.customer_id, 0) + wallet.seq
    return [pay for pay in pays if pay.transfers != counts.get(pay.cust_id, 0)]


async def _bought(connection: Connection, bucket: int, pays: Sequence[Pay]) -> Bought:
    parameters = (
        bucket,
        [p.cust_id for p in pays for _ in p.lines],
        [line.product_id for p in pays for line in p.lines],
        [p.cust_id for p in pays],
        [p.order_id for p in pays],
    )
    return _decode_bought(await ask(connection, (_BOUGHT, parameters)))


async def _booked(connection: Connection, bucket: int, credits: Sequence[Credited]) -> list[Credited]:
    """Credits that are repeated, with the lots that they went into: one flush more."""
    parameters = (bucket, [c.cust_id for c in credits], [c.currency for c in credits], [c.seq for c in credits])
    lots = _decode_lots(await ask(connection, (_CREDITED, parameters)))
    return [msgspec.structs.replace(each, lot=lot) for each, lot in zip(credits, lots, strict=True)]


def _questions(
    bucket: int, commands: Sequence[Command], pays: Sequence[Pay], now: datetime, products: Sequence[str]
) -> tuple[object, ...]:
    credits = [c for c in commands if isinstance(c, Credit)]
    return (
        bucket,
        now,
        sorted({c.cust_id for c in commands}),
        [p.cust_id for p in pays],
        [p.session_id for p in pays],
        products,
        [c.cust_id for c in credits],
        [c.credit_id for c in credits],
        [p.cust_id for p in pays for _ in p.vouchers],
        [voucher.voucher_id for p in pays for voucher in p.vouchers],
    )


def _state(loaded: Loaded, booked: Sequence[Credited], bought: Bought) -> State:
    return State(
        wallets={(w.customer_id, w.currency): w for w in loaded.wallets},
        ended_sessions=set(loaded.ended),
        orders={(o.cust_id, o.order_id): o for o in bought.orders},
        credits={(c.cust_id, c.credit_id): c for c in booked},
        owned=set(bought.owned),
        unavailable={product_id for product_id, on_sale in loaded.listed if not on_sale},
        unusable={(cust_id, voucher): why for cust_id, voucher, why in loaded.unusable if why != "first_purchase"},
        first_purchase={(cust_id, voucher) for cust_id, voucher, why in loaded.unusable if why == "first_purchase"},
    )


async def save(connection: Connection, bucket: int, changes: Changes) -> None:
    """Write the changes and commit: one flush. When this returns, they are durable."""
    parameters = (
        bucket,
        changes.now,
        *_wallets(changes),
        *_transfers(changes),
        *_credits(changes),
        *_vouchers(changes),
    )
    await flush(connection, (_SAVE, parameters), (_COMMIT, ()))


async def leave(connection: Connection) -> None:
    """End the transaction of a batch that changes nothing."""
    await flush(connection, (_COMMIT, ()))


def _wallets(changes: Changes) -> tuple[Sequence[object], ...]:
    wallets = list(changes.wallets.values())
    return (
        [w.customer_id for w in wallets],
        [w.currency for w in wallets],
        [w.balance for w in wallets],
        [w.seq for w in wallets],
        [_array(w.lots) for w in wallets],
        [_array(w.remaining) for w in wallets],
        [w.next_expiry for w in wallets],
        [w.place for w in wallets],
        [changes.before[w.customer_id, w.currency] for w in wallets],
    )


def _transfers(changes: Changes) -> tuple[Sequence[object], ...]:
    transfers = changes.transfers
    orders = [t.order for t in transfers]
    return (
        [t.customer_id for t in transfers],
        [t.currency for t in transfers],
        [t.seq for t in transfers],
        [t.kind for t in transfers],
        [t.reference for t in transfers],
        [t.amount for t in transfers],
        [t.balance for t in transfers],
        [_json(t.accounts) for t in transfers],
        [_array(t.amounts) for t in transfers],
        [o and o.order_id for o in orders],
        [(o and o.discount) or None for o in orders],
        [o and _json(o.lines) for o in orders],
        [_json(o.vouchers) if o and o.vouchers else None for o in orders],
        [o and _array([line.product_id for line in o.lines]) for o in orders],
    )


def _credits(changes: Changes) -> tuple[Sequence[object], ...]:
    credits = changes.credits
    return (
        [c.cust_id for c in credits],
        [c.credit_id for c in credits],
        [c.currency for c in credits],
        [c.seq for c in credits],
        [c.amount for c in credits],
        [c.kind for c in credits],
        [c.expires_at for c in credits],
        [c.reason for c in credits],
        [c.balance for c in credits],
    )


def _vouchers(changes: Changes) -> tuple[Sequence[object], ...]:
    used = [(order, voucher) for order in changes.orders for voucher in order.vouchers]
    return (
        [order.cust_id for order, _ in used],
        [voucher.voucher_id for _, voucher in used],
        [order.order_id for order, _ in used],
        [voucher.saves for _, voucher in used],
    )


def _json(value: object) -> str:
    return _encode(value).decode()


def _array(values: Sequence[object]) -> str:
    return array_literal(values).decode()
