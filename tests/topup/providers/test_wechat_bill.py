"""A day's bill of WeChat Pay that is not as it should be."""

import gzip
import hashlib

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Unavailable
from lingdang.topup.providers.wechat_bill import read_bill, unpack
from proof.standin.wechat import APPID, BILL, MCHID
from support.providers import order


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def test_it_is_packed_and_may_begin_with_a_mark() -> None:
    content = "\ufeff交易时间\n".encode()
    assert unpack(gzip.compress(content), _sha1(content).upper()) == "交易时间\n"


@pytest.mark.parametrize("packed", [b"", b"plain", gzip.compress(b"\xff", mtime=0), gzip.compress(b"x", mtime=0)[:5]])
def test_what_is_not_packed_may_pass(packed: bytes) -> None:
    with pytest.raises(Unavailable, match="bill"):
        unpack(packed, _sha1(b"\xff"))


def test_an_empty_bill_has_nothing() -> None:
    assert list(read_bill("", MCHID, APPID)) == []
    assert list(read_bill(BILL, MCHID, APPID)) == []


def test_what_others_sell_is_passed_over() -> None:
    row = ",".join("`20261130001" if column == "商户订单号" else "`0" for column in BILL.split(","))
    assert list(read_bill(f"{BILL}\n{row}\n", MCHID, APPID)) == []


def _row(**values: str) -> str:
    told = {
        "商户订单号": order().topup_id.hex,
        "交易时间": "2026-11-30 12:00:00",
        "货币种类": "CNY",
        "交易状态": "SUCCESS",
    }
    told |= {"订单金额": "6.00", "商户号": MCHID, "公众账号ID": APPID} | values
    return ",".join(f"`{told.get(column, '0')}" for column in BILL.split(","))


_TOTALS = "总交易单数,应结订单总金额\n`2,`12.00\n"


@pytest.mark.parametrize(
    "name", ["600, or 6,00", "six,`seven", ",`", "a\u2028b", "a\x0bb", "a\nb", "a\n`b", "a\n\n", "a,`\r\nb,`"]
)
def test_a_name_may_have_anything_in_it(name: str) -> None:
    """And so may what a merchant adds to its orders; payments behind it are read too."""
    rows = [_row(商品名称=name), _row(商户数据包=name), _row()]
    read = list(read_bill("\n".join([BILL, *rows, _TOTALS]), MCHID, APPID))
    assert [(each.received, each.differs) for each in read] == [(Money(600, "CNY"), ())] * 3


def test_a_bill_that_breaks_off_within_a_line_is_none() -> None:
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill("\n".join([BILL, _row(), _row()[:60]]), MCHID, APPID))


@pytest.mark.parametrize("head", ["a,b", BILL.replace("商户订单号", "订单")])
def test_other_columns_are_no_bill(head: str) -> None:
    row = ",".join("`0" for _ in head.split(","))
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill(f"{head}\n{row}\n", MCHID, APPID))
