"""What a trade of Alipay's says of a payment, where a test of its API cannot lead."""

import pytest

from lingdang.topup.providers.alipay_standing import Trade, moment, of_trade
from support.providers import NOW, order

NUMBER = order().topup_id.hex


def _trade(**values: str) -> Trade:
    return Trade(**{"out_trade_no": NUMBER, "trade_no": "2026"} | values)


def test_a_whole_refund_that_does_not_tell_its_sum_is_of_everything() -> None:
    standing = of_trade(_trade(trade_status="TRADE_CLOSED", total_amount="6.00", gmt_refund="now"), NOW)
    assert (standing.state, standing.refunded) == ("paid", 600)


def test_an_amount_that_is_not_told_is_none() -> None:
    standing = of_trade(_trade(trade_status="TRADE_SUCCESS"), NOW)
    assert (standing.state, standing.received, standing.refunded) == ("paid", None, None)


@pytest.mark.parametrize("text", ["", "2026-11-30", "2026-11-30T12:00:00", "2026-13-30 12:00:00"])
def test_a_time_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match="time data"):
        moment(text)


def test_times_are_chinas() -> None:
    assert moment("2026-11-30 12:00:00") == NOW
