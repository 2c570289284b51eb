"""The offer: what a checkout fixed, encrypted in the order token."""

from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.ledger.lines import Line, UsedVoucher


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Customer, session, lines, prices, vouchers, total and expiry. Sums are in whole bells.

    `transfers`: how many rows the customer's journal had when the lines were seen not to be owned. While there are
    no more, that still holds.
    """

    order_id: UUID
    customer: int
    session_id: UUID
    currency: str
    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...]
    subtotal: int
    discount: int
    total: int
    issued_at: datetime
    expires_at: datetime
    transfers: int | None = None


encode_offer = msgspec.msgpack.Encoder(uuid_format="bytes").encode
"""An offer as it is encrypted: MessagePack, which makes a token of three books a quarter shorter than JSON does."""
decode_offer = msgspec.msgpack.Decoder(Offer).decode
"""The offer again. Raises msgspec.DecodeError for what is none."""
