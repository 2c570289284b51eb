"""What a purchase in Google Play is worth, and how much of it went back."""

import pytest

from lingdang.ids import MAX_AMOUNT
from lingdang.topup.money import Money
from lingdang.topup.providers.google_objects import Line, PlayOrder, Price, Purchase, State
from lingdang.topup.providers.google_standing import money, of_purchase
from support.providers import NOW


def _purchase(state: str = "PURCHASED", lines: int = 1) -> Purchase:
    return Purchase(
        productLineItem=[Line(productId="bells.600")] * lines, purchaseStateContext=State(purchaseState=state)
    )


@pytest.mark.parametrize(
    ("price", "amount"),
    [
        (Price(currencyCode="CNY", units=6), Money(600, "CNY")),
        (Price(currencyCode="USD", nanos=990_000_000), Money(99, "USD")),
        (Price(currencyCode="JPY", units=600), Money(600, "JPY")),
        (Price(currencyCode="KWD", units=1, nanos=250_000_000), Money(1250, "KWD")),
    ],
)
def test_units_and_billionths_are_minor_units(price: Price, amount: Money) -> None:
    assert money(price) == amount


def test_a_purchase_without_an_order_tells_no_money() -> None:
    standing = of_purchase("t", _purchase(), None, NOW)
    assert (standing.state, standing.received, standing.refunded) == ("paid", None, 0)


def test_a_cancelled_purchase_that_was_paid_is_one_that_was_refunded() -> None:
    order = PlayOrder(state="REFUNDED", total=Price(currencyCode="CNY", units=6))
    standing = of_purchase("t", _purchase("CANCELLED"), order, NOW)
    assert (standing.state, standing.refunded) == ("paid", 600)
    assert of_purchase("t", _purchase("CANCELLED"), PlayOrder(state="CANCELED"), NOW).state == "closed"


def test_all_of_an_unknown_price_may_go_back() -> None:
    assert of_purchase("t", _purchase(), PlayOrder(state="REFUNDED"), NOW).refunded == MAX_AMOUNT


def test_all_of_a_free_purchase_may_go_back() -> None:
    order = PlayOrder(state="REFUNDED", total=Price(currencyCode="CNY"))
    standing = of_purchase("t", _purchase(), order, NOW)
    assert (standing.received, standing.refunded) == (Money(0, "CNY"), MAX_AMOUNT)


@pytest.mark.parametrize("lines", [0, 2])
def test_a_purchase_of_none_or_several_products_is_not_what_was_agreed(lines: int) -> None:
    assert of_purchase("t", _purchase(lines=lines), None, NOW).differs == ("product",)


def test_a_state_that_is_not_known_is_open() -> None:
    assert of_purchase("t", _purchase("NEW"), None, NOW).state == "open"
