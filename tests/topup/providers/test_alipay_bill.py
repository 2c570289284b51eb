"""A day's bill of Alipay that is not as it should be."""

import io
import zipfile

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.alipay_bill import read_bill
from lingdang.topup.providers.provider import Unavailable
from proof.standin.alipay import COLUMNS
from support.providers import order


def _archive(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def _row(**values: str) -> str:
    return ",".join(f"{values.get(column, '0')}\t" for column in COLUMNS.split(","))


@pytest.mark.parametrize(
    "archive", [b"", b"x", _archive(), _archive(("a.csv", b"\xff\xff")), _archive(("a.csv", b"#nothing"))]
)
def test_what_is_no_bill_may_pass(archive: bytes) -> None:
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill(archive))


def test_what_others_sell_is_passed_over() -> None:
    text = f"{COLUMNS}\r\n{_row(商户订单号='20261130001')}"
    assert list(read_bill(_archive(("a.csv", text.encode("gbk"))))) == []


@pytest.mark.parametrize("amount", ["6.001", "", "6 00", "--6.00"])
def test_an_amount_of_another_form_makes_it_none(amount: str) -> None:
    values = {"商户订单号": order().topup_id.hex, "完成时间": "2026-11-30 12:00:00", "订单金额（元）": amount}
    text = f"{COLUMNS}\r\n{_row(**values)}"
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill(_archive(("a.csv", text.encode("gbk")))))


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        *[('"six', "0"), ('six"', "0"), ('"six"', "0"), ('"six, seven"', "0"), ('"six', 'seven"'), ("six, seven", "0")],
        *[("0", '"'), ("a\x0bb", "0"), ("a\rb", "0"), ('"a, b', "0")],
    ],
)
def test_a_name_may_have_anything_in_it(name: str, remark: str) -> None:
    """Payments behind it are read too."""
    told = {"商户订单号": order().topup_id.hex, "完成时间": "2026-11-30 12:00:00", "订单金额（元）": "6.00"}
    rows = [_row(**told, 商品名称=name, 备注=remark), _row(**told)]
    text = "\r\n".join(["#支付宝业务明细查询", COLUMNS, *rows, "#-----业务明细列表结束-----", ""])
    read = list(read_bill(_archive(("a.csv", text.encode("gbk")))))
    assert [each.received for each in read] == [Money(600, "CNY")] * 2


def test_a_trade_whose_line_breaks_off_makes_it_none() -> None:
    text = f"{COLUMNS}\r\n{_row(支付宝交易号='2026113022001400001')[:40]}"
    with pytest.raises(Unavailable, match="bill"):
        list(read_bill(_archive(("a.csv", text.encode("gbk")))))
