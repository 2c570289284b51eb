"""How a trade stands by what Alipay says of it. Nothing here asks Alipay."""

from datetime import datetime
from typing import Literal

import msgspec

from lingdang.topup.money import read_decimal
from lingdang.topup.providers.checks import CHINA, our_number
from lingdang.topup.providers.provider import Standing


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade, in notifications and answers. `refund_fee` is the sum of all its refunds, in yuan as every amount."""

    out_trade_no: str
    trade_no: str
    trade_status: str = ""
    total_amount: str | None = None
    refund_fee: str | None = None
    fund_change: str | None = None
    """Whether a refund that was asked for has moved money: `Y`, or `N` where it had before, or has not yet."""
    gmt_refund: str | None = None
    send_pay_date: str | None = None
    """When it was paid; in answers alone."""
    app_id: str | None = None
    seller_id: str | None = None


def moment(text: str) -> datetime:
    """Alipay's times are China's and do not say so. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


def of_trade(trade: Trade, at: datetime) -> Standing:
    """`TRADE_SUCCESS` comes again for each refund of a part, with their sum. `TRADE_CLOSED` is a trade that nobody
    paid, or one whose money went back whole. Raises ValueError for an amount of another form."""
    returned = trade.gmt_refund is not None or trade.refund_fee is not None or trade.send_pay_date is not None
    state: Literal["open", "paid", "closed"] = "open"
    if trade.trade_status in ("TRADE_SUCCESS", "TRADE_FINISHED"):
        state = "paid"
    elif trade.trade_status == "TRADE_CLOSED":
        state = "paid" if returned else "closed"
    total = read_decimal(trade.total_amount, "CNY") if trade.total_amount is not None else None
    refunded = read_decimal(trade.refund_fee, "CNY").amount if trade.refund_fee is not None else None
    if refunded is None and trade.trade_status == "TRADE_CLOSED" and total is not None:
        refunded = total.amount
    return Standing(
        topup_id=our_number(trade.out_trade_no),
        reference=trade.trade_no,
        state=state,
        at=at,
        received=total if state == "paid" else None,
        refunded=refunded if state == "paid" else None,
    )
