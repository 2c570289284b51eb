"""A day's bill of Alipay: an archive with one file of its trades, in GBK, its columns named in one of its lines."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence

from lingdang.topup.money import Money, read_decimal
from lingdang.topup.providers.alipay_standing import moment
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.provider import Return, Standing, Unavailable

_MOST_BYTES = 1_000_000_000
_TRADE = "支付宝交易号"
_NAME = "商品名称"


def read_bill(archive: bytes) -> Iterator[Standing]:
    """Each payment and each refund of the day. What others sell for the same merchant is passed over. Raises
    Unavailable for what is no bill."""
    columns: list[str] = []
    for line in _lines(archive):
        values = _values(line, columns)
        if values[:1] == [_TRADE]:
            columns = values
        elif columns and len(values) == len(columns):
            yield from _standings(dict(zip(columns, values, strict=True)))
        elif columns and values[0].isdigit():
            raise Unavailable("bill: a trade's line")
    if not columns:
        raise Unavailable("bill: no columns")


def _values(line: str, columns: Sequence[str]) -> list[str]:
    """What a line has for these columns. What is sold may have any name: with quotes that nobody closes, or commas."""
    quoted, plain = _unquoted(line), line.split(",")
    values = quoted if len(quoted) == len(columns) else plain
    more = len(values) - len(columns)
    if more > 0 and _NAME in columns:
        at = columns.index(_NAME)
        values = [*values[:at], ",".join(values[at : at + more + 1]), *values[at + more + 1 :]]
    return [value.strip() for value in values]


def _unquoted(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:  # for an end of a line within one
        return []


def _lines(archive: bytes) -> Iterator[str]:
    """The lines of the file of single trades; beside it is one of totals. A line of remarks begins with `#`."""
    try:
        packed = zipfile.ZipFile(io.BytesIO(archive))
        infos = packed.infolist()
        # The names are in GBK, whatever the archive says; the file of totals has one more word in brackets.
        name = min(infos, key=lambda info: len(info.filename)) if infos else None
        if name is None or name.file_size > _MOST_BYTES:
            raise Unavailable("bill")
        text = packed.read(name).decode("gbk")
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, NotImplementedError) as error:
        raise Unavailable(f"bill: {error}") from error
    return (line for line in text.split("\n") if not line.startswith("#"))


def _standings(row: Mapping[str, str]) -> Iterator[Standing]:
    number = our_number(row.get("商户订单号"))
    if number is None:
        return
    try:
        back = row["业务类型"] == "退款"
        amount = _yuan(row["订单金额（元）"])
        yield Standing(
            topup_id=number,
            reference=row[_TRADE],
            state="paid",
            at=moment(row["完成时间"]),
            received=None if back else amount,
            returns=(Return(reference=row["退款批次号/请求号"], amount=amount.amount),) if back else (),
            proven=False,
        )
    except (KeyError, ValueError) as error:
        raise Unavailable(f"bill: {error}") from error


def _yuan(text: str) -> Money:
    """An amount; that of a refund stands below zero."""
    return read_decimal(re.sub(r"^-", "", text), "CNY")
