"""WeChat Pay v3: Native orders, refunds, bills, and notifications that are signed and encrypted."""

import base64
import gzip
import hashlib
import itertools
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proof.standin.desk import Message
from proof.standin.faults import Break, Wrong
from proof.standin.keys import private_pem, public_pem, rsa_key, rsa_sign, rsa_verify
from proof.standin.web import Answer, Request, json_answer

MCHID = "1900000109"
APPID = "wx0000000000000001"
APIV3_KEY = "standin-apiv3-key-of-32-letters!"
CERTIFICATE_SERIAL = "4A1B2C3D4E5F60718293A4B5C6D7E8F901234567"
PLATFORM_KEY_ID = "PUB_KEY_ID_0119000001092026113000000000000001"
CHINA = timezone(timedelta(hours=8))
BILL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)


def merchant_pem() -> str:
    """The merchant's private key."""
    return private_pem(rsa_key("wechat merchant"))


def platform_pem() -> str:
    """WeChat's public key."""
    return public_pem(rsa_key("wechat").public_key())


_BANK_SECONDS = 1.0
"""So long a bank takes for a refund that nobody ends before."""


@dataclass
class _Refund:
    number: str
    out_number: str
    amount: int
    status: str
    at: float


@dataclass
class _Order:
    number: str
    total: int
    currency: str
    notify_url: str
    expires_at: datetime
    mchid: str = MCHID
    state: str = "NOTPAY"
    transaction: str | None = None
    paid_at: float = 0.0
    refunds: list[_Refund] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(each.amount for each in self.refunds if each.status in ("SUCCESS", "PROCESSING"))


class WechatDesk:
    """One merchant. `certificates_asked` counts how often somebody fetched the platform's certificates."""

    name = "wechat"
    breaks: tuple[Break, ...] = ("body", "signature", "stale", "ahead", "serial", "probe", "not utf-8")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.certificates_asked = 0
        self.before_close: Callable[[str], object] = lambda _: None
        self.address = ""
        """Where this desk answers, for what is downloaded."""
        self.damaged_bill = False
        self._clock = clock
        self._orders: dict[str, _Order] = {}
        self._count = itertools.count(1)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        if request.path == "/v3/certificates":
            self.certificates_asked += 1
        if not self._authorized(request):
            return _refused(401, "SIGN_ERROR")
        with self._lock:
            answer = self._route(request)
        return replace(answer, headers={**answer.headers, **self._seal(answer.body.decode(errors="replace"))})

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        with self._lock:
            order = self._orders[number]
            order.state, order.paid_at = "SUCCESS", self._clock()
            order.transaction = f"42000{next(self._count):023}"
            order.total -= wrong == "amount"
            order.currency = "HKD" if wrong == "currency" else order.currency
            order.mchid = "1900000999" if wrong == "merchant" else order.mchid
            shown = self._shown(order)
            if wrong == "order":
                shown["out_trade_no"] = f"{int(number, 16) ^ 1:032x}"
            return self._told(order, "TRANSACTION.SUCCESS", shown)

    def tell_state(self, number: str, state: str) -> Message:
        """A notification of success whose order is in another state."""
        with self._lock:
            return self._told(
                self._orders[number], "TRANSACTION.SUCCESS", {**self._shown(self._orders[number]), "trade_state": state}
            )

    def give_back(self, number: str, amount: int) -> Message:
        with self._lock:
            order = self._orders[number]
            refund = self._refund(order, f"console-{next(self._count)}", amount, "SUCCESS")
            return self._told(order, "REFUND.SUCCESS", self._shown_refund(order, refund, told=True))

    def end_refund(self, number: str, status: str) -> Message:
        """The last refund ends: SUCCESS, CLOSED or ABNORMAL."""
        with self._lock:
            order = self._orders[number]
            order.refunds[-1].status = status
            return self._told(order, f"REFUND.{status}", self._shown_refund(order, order.refunds[-1], told=True))

    def told(self, event_type: str, content: object, apiv3_key: str = APIV3_KEY) -> Message:
        """Any notification, as it is sent."""
        nonce = secrets.token_hex(6)
        cipher = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), msgspec.json.encode(content), b"transaction")
        body = {
            "id": f"{next(self._count):08}-0000-5000-8000-000000000000",
            "create_time": datetime.fromtimestamp(self._clock(), CHINA).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "-",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(cipher).decode(),
                "associated_data": "transaction",
                "nonce": nonce,
            },
        }
        return self._sent(None, msgspec.json.encode(body), self._clock())

    def broken(self, message: Message, how: Break) -> Message:
        headers = message.headers
        match how:
            case "body":
                return replace(message, body=re.sub(rb'"summary":"-"', b'"summary":"+"', message.body))
            case "not utf-8":
                return replace(message, body=message.body[:-1] + b"\xff}")
            case "signature":
                first = headers["wechatpay-signature"]
                return _with(message, "wechatpay-signature", ("B" if first[0] == "A" else "A") + first[1:])
            case "serial":
                return _with(message, "wechatpay-serial", secrets.token_hex(20).upper())
            case "probe":
                return _with(message, "wechatpay-signature", "WECHATPAY/SIGNTEST/" + secrets.token_hex(32))
        moved = -30 * 86400 if how == "stale" else 86400
        return self._sent(message.url, message.body, self._clock() + moved)

    def _authorized(self, request: Request) -> bool:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        parts = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme != "WECHATPAY2-SHA256-RSA2048" or parts.get("mchid") != MCHID:
            return False
        body = request.body.decode()
        message = f"{request.method}\n{request.target}\n{parts['timestamp']}\n{parts['nonce_str']}\n{body}\n"
        try:
            rsa_verify("wechat merchant", message, parts["signature"])
        except InvalidSignature:
            return False
        return str(parts["serial_no"]) == CERTIFICATE_SERIAL

    def _seal(self, body: str, at: float | None = None) -> dict[str, str]:
        stamp, nonce = str(int(self._clock() if at is None else at)), secrets.token_hex(16)
        return {
            "wechatpay-nonce": nonce,
            "wechatpay-serial": PLATFORM_KEY_ID,
            "wechatpay-signature": rsa_sign("wechat", f"{stamp}\n{nonce}\n{body}\n"),
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
            "wechatpay-timestamp": stamp,
        }

    def _sent(self, url: str | None, body: bytes, at: float) -> Message:
        headers = {"content-type": "application/json", **self._seal(body.decode(), at)}
        return Message(self.name, url, headers, body)

    def _told(self, order: _Order, event_type: str, content: object) -> Message:
        return replace(self.told(event_type, content), url=order.notify_url)

    def _route(self, request: Request) -> Answer:
        match request.method, request.path.split("/")[2:]:
            case "POST", ["pay", "transactions", "native"]:
                return self._prepare(msgspec.json.decode(request.body))
            case "GET", ["pay", "transactions", "out-trade-no", number]:
                return self._asked(number)
            case "GET", ["pay", "transactions", "id", transaction]:
                return self._asked(
                    next((n for n, order in self._orders.items() if order.transaction == transaction), "")
                )
            case "POST", ["pay", "transactions", "out-trade-no", number, "close"]:
                return self._close(number)
            case "POST", ["refund", "domestic", "refunds"]:
                return self._give_back(msgspec.json.decode(request.body))
            case "GET", ["bill", "tradebill"]:
                return self._bill(request.query["bill_date"])
            case "GET", ["billdownload", "file"]:
                return Answer(200, gzip.compress(self._lines(request.query["token"])))
        return _refused(404, "RESOURCE_NOT_EXISTS")

    def _prepare(self, asked: dict[str, Any]) -> Answer:
        number = asked["out_trade_no"]
        order = self._orders.get(number)
        if (asked["mchid"], asked["appid"]) != (MCHID, APPID):
            return _refused(400, "APPID_MCHID_NOT_MATCH")
        if order is not None and order.state != "NOTPAY":
            return _refused(403, "ORDERPAID" if order.state == "SUCCESS" else "ORDER_CLOSED")
        if order is not None and order.total != asked["amount"]["total"]:
            return _refused(403, "OUT_TRADE_NO_USED")
        expires = datetime.fromisoformat(asked["time_expire"])
        amount = asked["amount"]
        self._orders[number] = order or _Order(
            number, amount["total"], amount["currency"], asked["notify_url"], expires
        )
        return json_answer({"code_url": f"weixin://wxpay/bizpayurl?pr={number}"})

    def _asked(self, number: str) -> Answer:
        order = self._orders.get(number)
        return _refused(404, "ORDER_NOT_EXIST") if order is None else json_answer(self._shown(order))

    def _close(self, number: str) -> Answer:
        order = self._orders.get(number)
        if order is None:
            return _refused(404, "ORDER_NOT_EXIST")
        self.before_close(number)
        if order.state == "SUCCESS":
            return _refused(400, "ORDERPAID")
        order.state = "CLOSED"
        return Answer(204)

    def _give_back(self, asked: dict[str, Any]) -> Answer:
        order = next(each for each in self._orders.values() if each.transaction == asked["transaction_id"])
        number = asked["out_refund_no"]
        if any(each.out_number == number for o in self._orders.values() for each in o.refunds if o is not order):
            return _refused(400, "PARAM_ERROR")  # such a number is one of the merchant's, and not of the order's
        known = next((each for each in order.refunds if each.out_number == number), None)
        amount = asked["amount"]["refund"]
        if known is None and amount > order.total - order.refunded:
            return _refused(403, "NOT_ENOUGH")
        refund = known or self._refund(order, number, amount, "PROCESSING")
        if refund.status == "PROCESSING" and self._clock() - refund.at >= _BANK_SECONDS:
            refund.status = "SUCCESS"
        return json_answer(self._shown_refund(order, refund, told=False))

    def _refund(self, order: _Order, out_number: str, amount: int, status: str) -> _Refund:
        refund = _Refund(f"50000{next(self._count):023}", out_number, amount, status, self._clock())
        order.refunds.append(refund)
        return refund

    def _bill(self, day: str) -> Answer:
        lines = self._lines(day)
        if lines.count(b"\n") == 1:
            return _refused(400, "NO_STATEMENT_EXIST")
        url = f"{self.address}/v3/billdownload/file?token={day}"
        digest = hashlib.sha1(lines + b" " * self.damaged_bill).hexdigest()
        return json_answer({"hash_type": "SHA1", "hash_value": digest, "download_url": url})

    def _lines(self, day: str) -> bytes:
        lines = []
        for order in self._orders.values():
            if order.transaction and _day(order.paid_at) == day:
                lines.append(_line(order, None))
            lines += [_line(order, refund) for refund in order.refunds if _day(refund.at) == day]
        totals = ["总交易单数,应结订单总金额,退款总金额", "`1,`0.00,`0.00"] if lines else []
        return "\n".join([BILL, *lines, *totals]).encode() + b"\n"

    def _shown(self, order: _Order) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "appid": APPID,
            "mchid": order.mchid,
            "out_trade_no": order.number,
            "trade_state": "REFUND" if order.refunds and order.state == "SUCCESS" else order.state,
            "trade_state_desc": "-",
        }
        if order.transaction is not None:
            shown |= {
                "transaction_id": order.transaction,
                "trade_type": "NATIVE",
                "success_time": datetime.fromtimestamp(order.paid_at, CHINA).isoformat(timespec="seconds"),
                "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
                "amount": {
                    "total": order.total,
                    "payer_total": order.total,
                    "currency": order.currency,
                    "payer_currency": order.currency,
                },
            }
        return shown

    def _shown_refund(self, order: _Order, refund: _Refund, told: bool) -> dict[str, Any]:
        amount = {"total": order.total, "refund": refund.amount, "payer_total": order.total}
        shown = {
            "out_trade_no": order.number,
            "transaction_id": order.transaction,
            "out_refund_no": refund.out_number,
            "refund_id": refund.number,
            "amount": amount,
        }
        return (
            {**shown, "mchid": order.mchid, "refund_status": refund.status}
            if told
            else {**shown, "status": refund.status}
        )


def _with(message: Message, header: str, value: str) -> Message:
    return replace(message, headers={**message.headers, header: value})


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).date().isoformat()


def _line(order: _Order, refund: _Refund | None) -> str:
    at = datetime.fromtimestamp(order.paid_at if refund is None else refund.at, UTC).astimezone(CHINA)
    paid, back = (order.total, 0) if refund is None else (0, refund.amount)
    values = {
        "交易时间": f"{at:%Y-%m-%d %H:%M:%S}",
        "公众账号ID": APPID,
        "商户号": order.mchid,
        "微信订单号": order.transaction,
        "商户订单号": order.number,
        "交易类型": "NATIVE",
        "交易状态": "SUCCESS" if refund is None else "REFUND",
        "货币种类": order.currency,
        "微信退款单号": "0" if refund is None else refund.number,
        "退款状态": "" if refund is None else {"CLOSED": "FAIL"}.get(refund.status, refund.status),
        "商品名称": "600 bells",
        "订单金额": f"{paid / 100:.2f}",
        "申请退款金额": f"{back / 100:.2f}",
    }
    return ",".join(f"`{values.get(column, '')}" for column in BILL.split(","))


def _refused(status: int, code: str) -> Answer:
    return json_answer({"code": code, "message": code}, status)
