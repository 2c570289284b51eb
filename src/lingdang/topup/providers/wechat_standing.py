"""How a payment stands by what WeChat Pay's objects say of it. Nothing here asks WeChat."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from lingdang.topup.money import Money
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.provider import GivenBack, Return, Standing
from lingdang.topup.providers.wechat_objects import Refunded, Transaction

_STATES: Mapping[str, Literal["open", "paid", "closed"]] = {
    "SUCCESS": "paid",
    "REFUND": "paid",
    "NOTPAY": "open",
    "USERPAYING": "open",
    "ACCEPT": "open",
    "CLOSED": "closed",
    "REVOKED": "closed",
    "PAYERROR": "closed",
}
_DONE, _PENDING = "SUCCESS", "PROCESSING"
_ON_ITS_WAY = frozenset({_DONE, _PENDING})
"""A refund that is closed or stuck has brought the payer nothing."""


def of_transaction(found: Transaction, mchid: str, appid: str, at: datetime) -> Standing:
    """By an order; one in a state that is not documented is open."""
    state = _STATES.get(found.trade_state, "open")
    paid = state == "paid" and found.amount is not None
    differs = [name for name, same in (("merchant", found.mchid == mchid), ("app", found.appid == appid)) if not same]
    return Standing(
        topup_id=our_number(found.out_trade_no),
        reference=found.transaction_id,
        state=state,
        at=at,
        received=Money(found.amount.total, found.amount.currency) if paid and found.amount is not None else None,
        differs=tuple(differs),
    )


def of_refund(refunded: Refunded, mchid: str | None, at: datetime) -> Standing:
    """By one refund. `mchid` is ours where it is told; an answer to ourselves does not tell it."""
    status = refunded.refund_status or refunded.status
    amount = refunded.amount.refund if status in _ON_ITS_WAY else 0
    back = Return(reference=refunded.refund_id, amount=amount, at=None if status == "PROCESSING" else at)
    return Standing(
        topup_id=our_number(refunded.out_trade_no),
        reference=refunded.transaction_id,
        state="paid",
        at=at,
        returns=(back,),
        differs=("merchant",) if mchid is not None and refunded.mchid != mchid else (),
    )


def given_back(refunded: Refunded, at: datetime) -> GivenBack:
    """A refund that we asked for, by WeChat's answer."""
    standing = of_refund(refunded, None, at)
    if refunded.status in _ON_ITS_WAY:
        return GivenBack(standing=standing, state="done" if refunded.status == _DONE else "pending")
    return GivenBack(standing=standing, state="failed", reason=refunded.status)
