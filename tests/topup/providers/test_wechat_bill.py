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


def test_a_name_may_have_a_comma_in_it() -> None:
    told = {
        "商户订单号": order().topup_id.hex,
        "交易时间": "2026-11-30 12:00:00",
        "商品名称": "600, or 6,00",
        "货币种类": "CNY",
    }
    told |= {"订单金额": "6.00", "商户号": MCHID, "公众账号ID": APPID, "交易状态": "SUCCESS"}
    row = ",".join(f"`{told.get(column, '0')}" for column in BILL.split(","))
    (paid,) = read_bill(f"{BILL}\n{row}\n", MCHID, APPID)
    assert (paid.received, paid.differs) == (Money(600, "CNY"), ())


@pytest.mark.parametrize("head", ["a,b", BILL.replace("商户订单号", "订单")])
def test_other_columns_are_no_bill(head: str) -> None:
    row = ",".join("`0" for _ in head.split(","))
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill(f"{head}\n{row}\n", MCHID, APPID))
