"""A day's bill of WeChat Pay: lines of text, each value behind a backquote, its columns named in the first line."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from lingdang.topup.money import read_decimal
from lingdang.topup.providers.checks import CHINA, our_number
from lingdang.topup.providers.provider import Return, Standing, Unavailable

_MOST_BYTES = 1_000_000_000
_BETWEEN = ",`"
_NAME = "商品名称"
"""Behind it are what the merchant added, and amounts."""
_TOTALS = 2
"""Lines at the end: what they are called, and how much they are."""


def unpack(packed: bytes, sha1: str) -> str:
    """The bill's text. WeChat does not sign it, but its hash came in an answer that was. Raises Unavailable."""
    try:
        content = zlib.decompressobj(wbits=31).decompress(packed, _MOST_BYTES)
        text = content.decode("utf-8-sig")
    except (zlib.error, UnicodeDecodeError) as error:
        raise Unavailable(f"bill: {error}") from error
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1.lower():
        raise Unavailable("bill: hash")
    return text


def read_bill(text: str, mchid: str, appid: str) -> Iterator[Standing]:
    """Each payment and each refund of the day. What others sell for the same merchant is passed over. Raises
    Unavailable for a text that is no bill."""
    head, *lines = text.split("\n")
    columns = head.strip().split(",")
    try:
        for values in _rows(lines, columns):
            row = {column: value.strip() for column, value in zip(columns, values, strict=True)}
            if our_number(row["商户订单号"]) is not None:
                yield _standing(row, mchid, appid)
    except (KeyError, ValueError) as error:
        raise Unavailable(f"bill: {error}") from error


def _rows(lines: Sequence[str], columns: Sequence[str]) -> Iterator[list[str]]:
    """The values of each row up to the totals. Raises ValueError for what is no row, and for one that breaks off.

    What is sold may have any name: one that looks like the end of a line, or of a value.
    """
    begun = ""
    for number, line in enumerate(lines):
        if not begun and not line.startswith("`"):
            if sum(bool(other.strip()) for other in lines[number:]) > _TOTALS:
                raise ValueError("no row")
            return
        values = (begun + line).removeprefix("`").split(_BETWEEN)
        begun = f"{begun}{line}\n" if len(values) < len(columns) else ""
        if not begun:
            more = len(values) - len(columns)
            at = columns.index(_NAME) if more else 0
            yield [*values[:at], _BETWEEN.join(values[at : at + more + 1]), *values[at + more + 1 :]]
    if begun:
        raise ValueError("a row breaks off")


def _standing(row: Mapping[str, str], mchid: str, appid: str) -> Standing:
    currency = row["货币种类"]
    back = row["交易状态"] == "REFUND"
    at = datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    refund = (_refund(row, currency, at),) if back else ()
    differs = [
        name for name, same in (("merchant", row["商户号"] == mchid), ("app", row["公众账号ID"] == appid)) if not same
    ]
    return Standing(
        topup_id=our_number(row["商户订单号"]),
        reference=row["微信订单号"],
        state="paid",
        at=at,
        received=None if back else read_decimal(row["订单金额"], currency),
        returns=refund,
        differs=tuple(differs),
    )


def _refund(row: Mapping[str, str], currency: str, at: datetime) -> Return:
    """A refund as it was when its day ended: so long the bill follows it."""
    status = row["退款状态"]
    until = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    amount = 0 if status in ("FAIL", "CHANGE") else read_decimal(row["申请退款金额"], currency).amount
    return Return(reference=row["微信退款单号"], amount=amount, at=None if status == "PROCESSING" else until)
