"""Telling: a row of the journal becomes exactly one event, as a notice does. Pure: nothing else is looked at."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from lingdang.events import kinds
from lingdang.events.event import Data, Event, event_id, position_text, whose
from lingdang.ledger import (
    adjusting,
    book,
    crediting,
    debts,
    granting,
    lots,
    paying,
    redeeming,
    refunding,
    reversing,
    taken,
    topping_up,
)
from lingdang.ledger.state import Row

Thresholds = Mapping[str, int]
"""By currency: the balance below which a wallet is low."""


class Place(NamedTuple):
    """Where a row or a notice stands, and what its customer is called; None where it is nobody's.

    `number` counts what its transaction wrote, rows and notices each from 1; `epoch` is where the start of the journal
    began in which it was written.
    """

    bucket: int
    position: int
    number: int
    epoch: int
    customer_id: str | None


class JournalRow(NamedTuple):
    """A row of the journal."""

    place: Place
    row: Row

    @property
    def customer(self) -> int:
        return self.row.customer


class NoticeRow(NamedTuple):
    """A notice. The key names it among those of its customer and type; `data` is JSON in the shape of the type."""

    place: Place
    customer: int
    type: str
    key: str
    at: datetime
    data: str


class UnknownKindError(Exception):
    """A newer version wrote something of a kind that is not known here. Nobody reads past it."""


def tell(told: JournalRow | NoticeRow) -> Event:
    """The event of a row or a notice. Raises UnknownKindError."""
    return _tell_row(told.place, told.row) if isinstance(told, JournalRow) else _tell_notice(told)


def _tell_row(place: Place, row: Row) -> Event:
    if row.kind not in _DATA:
        raise UnknownKindError(f"position {place.position}: a row of the kind {row.kind}")
    return Event(
        id=event_id(place.epoch, row.customer, row.seq),
        type=kinds.KINDS[row.kind][0],
        time=row.at,
        **whose(place.customer_id),
        seq=row.seq,
        position=position_text(place.bucket, place.position),
        data=_DATA[row.kind](row),
    )


def _tell_notice(notice: NoticeRow) -> Event:
    place = notice.place
    if notice.type not in kinds.NOTICES:
        raise UnknownKindError(f"position {place.position}: a notice of the type {notice.type}")
    return Event(
        id=event_id(place.epoch, notice.customer, notice.type, notice.key),
        type=notice.type,
        time=notice.at,
        **whose(place.customer_id),
        position=position_text(place.bucket, place.position),
        data=msgspec.json.decode(notice.data, type=kinds.NOTICES[notice.type]),
    )


def tell_low(told: JournalRow, low: Thresholds) -> Event | None:
    """The `wallet.low` of a row that brought the balance below the threshold; a lower balance than that tells nothing.

    It is computed from the row: with another threshold it is another event.
    """
    place, row = told
    threshold = low.get(row.currency)
    if threshold is None or not row.balance < threshold <= row.balance - row.amount:
        return None
    return Event(
        id=event_id(place.epoch, row.customer, row.seq, kinds.LOW, row.currency, threshold),
        type=kinds.LOW,
        time=row.at,
        **whose(place.customer_id),
        position=position_text(place.bucket, place.position),
        data=kinds.WalletLow(currency=row.currency, balance=row.balance, threshold=threshold),
    )


def _paid(row: Row) -> Data:
    order = paying.read(row)
    subtotal = sum([line.price for line in order.lines])
    return kinds.OrderPaid(
        order_id=str(order.order_id),
        currency=order.currency,
        subtotal=subtotal,
        discount=subtotal - order.total,
        total=order.total,
        balance=order.balance,
        lines=[
            kinds.PaidLine(
                product_id=line.product_id,
                title=line.title,
                publisher=line.publisher,
                list_price=line.list_price,
                price=line.price,
                discount=line.discount,
                payable=line.payable,
            )
            for line in order.lines
        ],
        vouchers=[kinds.SavedVoucher(used.voucher_id, used.saves) for used in order.vouchers],
        lots=_lots(row),
        granted=[line.product_id for line in order.lines],
    )


def _refunded(row: Row) -> Data:
    refund, detail = refunding.read(row), refunding.detail_of(row)
    return kinds.OrderRefunded(
        refund_id=refund.refund_id,
        order_id=str(refund.order_id),
        by=detail.by,
        reason=refund.reason,
        currency=refund.currency,
        refunded=refund.refunded,
        lapsed=refund.refunded - debts.came(row),
        debt_paid=debts.paid_by(row),
        balance=refund.balance,
        lines=[kinds.ReturnedLine(product_id, amount) for product_id, amount in refund.lines],
        vouchers=refund.vouchers,
        lots=_lots(row),
        # Whatever else gave a right to one of them came after the order: its own right was the only one.
        revoked=[product_id for product_id, _ in refund.lines],
    )


def _credited(row: Row) -> Data:
    credit = crediting.read(row)
    return kinds.WalletCredited(
        credit_id=credit.credit_id,
        origin="operator",
        reason=credit.reason,
        currency=credit.currency,
        amount=credit.amount,
        debt_paid=debts.paid_by(row),
        balance=credit.balance,
        kind=credit.kind,
        expires_at=credit.expires_at,
        lots=_lots(row),
    )


def _topped_up(row: Row) -> Data:
    topup = topping_up.read(row)
    return kinds.WalletCredited(
        topup_id=str(topup.topup_id),
        origin="top-up",
        currency=topup.currency,
        amount=topup.paid + topup.bonus,
        debt_paid=debts.paid_by(row),
        balance=topup.balance,
        expires_at=topup.bonus_expires_at,
        lots=_lots(row),
        provider=topup.provider,
        price=kinds.PricePaid(topup.price.amount, topup.price.currency),
        test=topup.test,
    )


def _redeemed(row: Row) -> Data:
    gift = redeeming.read(row)
    return kinds.WalletCredited(
        gift_id=gift.gift_id,
        origin="code",
        currency=gift.currency,
        amount=gift.amount,
        debt_paid=debts.paid_by(row),
        balance=gift.balance,
        kind="bonus",
        expires_at=gift.expires_at,
        lots=_lots(row),
        campaign=gift.campaign,
    )


def _expired(row: Row) -> Data:
    return kinds.WalletExpired(currency=row.currency, amount=row.amount, balance=row.balance, lots=_lots(row))


def _adjusted(row: Row) -> Data:
    adjusted = adjusting.read(row)
    return kinds.WalletAdjusted(
        adjustment_id=adjusted.adjustment_id,
        reason=adjusted.reason,
        currency=adjusted.currency,
        amount=adjusted.amount,
        debt_paid=debts.paid_by(row),
        balance=adjusted.balance,
        lots=_lots(row),
    )


def _reversed(row: Row) -> Data:
    detail = reversing.detail_of(row)
    return kinds.WalletTakenBack(
        credit_id=detail.credit_id,
        reason=detail.reason,
        currency=row.currency,
        amount=row.amount,
        balance=row.balance,
        lots=_lots(row),
    )


def _taken_back(row: Row) -> Data:
    detail = taken.detail_of(row)
    return kinds.WalletTakenBack(
        topup_id=str(detail.topup_id),
        reason=detail.reason,
        currency=row.currency,
        amount=row.amount,
        from_frozen=sum([amount for _, amount in detail.thawed]),
        debt_added=debts.added_by(row),
        balance=row.balance,
        lots=_lots(row),
    )


def _frozen(row: Row) -> Data:
    detail = taken.detail_of(row)
    return kinds.WalletFrozen(
        topup_id=str(detail.topup_id),
        reason=detail.reason,
        currency=row.currency,
        amount=row.amount,
        balance=row.balance,
        lots=_lots(row),
    )


def _released(row: Row) -> Data:
    detail = taken.detail_of(row)
    origin: Literal["frozen", "taken-back"] = "frozen" if row.kind == taken.RELEASE else "taken-back"
    return kinds.WalletReleased(
        topup_id=str(detail.topup_id),
        origin=origin,
        reason=detail.reason,
        currency=row.currency,
        amount=debts.came(row),
        debt_paid=debts.paid_by(row),
        balance=row.balance,
        lots=_lots(row),
    )


def _granted(row: Row) -> Data:
    detail = granting.detail_of(row)
    assert detail.grant_id is not None, "a grant has its id"
    return kinds.EntitlementGranted(grant_id=detail.grant_id, product_id=detail.product_id, reason=detail.reason)


def _revoked(row: Row) -> Data:
    detail = granting.detail_of(row)
    assert detail.revocation_id is not None, "a revocation has its id"
    return kinds.EntitlementRevoked(
        revocation_id=detail.revocation_id, product_id=detail.product_id, reason=detail.reason
    )


_DATA: Mapping[str, Callable[[Row], Data]] = {
    paying.KIND: _paid,
    refunding.KIND: _refunded,
    crediting.KIND: _credited,
    topping_up.KIND: _topped_up,
    redeeming.KIND: _redeemed,
    book.EXPIRY: _expired,
    adjusting.KIND: _adjusted,
    reversing.KIND: _reversed,
    taken.TAKEBACK: _taken_back,
    taken.GIVEBACK: _released,
    taken.FREEZE: _frozen,
    taken.RELEASE: _released,
    granting.GRANT: _granted,
    granting.REVOCATION: _revoked,
}


def _lots(row: Row) -> list[kinds.LotChange]:
    """What a debt took whole came into no lot."""
    return [
        kinds.LotChange(lots.lot_kind(name), amount, lots.lot_expiry(name))
        for name, amount in lots.of_legs(row.accounts, row.amounts)
        if amount
    ]
