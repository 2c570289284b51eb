"""What is left of a top-up, for whoever only looks: providers that ask how much was consumed, and operators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.ids import bucket_of
from lingdang.ledger import left, topping_up
from lingdang.ledger.balance import live_lots
from lingdang.ledger.left import Lotted
from lingdang.ledger.state import Row, Wallet
from lingdang.ledger.topping_up import ToppedUp, topup_cause

# One statement, one snapshot.
_SQL = """
SELECT ledger_since(%b::smallint, ARRAY[%b::uuid]), (
       SELECT json_agg(json_build_array(w.customer, w.currency, w.balance, w.seq, w.moved_at, w.lots, w.remaining,
                                        w.next_expiry, NULL, w.debt))::text
         FROM wallet w WHERE w.bucket = %b AND w.customer = %b)
"""

_decode = msgspec.json.Decoder(list[Row]).decode
_decode_wallets = msgspec.json.Decoder(list[Wallet]).decode


class TopUpLeft(msgspec.Struct, frozen=True, kw_only=True):
    """How a credited top-up stands, in bells: credited = left + spent + frozen + taken.

    `left_lots` are those lots of it in which something is left; `spent` was spent or has lapsed; `taken` are those that
    went back with their money, `frozen` those of an open dispute. `debt` is the whole wallet's.
    """

    topup: ToppedUp
    left: int
    left_lots: Lotted
    spent: int
    frozen: int
    taken: int
    debt: int


async def left_of(pool: Pool, customer: int, topup_id: UUID, now: datetime, *, buckets: int) -> TopUpLeft | None:
    """How a top-up stands at `now`; None where it was not credited, or is another customer's."""
    return _stands_at(await fetch_all(pool, _SQL, _asked(customer, topup_id, buckets)), now)


async def left_on(
    connection: Connection, customer: int, topup_id: UUID, now: datetime, *, buckets: int
) -> TopUpLeft | None:
    """As `left_of`, on a connection that is held already: who holds one of a pool may wait for no other."""
    cursor = await connection.execute(_SQL, _asked(customer, topup_id, buckets), binary=True)
    return _stands_at(await cursor.fetchall(), now)


def _asked(customer: int, topup_id: UUID, buckets: int) -> tuple[object, ...]:
    bucket = bucket_of(customer, buckets)
    return (bucket, topup_cause(customer, topup_id), bucket, customer)


def _stands_at(answer: Sequence[tuple[Any, ...]], now: datetime) -> TopUpLeft | None:
    [(found, held)] = answer
    rows = _decode(found)
    if not rows:
        return None
    topup = topping_up.read(rows[0])
    [wallet] = [wallet for wallet in _decode_wallets(held) if wallet.currency == topup.currency]
    return _stands(topup, rows, wallet, now)


def _stands(topup: ToppedUp, rows: list[Row], wallet: Wallet, now: datetime) -> TopUpLeft:
    credits = left.credits_of(rows)
    credit = credits[left.topup_key(str(topup.topup_id))]
    there = {lot: n for lot, n in left.left(credits.values(), credit, live_lots(wallet, now)).items() if n}
    frozen, gone, whole = sum(credit.frozen.values()), sum(credit.taken.values()), topup.paid + topup.bonus
    return TopUpLeft(
        topup=topup,
        left=sum(there.values()),
        left_lots=there,
        spent=whole - gone - frozen - sum(there.values()),
        frozen=frozen,
        taken=gone,
        debt=wallet.debt,
    )
