"""WeChat Pay v3, Native: a code that the reader scans, and encrypted notifications that tell what became of it.

The library verifies a notification's signature and decrypts it, and that is all. It is given only what names a key that
we have: at a serial that it does not know it drops its certificates and calls WeChat for others.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Meta
from wechatpayv3 import WeChatPay, WeChatPayType

from lingdang.ids import ruled
from lingdang.topup.money import Money
from lingdang.topup.providers.checks import (
    CHINA,
    Pem,
    asked_now,
    check_time,
    decode,
    is_our_number,
    read_seconds,
    text_of,
)
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
    Standing,
)
from lingdang.topup.providers.wechat_bill import read_bill, unpack
from lingdang.topup.providers.wechat_client import WechatApi
from lingdang.topup.providers.wechat_objects import Bill, Envelope, Prepared, Refunded, Transaction
from lingdang.topup.providers.wechat_standing import given_back, of_refund, of_transaction

_PROBE = "WECHATPAY/SIGNTEST/"
"""WeChat sends signatures that begin so, to see whether they are refused."""
_TYPE = "WECHATPAY2-SHA256-RSA2048"
_DESCRIPTION_BYTES = 127
_UNKNOWN = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A merchant at WeChat Pay."""

    mchid: Annotated[str, Meta(pattern=ruled(r"^\d{8,12}\Z", "the merchant's number, 8 to 12 digits"))]
    appid: Annotated[str, Meta(pattern=ruled(r"^wx[0-9A-Za-z]{6,30}\Z", "an app's id, which begins with wx"))]
    private_key: Pem
    """The merchant's own (`apiclient_key.pem`)."""
    certificate_serial: Annotated[
        str, Meta(pattern=ruled(r"^[0-9A-Fa-f]{8,64}\Z", "a certificate's serial number in hex digits"))
    ]
    """Of the merchant's certificate."""
    apiv3_key: Annotated[str, Meta(min_length=32, max_length=32)]
    public_key: Pem
    """WeChat's."""
    public_key_id: Annotated[str, Meta(pattern=ruled(r"^PUB_KEY_ID_\d+\Z", "PUB_KEY_ID_ and digits"))]
    certificates: dict[str, Pem] = {}
    """WeChat's certificates of before by serial number, while a merchant moves to the public key."""
    notify_url: str | None = None
    """Where refunds are told; without it, where the merchant's platform says."""
    api: str = "https://api.mch.weixin.qq.com"


def make(account: Account) -> "Wechat":
    """The provider of this account."""
    return Wechat(account)


class Wechat:
    """One merchant. A payment's reference is WeChat's `transaction_id`, which it has when it is paid."""

    kind = "wechat"
    channels: Sequence[Channel] = ("web",)
    currencies: Sequence[str] | None = ("CNY",)
    listing = Listing(zone=CHINA, ready=timedelta(hours=10, minutes=30))

    def __init__(self, account: Account) -> None:
        self._account = account
        keys = {account.public_key_id: account.public_key, **account.certificates}
        self._keys = {serial: _client(account, serial, pem) for serial, pem in keys.items()}
        self._api = WechatApi(self._keys[account.public_key_id], account.api)

    def begin(self, order: Order) -> Begun:
        if order.price.currency != "CNY":
            raise Refused("currency")
        prepared = self._api.call(
            Prepared,
            lambda wechat: wechat.pay(
                description=order.name.encode()[:_DESCRIPTION_BYTES].decode(errors="ignore"),
                out_trade_no=order.topup_id.hex,
                amount={"total": order.price.amount, "currency": "CNY"},
                time_expire=order.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
                notify_url=order.notify_url,
                pay_type=WeChatPayType.NATIVE,
            ),
        )
        return Begun(action=Action(kind="qr", url=prepared.code_url))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        text = text_of(body)
        signed = self._signed(headers, now)
        content = self._opened(signed, text)
        envelope = decode(text, Envelope)
        at = envelope.create_time
        if envelope.event_type.startswith("TRANSACTION."):
            standing = of_transaction(decode(content, Transaction), self._account.mchid, self._account.appid, at)
        elif envelope.event_type.startswith("REFUND."):
            standing = of_refund(decode(content, Refunded), self._account.mchid, at)
        else:
            standing = None
        return Notification(id=envelope.id, type=envelope.event_type, at=at, standing=standing)

    def reply(self, accepted: bool) -> NotificationReply:
        """204 ends it; after anything else WeChat tries again, 15 times within a day."""
        if accepted:
            return NotificationReply(204)
        return NotificationReply(400, "application/json", b'{"code":"FAIL","message":"refused"}')

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        at = asked_now()
        named = {"out_trade_no": topup_id.hex} if is_our_number(topup_id) else {"transaction_id": reference}
        try:
            found = self._api.call(Transaction, lambda wechat: wechat.query(**named))
        except Refused as refused:
            if refused.reason in _UNKNOWN:
                return None
            raise
        return of_transaction(found, self._account.mchid, self._account.appid, at)

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """What it answers is passed over: whatever it says, the order is asked for afterwards."""
        try:
            self._api.call(None, lambda wechat: wechat.close(out_trade_no=topup_id.hex))
        except Refused as refused:
            if refused.reason in _UNKNOWN:
                return None
        return self.ask(topup_id, reference)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        at = asked_now()
        refunded = self._api.call(
            Refunded,
            lambda wechat: wechat.refund(
                out_refund_no=_refund_number(topup_id, refund_id),
                transaction_id=reference,
                amount={"refund": amount.amount, "total": received.amount, "currency": received.currency},
            ),
        )
        return given_back(refunded, at)

    def list_day(self, day: date) -> Iterator[Standing]:
        """Days are China's. WeChat makes a day's bill by ten o'clock of the next one."""
        try:
            bill = self._api.call(Bill, lambda wechat: wechat.trade_bill(day.isoformat()))
        except Refused as refused:
            if refused.reason == "NO_STATEMENT_EXIST":
                return
            raise
        content = unpack(self._api.download(bill.download_url), bill.hash_value)
        yield from read_bill(content, self._account.mchid, self._account.appid)

    def _signed(self, headers: Mapping[str, str], now: datetime) -> dict[str, str]:
        """The headers that the library may see, once they name a key of ours and a time that is near."""
        names = ("signature", "serial", "timestamp", "nonce", "signature-type")
        signed = {f"wechatpay-{name}": headers.get(f"wechatpay-{name}", "") for name in names}
        if not signed["wechatpay-signature"]:
            raise Forged("signature: none")
        if signed["wechatpay-signature"].startswith(_PROBE):
            raise Forged("probe")
        if signed["wechatpay-signature-type"] != _TYPE:
            raise Forged("signature: type")
        if signed["wechatpay-serial"] not in self._keys:
            raise Forged(f"serial: {signed['wechatpay-serial'][:64]}")
        at = read_seconds(signed["wechatpay-timestamp"])
        check_time(datetime.fromtimestamp(at, UTC), now)
        return signed

    def _opened(self, signed: Mapping[str, str], text: str) -> str:
        """What a notification carries. Raises Forged, also where our `apiv3_key` is not the one it was made with."""
        try:
            content = self._keys[signed["wechatpay-serial"]].decrypt_callback(signed, text)
        except Exception as error:  # the library raises bare ones
            raise Forged(f"unreadable: {error}") from error
        if not isinstance(content, str):
            raise Forged("signature")
        return content


def _client(account: Account, serial: str, pem: str) -> Any:
    """The library for one of WeChat's keys. With a key it fetches no certificates when it is made."""
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=account.mchid,
        private_key=account.private_key,
        cert_serial_no=account.certificate_serial,
        appid=account.appid,
        apiv3_key=account.apiv3_key,
        notify_url=account.notify_url,
        public_key=_public_key(pem),
        public_key_id=serial,
        timeout=(5, 20),
    )


def _public_key(pem: str) -> str:
    certificate = "BEGIN CERTIFICATE" in pem
    key = load_pem_x509_certificate(pem.encode()).public_key() if certificate else load_pem_public_key(pem.encode())
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _refund_number(topup_id: UUID, refund_id: str) -> str:
    """Unique in the merchant's account, as `refund_id` is in the top-up alone."""
    return hashlib.sha256(f"{topup_id}:{refund_id}".encode()).hexdigest()[:40]
