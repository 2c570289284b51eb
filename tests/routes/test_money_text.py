"""Money on a page without a script is written as the shop's other pages write it."""

import pytest

from lingdang.routes.money_text import money_text
from lingdang.topup.money import Money


@pytest.mark.parametrize(
    ("money", "english", "chinese"),
    [
        (Money(720, "CNY"), "CN¥7.20", "¥7.20"),
        (Money(123_456_789, "USD"), "$1,234,567.89", "US$1,234,567.89"),
        (Money(5, "EUR"), "€0.05", "€0.05"),
        (Money(1_234, "JPY"), "¥1,234", "JP¥1,234"),
        (Money(123_450, "CHF"), "CHF\xa01,234.50", "CHF\xa01,234.50"),
        (Money(1_234, "XAF"), "FCFA\xa01,234", "FCFA\xa01,234"),
        (Money(1_234, "KWD"), "KWD\xa01.234", "KWD\xa01.234"),
    ],
)
def test_money_is_written_as_intl_writes_it(money: Money, english: str, chinese: str) -> None:
    assert (money_text(money, "en"), money_text(money, "zh")) == (english, chinese)
