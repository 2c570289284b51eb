"""A day's bill of Alipay: an archive with one file of its trades, in GBK, its columns named in one of its lines."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from lingdang.topup.money import Money, read_decimal
from lingdang.topup.providers.alipay_standing import moment
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.provider import Return, Standing, Unavailable

_MOST_BYTES = 1_000_000_000
_TRADE = "支付宝交易号"


def read_bill(archive: bytes) -> Iterator[Standing]:
    """Each payment and each refund of the day. What others sell for the same merchant is passed over. Raises
    Unavailable for what is no bill."""
    columns: list[str] = []
    for line in csv.reader(_lines(archive)):
        values = [value.strip() for value in line]
        if values[:1] == [_TRADE]:
            columns = values
        elif columns and len(values) == len(columns):
            yield from _standings(dict(zip(columns, values, strict=True)))
    if not columns:
        raise Unavailable("bill: no columns")


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
    return (line for line in text.splitlines() if not line.startswith("#"))


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
