"""What became of a top-up after its credit: rows by which bells are taken back, given back, frozen and released."""

from uuid import UUID

import msgspec

from lingdang.ledger.state import Row

TAKEBACK = "takeback"
GIVEBACK = "giveback"
FREEZE = "freeze"
RELEASE = "release"

FROZEN = "frozen"
"""The account of bells that nobody can spend while a payment is disputed."""


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about such a row beside its legs.

    `of` says which of the credit's bells it is about, by the lots that they came into: the sum is all that was taken,
    debt too, or given back, frozen, released. Of what was taken, `thawed` had been frozen. `number` counts the
    top-up's rows from 0, its credit; `refunded` and `disputed` are the money that it follows from, in minor units.
    """

    topup_id: UUID
    number: int
    of: list[tuple[str, int]]
    refunded: int
    disputed: int
    reason: str
    thawed: list[tuple[str, int]] = []


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def detail_of(row: Row) -> Detail:
    """What is fixed about a row of these kinds beside its legs."""
    return _decode(row.detail)
