"""Alipay: page pay, queries, refunds, bills, and signed notifications."""

import io
import itertools
import re
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature

from proof.standin.desk import Message
from proof.standin.faults import Break, Wrong
from proof.standin.keys import private_pem, public_pem, rsa_key, rsa_sign, rsa_verify
from proof.standin.web import Answer, Request, json_answer

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
CHINA = timezone(timedelta(hours=8))
COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def app_pem() -> str:
    """The app's private key."""
    return private_pem(rsa_key("alipay app"))


def alipay_pem() -> str:
    """Alipay's public key."""
    return public_pem(rsa_key("alipay").public_key())


@dataclass
class _Refund:
    number: str
    amount: int
    at: float


@dataclass
class _Trade:
    number: str
    trade_no: str
    amount: int
    notify_url: str
    created: float
    status: str = "WAIT_BUYER_PAY"
    paid_at: float | None = None
    app_id: str = APP_ID
    seller_id: str = SELLER_ID
    refunds: list[_Refund] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds)


class AlipayDesk:
    """One app."""

    name = "alipay"
    breaks: tuple[Break, ...] = ("body", "signature", "stale", "ahead", "not utf-8")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.before_close: Callable[[str], object] = lambda _: None
        self.invented: list[tuple[_Trade, _Refund]] = []
        """Refunds that somebody has written into the bill on its way."""
        self.slow = False
        """Whether refunds are answered before they are made."""
        self.address = ""
        """Where this desk answers, for what is downloaded."""
        self._clock = clock
        self._trades: dict[str, _Trade] = {}
        self._count = itertools.count(1)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if request.path == "/bill":
                return Answer(200, self._archive(request.query["day"]))
            form = request.form
            if not _is_signed(form):
                return _told(form["method"], {"code": "40002", "msg": "-", "sub_code": "isv.invalid-signature"})
            content = msgspec.json.decode(form["biz_content"])
            if form["method"] == "alipay.trade.page.pay":
                return self._opened(form, content)
            return _told(form["method"], self._route(form["method"], content))

    def open(self, url: str) -> str:
        """Somebody opens the page at this address. Answers the number of its trade."""
        query = dict(parse_qsl(urlsplit(url).query))
        answer = self.answer(Request("GET", "/gateway.do", query, {}, b""))
        assert answer is not None
        assert answer.status == 200, answer.body
        return str(msgspec.json.decode(query["biz_content"])["out_trade_no"])

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        with self._lock:
            trade = self._trades[number]
            trade.status, trade.paid_at = "TRADE_SUCCESS", self._clock()
            trade.amount -= wrong == "amount"
            if wrong == "merchant":
                trade.seller_id = "2088000000000009"
            changed = {"out_trade_no": f"{int(number, 16) ^ 1:032x}"} if wrong == "order" else {}
            return self._notified(trade, **changed)

    def other_app(self, number: str) -> Message:
        """A payment that another app of the same merchant took."""
        with self._lock:
            return self._notified(self._trades[number], app_id="2021000000000009")

    def finish(self, number: str) -> Message:
        """Nothing can be refunded any more."""
        with self._lock:
            self._trades[number].status = "TRADE_FINISHED"
            return self._notified(self._trades[number])

    def expire(self, number: str) -> Message:
        """Nobody paid in time."""
        with self._lock:
            self._trades[number].status = "TRADE_CLOSED"
            return self._notified(self._trades[number])

    def give_back(self, number: str, amount: int) -> Message:
        with self._lock:
            trade = self._trades[number]
            self._refund(trade, f"console-{next(self._count)}", amount)
            return self._notified(trade)

    def invent(self, number: str, amount: int) -> None:
        """Write a refund into the bills that there is not."""
        self.invented.append((self._trades[number], _Refund("invented", amount, self._clock())))

    def notified(self, **fields: str) -> Message:
        """Any notification, signed."""
        return self._sent(None, fields)

    def broken(self, message: Message, how: Break) -> Message:
        form = dict(parse_qsl(message.body.decode(), keep_blank_values=True))
        match how:
            case "body":
                form["total_amount"] = "9" + form["total_amount"]
                return replace(message, body=urlencode(form).encode())
            case "signature":
                first = form["sign"]
                form["sign"] = ("B" if first[0] == "A" else "A") + first[1:]
                return replace(message, body=urlencode(form).encode())
            case "not utf-8":
                return replace(message, body=message.body + b"&body=\xff")
        moved = timedelta(days=-2 if how == "stale" else 1)
        at = datetime.fromtimestamp(self._clock(), CHINA) + moved
        rest = {name: value for name, value in form.items() if name not in ("sign", "sign_type")}
        return self._sent(message.url, rest | {"notify_time": f"{at:%Y-%m-%d %H:%M:%S}"})

    def _route(self, method: str, content: dict[str, Any]) -> dict[str, Any]:
        if method == "alipay.data.dataservice.bill.downloadurl.query":
            return _done(bill_download_url=f"{self.address}/bill?day={content['bill_date']}")
        trade = self._find(content)
        if trade is None:
            return _failed("ACQ.TRADE_NOT_EXIST")
        match method:
            case "alipay.trade.query":
                paid = {} if trade.paid_at is None else {"send_pay_date": _text(trade.paid_at)}
                return _done(**_named(trade), trade_status=trade.status, total_amount=_yuan(trade.amount), **paid)
            case "alipay.trade.close":
                self.before_close(trade.number)
                if trade.status != "WAIT_BUYER_PAY":
                    return _failed("ACQ.TRADE_STATUS_ERROR")
                trade.status = "TRADE_CLOSED"
                return _done(**_named(trade))
            case "alipay.trade.refund":
                return self._give_back(trade, content)
            case "alipay.trade.fastpay.refund.query":
                return self._asked_back(trade, content["out_request_no"])
        return {"code": "40004", "msg": "-", "sub_code": "isv.invalid-method"}

    def _asked_back(self, trade: _Trade, number: str) -> dict[str, Any]:
        """A refund that there is not is answered without a status."""
        for refund in trade.refunds:
            if refund.number == number:
                told = {"refund_amount": _yuan(refund.amount), "refund_status": "REFUND_SUCCESS"}
                return _done(**_named(trade), out_request_no=number, total_amount=_yuan(trade.amount), **told)
        return _done(**_named(trade))

    def _give_back(self, trade: _Trade, content: dict[str, Any]) -> dict[str, Any]:
        number, amount = content["out_request_no"], round(float(content["refund_amount"]) * 100)
        if self.slow:
            return _done(**_named(trade), refund_fee=_yuan(trade.refunded), fund_change="N")
        known = any(refund.number == number for refund in trade.refunds)
        if not known and amount > trade.amount - trade.refunded:
            return _failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        if not known:
            self._refund(trade, number, amount)
        return _done(**_named(trade), refund_fee=_yuan(trade.refunded), fund_change="N" if known else "Y")

    def _refund(self, trade: _Trade, number: str, amount: int) -> None:
        trade.refunds.append(_Refund(number, amount, self._clock()))
        if trade.refunded == trade.amount:
            trade.status = "TRADE_CLOSED"

    def _opened(self, form: dict[str, str], content: dict[str, Any]) -> Answer:
        number = content["out_trade_no"]
        expires = datetime.strptime(content["time_expire"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        if expires.timestamp() < self._clock():
            return Answer(400, b"expired")
        amount = round(float(content["total_amount"]) * 100)
        trade_no = f"20261130{next(self._count):020}"
        self._trades.setdefault(number, _Trade(number, trade_no, amount, form["notify_url"], self._clock()))
        return Answer(200, b"<html>Alipay</html>", {"content-type": "text/html"})

    def _find(self, content: dict[str, Any]) -> _Trade | None:
        wanted = (content.get("out_trade_no"), content.get("trade_no"))
        found = (t for t in self._trades.values() if t.number == wanted[0] or t.trade_no == wanted[1])
        return next(found, None)

    def _notified(self, trade: _Trade, **changed: str) -> Message:
        fields = {
            "notify_time": _text(self._clock()),
            "notify_type": "trade_status_sync",
            "notify_id": f"20261130{next(self._count):026}",
            "app_id": trade.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "auth_app_id": trade.app_id,
            "trade_no": trade.trade_no,
            "out_trade_no": trade.number,
            "seller_id": trade.seller_id,
            "buyer_id": "2088000000000077",
            "trade_status": trade.status,
            "subject": "600 铃铛 & more",
            "total_amount": _yuan(trade.amount),
            "gmt_create": _text(trade.created),
        }
        if trade.paid_at is not None:
            fields |= {"gmt_payment": _text(trade.paid_at), "receipt_amount": _yuan(trade.amount)}
        if trade.refunds:
            last = trade.refunds[-1]
            fields |= {"refund_fee": _yuan(trade.refunded), "out_biz_no": last.number, "gmt_refund": _text(last.at)}
        return self._sent(trade.notify_url, fields | changed)

    def _sent(self, url: str | None, fields: dict[str, str]) -> Message:
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        body = urlencode({**fields, "sign_type": "RSA2", "sign": rsa_sign("alipay", text)}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Message(self.name, url, headers, body, b"success")

    def _archive(self, day: str) -> bytes:
        lines = ["#支付宝业务明细查询", f"#起始日期：[{day}]", COLUMNS]
        for trade in self._trades.values():
            if trade.paid_at is not None and _text(trade.paid_at).startswith(day):
                lines.append(_line(trade, None))
            lines += [_line(trade, refund) for refund in trade.refunds if _text(refund.at).startswith(day)]
        lines.append("#-----业务明细列表结束-----")
        packed = io.BytesIO()
        lines += [_line(trade, refund) for trade, refund in self.invented]
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{SELLER_ID}_{day}_totals (all).csv", "#totals".encode("gbk"))
            archive.writestr(f"{SELLER_ID}_{day}.csv", "\r\n".join(lines).encode("gbk"))
        return packed.getvalue()


def _is_signed(form: dict[str, str]) -> bool:
    rest = {name: value for name, value in form.items() if name != "sign"}
    text = "&".join(f"{name}={rest[name]}" for name in sorted(rest))
    try:
        rsa_verify("alipay app", text, form["sign"])
    except (InvalidSignature, KeyError):
        return False
    return form["app_id"] == APP_ID and form["sign_type"] == "RSA2"


def _told(method: str, content: dict[str, Any]) -> Answer:
    text = msgspec.json.encode(content).decode()
    member = f"{method.replace('.', '_')}_response"
    body = f'{{"{member}":{text},"sign":"{rsa_sign("alipay", text)}"}}'
    return replace(json_answer({}), body=body.encode())


def _done(**content: object) -> dict[str, Any]:
    return {"code": "10000", "msg": "Success", **content}


def _failed(reason: str) -> dict[str, Any]:
    return {"code": "40004", "msg": "Business Failed", "sub_code": reason, "sub_msg": "失败"}


def _named(trade: _Trade) -> dict[str, str]:
    return {"out_trade_no": trade.number, "trade_no": trade.trade_no}


def _text(at: float) -> str:
    return f"{datetime.fromtimestamp(at, CHINA):%Y-%m-%d %H:%M:%S}"


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def _line(trade: _Trade, refund: _Refund | None) -> str:
    at = trade.paid_at if refund is None else refund.at
    values = {
        "支付宝交易号": trade.trade_no,
        "商户订单号": trade.number,
        "业务类型": "交易" if refund is None else "退款",
        "商品名称": "600 铃铛",
        "创建时间": _text(trade.created),
        "完成时间": _text(at or 0),
        "订单金额（元）": _yuan(trade.amount) if refund is None else f"-{_yuan(refund.amount)}",
        "退款批次号/请求号": "" if refund is None else refund.number,
    }
    return ",".join(f"{re.sub(',', ' ', values.get(column, ''))}\t" for column in COLUMNS.split(","))
