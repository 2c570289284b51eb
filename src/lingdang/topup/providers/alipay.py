"""Alipay page pay: a page of Alipay's that the reader is sent to, and signed forms that tell what became of it.

No library stands between: the signature is one call of `cryptography`, and everything else is checked here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import ruled
from lingdang.topup.money import Money, decimal_text, read_decimal
from lingdang.topup.providers.alipay_bill import read_bill
from lingdang.topup.providers.alipay_client import AlipayApi
from lingdang.topup.providers.alipay_signing import is_signed, read_private_key, read_public_key, signed_text
from lingdang.topup.providers.alipay_standing import Trade, moment, of_trade
from lingdang.topup.providers.checks import CHINA, Pem, asked_now, check_time, is_our_number, text_of
from lingdang.topup.providers.provider import (
    Action,
    Begun,
    Channel,
    Forged,
    GivenBack,
    Listing,
    Notification,
    NotificationReply,
    Order,
    Refused,
    Return,
    Standing,
    Unavailable,
)

_OLDEST = timedelta(hours=26)
"""Alipay tries again for 25 hours, and does not say that it signs anew for each attempt."""
_UNSIGNED = frozenset({"sign", "sign_type"})
_UNKNOWN = "ACQ.TRADE_NOT_EXIST"
_NO_BILL = frozenset({"isp.bill_not_exist", "BILL_NOT_EXIST", "isv.bill_not_exist"})
_SUBJECT_LETTERS = 128


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An app at Alipay, and whom it is paid for."""

    app_id: Annotated[str, Meta(pattern=ruled(r"^\d{8,32}\Z", "an app's number, 8 to 32 digits"))]
    seller_id: Annotated[
        str, Meta(pattern=ruled(r"^2088\d{12}\Z", "the merchant's number, 16 digits that begin with 2088"))
    ]
    private_key: Pem
    """The app's own."""
    alipay_public_key: Pem
    """Alipay's for this app, and not the app's own public key."""
    gateway: str = "https://openapi.alipay.com/gateway.do"


def make(account: Account) -> "Alipay":
    """The provider of this account. Raises ValueError for keys that are none."""
    return Alipay(account)


class Alipay:
    """One app. A payment's reference is Alipay's `trade_no`, which it has once its payer has opened the page."""

    kind = "alipay"
    channels: Sequence[Channel] = ("web",)
    currencies: Sequence[str] | None = ("CNY",)
    listing = Listing(zone=CHINA, ready=timedelta(hours=9, minutes=30))

    def __init__(self, account: Account) -> None:
        self._account = account
        self._alipay_key = read_public_key(account.alipay_public_key)
        self._api = AlipayApi(account.app_id, read_private_key(account.private_key), self._alipay_key, account.gateway)

    def begin(self, order: Order) -> Begun:
        """Alipay knows nothing of it before somebody opens the page, which ends by itself."""
        if order.price.currency != "CNY":
            raise Refused("currency")
        content = {
            "out_trade_no": order.topup_id.hex,
            "total_amount": decimal_text(order.price),
            "subject": order.name.replace(",", " ")[:_SUBJECT_LETTERS],  # the bill puts a comma between its values
            "product_code": "FAST_INSTANT_TRADE_PAY",
            "time_expire": f"{order.expires_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        }
        back = {} if order.return_url is None else {"return_url": order.return_url}
        url = self._api.page("alipay.trade.page.pay", content, {"notify_url": order.notify_url, **back})
        return Begun(action=Action(kind="redirect", url=url))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        form = _form(text_of(body))
        if form.get("sign_type") != "RSA2":  # it is not signed, and so it chooses nothing
            raise Forged("signature: type")
        if form.get("charset", "utf-8").lower() != "utf-8":
            raise Forged("not utf-8: charset")
        signed = {name: value for name, value in form.items() if name not in _UNSIGNED}
        if not is_signed(self._alipay_key, signed_text(signed), form.get("sign", "")):
            raise Forged("signature")
        try:
            notification = self._told(signed)
        except (msgspec.ValidationError, KeyError, ValueError) as error:
            raise Forged(f"unreadable: {error}") from None
        check_time(notification.at, now, _OLDEST)
        return notification

    def reply(self, accepted: bool) -> NotificationReply:
        """Anything but these seven letters has Alipay try again, for 25 hours."""
        return NotificationReply(200, body=b"success" if accepted else b"fail")

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        at = asked_now()
        named = {"out_trade_no": topup_id.hex} if is_our_number(topup_id) else {"trade_no": reference}
        try:
            trade = self._api.call("alipay.trade.query", named, Trade)
        except Refused as refused:
            if refused.reason == _UNKNOWN:
                return None
            raise
        return of_trade(trade, at)

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """What it answers is passed over: whatever it says, the trade is asked for afterwards."""
        try:
            self._api.call("alipay.trade.close", {"out_trade_no": topup_id.hex}, dict[str, object])
        except Refused as refused:
            if refused.reason == _UNKNOWN:
                return None
        return self.ask(topup_id, reference)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """Alipay answers the sum of all refunds of the trade, and not always whether this one is among them."""
        content = {
            "trade_no": reference,
            "refund_amount": decimal_text(amount),
            "out_request_no": hashlib.sha256(f"{topup_id}:{refund_id}".encode()).hexdigest()[:40],
        }
        at = asked_now()
        trade = self._api.call("alipay.trade.refund", content, Trade)
        if trade.fund_change != "Y" and self._made(reference, content["out_request_no"]) is None:
            raise Unavailable("refund")
        standing = of_trade(msgspec.structs.replace(trade, trade_status="TRADE_SUCCESS"), at)
        return GivenBack(standing=standing)

    def list_day(self, day: date) -> Iterator[Standing]:
        """Days are China's. Alipay makes a day's bill by nine o'clock of the next one."""
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        try:
            bill = self._api.call("alipay.data.dataservice.bill.downloadurl.query", content, _Bill)
        except Refused as refused:
            if refused.reason in _NO_BILL:
                return
            raise
        for standing in read_bill(self._api.download(bill.bill_download_url)):
            yield self._confirmed(standing) if standing.returns else standing

    def _confirmed(self, listed: Standing) -> Standing:
        """A refund as Alipay answers it: the bill is not signed, and no other answer tells of refunds by hand."""
        [back] = listed.returns
        at = asked_now()
        found = self._made(str(listed.reference), back.reference)
        if found is None or found.refund_amount is None:
            return listed
        amount = read_decimal(found.refund_amount, "CNY").amount
        returned = Return(reference=back.reference, amount=amount, at=at)
        return msgspec.structs.replace(listed, returns=(returned,), proven=True)

    def _made(self, reference: str, number: str) -> "_Back | None":
        """The refund of this number, if it has been made."""
        content = {"trade_no": reference, "out_request_no": number}
        try:
            found = self._api.call("alipay.trade.fastpay.refund.query", content, _Back)
        except Refused:
            return None
        return found if found.refund_status == "REFUND_SUCCESS" else None

    def _told(self, signed: Mapping[str, str]) -> Notification:
        name, kind, at = signed["notify_id"], signed["notify_type"], moment(signed["notify_time"])
        if kind != "trade_status_sync":
            return Notification(id=name, type=kind, at=at)
        trade = msgspec.convert(signed, Trade)
        return Notification(id=name, type=trade.trade_status, at=at, standing=self._standing(trade, at))

    def _standing(self, trade: Trade, at: datetime) -> Standing:
        checks = (
            ("app", trade.app_id == self._account.app_id),
            ("merchant", trade.seller_id == self._account.seller_id),
        )
        differs = tuple(name for name, same in checks if not same)
        return msgspec.structs.replace(of_trade(trade, at), differs=differs)


class _Back(msgspec.Struct, frozen=True):
    """One refund; without a status it has failed, or is unknown."""

    refund_status: str | None = None
    refund_amount: str | None = None


class _Bill(msgspec.Struct, frozen=True):
    bill_download_url: str


def _form(text: str) -> dict[str, str]:
    """The fields of a form. Raises Forged where one is there twice: which of them is signed would be a guess."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise Forged(f"unreadable: {error}") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Forged("unreadable: a field twice")
    return form
