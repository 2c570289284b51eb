"""What is used of WeChat Pay's objects, by WeChat's names. Whatever else they have is passed over."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A notification, but for what it carries encrypted."""

    id: str
    create_time: Moment
    event_type: str


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is the order's money, whatever coupons of WeChat's the payer had."""

    total: int
    currency: str = "CNY"


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """An order. It has no transaction's id and no amount before somebody pays."""

    mchid: str | None = None
    appid: str | None = None
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    amount: Amount | None = None


class RefundAmount(msgspec.Struct, frozen=True):
    """What goes back to the payer."""

    refund: int


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """A refund, as it is answered (`status`) and as it is told later (`refund_status`)."""

    mchid: str | None = None
    out_trade_no: str
    transaction_id: str
    refund_id: str
    status: str | None = None
    refund_status: str | None = None
    amount: RefundAmount


class Prepared(msgspec.Struct, frozen=True):
    """The text of the code to be scanned."""

    code_url: str


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Where a day's bill is, and the SHA-1 of what is packed there."""

    hash_value: str
    download_url: str


class Problem(msgspec.Struct, frozen=True):
    """Why WeChat will not."""

    code: str = "unreadable"
