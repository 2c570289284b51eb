"""What a transaction of Apple's is worth, and how much of it went back."""

import pytest

from lingdang.ids import MAX_AMOUNT
from lingdang.topup.money import Money
from lingdang.topup.providers.apple_standing import Transaction, is_consumable, moment, of_transaction
from lingdang.topup.providers.provider import Forged
from support.providers import NOW


def _of(**values: object) -> Transaction:
    return Transaction(**{"transactionId": "1", "productId": "bells.600", "signedDate": 1} | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("price", "currency", "amount"), [(6000, "CNY", 600), (600_000, "JPY", 600), (1500, "KWD", 1500), (0, "CNY", 0)]
)
def test_a_price_in_thousandths_is_money_in_minor_units(price: int, currency: str, amount: int) -> None:
    assert of_transaction(_of(price=price, currency=currency), NOW).received == Money(amount, currency)


def test_a_price_that_is_not_told_is_none_and_all_of_it_may_go_back() -> None:
    standing = of_transaction(_of(revocationDate=1), NOW)
    assert (standing.received, standing.refunded) == (None, MAX_AMOUNT)


@pytest.mark.parametrize(("share", "refunded"), [(None, MAX_AMOUNT), (50_000, MAX_AMOUNT), (0, 0)])
def test_all_of_a_free_purchase_may_go_back(share: int | None, refunded: int) -> None:
    transaction = _of(price=0, currency="CNY", revocationDate=1, revocationPercentage=share)
    assert of_transaction(transaction, NOW).refunded == refunded


@pytest.mark.parametrize(("share", "refunded"), [(None, 599), (100_000, 599), (50_000, 300), (1, 1), (0, 0)])
def test_a_part_is_a_percentage_in_thousandths_rounded_up(share: int | None, refunded: int) -> None:
    transaction = _of(price=5990, currency="CNY", revocationDate=1, revocationPercentage=share)
    assert of_transaction(transaction, NOW).refunded == refunded


def test_only_what_production_signed_is_real_money() -> None:
    assert not of_transaction(_of(rawEnvironment="Production"), NOW).test
    assert of_transaction(_of(rawEnvironment="Sandbox"), NOW).test
    assert of_transaction(_of(), NOW).test


def test_a_family_shares_no_bells() -> None:
    assert is_consumable(_of(rawType="Consumable"))
    assert not is_consumable(_of(rawType="Consumable", rawInAppOwnershipType="FAMILY_SHARED"))
    assert not is_consumable(_of(rawType="Non-Consumable"))


@pytest.mark.parametrize("millis", [None, "1", -1, 10**15, 1.5])
def test_a_time_is_milliseconds(millis: object) -> None:
    with pytest.raises(Forged, match="timestamp"):
        moment(millis)
