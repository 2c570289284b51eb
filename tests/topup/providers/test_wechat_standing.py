"""What WeChat Pay's objects say of a payment, where a test of its API cannot lead."""

from datetime import datetime

import pytest

from lingdang.topup.providers.provider import Return
from lingdang.topup.providers.wechat_objects import RefundAmount, Refunded, Transaction
from lingdang.topup.providers.wechat_standing import of_refund, of_transaction
from support.providers import NOW, order

NUMBER = order().topup_id.hex


def test_success_without_an_amount_tells_no_money() -> None:
    standing = of_transaction(
        Transaction(mchid="1", appid="wx1", out_trade_no=NUMBER, trade_state="SUCCESS", transaction_id="42"),
        "1",
        "wx1",
        NOW,
    )
    assert (standing.state, standing.received) == ("paid", None)


def test_an_order_without_merchant_and_app_is_not_ours() -> None:
    standing = of_transaction(Transaction(out_trade_no=NUMBER, trade_state="NOTPAY"), "1", "wx1", NOW)
    assert standing.differs == ("merchant", "app")


@pytest.mark.parametrize(
    ("status", "amount", "at"),
    [("SUCCESS", 5, NOW), ("PROCESSING", 5, None), ("CLOSED", 0, NOW), ("ABNORMAL", 0, NOW), (None, 0, NOW)],
)
def test_a_refund_counts_while_it_is_on_its_way(status: str | None, amount: int, at: datetime | None) -> None:
    refunded = Refunded(
        out_trade_no=NUMBER, transaction_id="42", refund_id="50", status=status, amount=RefundAmount(refund=5)
    )
    standing = of_refund(refunded, None, NOW)
    assert standing.returns == (Return(reference="50", amount=amount, at=at),)
    assert standing.differs == ()
    assert of_refund(refunded, "1", NOW).differs == ("merchant",)
