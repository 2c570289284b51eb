"""Apple's API: purchases that an app shows, how they stand, a day's notifications, and its question."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.apple import make
from lingdang.topup.providers.provider import Forged, Refused, Store
from proof.standin.apple import AppleDesk
from support.apple import account
from support.providers import NOW, Clock, order, served

NUMBER = uuid7(NOW)


@pytest.fixture
def desk(clock: Clock) -> AppleDesk:
    return AppleDesk(clock)


@pytest.fixture
def provider(desk: AppleDesk) -> Iterator[Store]:
    with served("apple", desk.answer) as address:
        yield make(account(address, consent=True))


def test_the_app_is_told_what_to_buy_and_for_whom(provider: Store) -> None:
    wanted = order()
    begun = provider.begin(wanted)
    assert begun.action.kind == "store"
    assert begun.action.params == {"productId": "bells.600", "appAccountToken": str(wanted.topup_id)}
    with pytest.raises(Refused, match="store_product"):
        provider.begin(msgspec.structs.replace(wanted, store_product=None))


def test_a_purchase_that_the_app_shows_stands_as_apple_says(desk: AppleDesk, provider: Store) -> None:
    shown = desk.buy(NUMBER.hex)
    standing = provider.purchase(shown, NOW)
    assert (standing.topup_id, standing.state, standing.received) == (NUMBER, "paid", Money(600, "CNY"))
    assert (standing.refunded, standing.store_product, standing.differs) == (0, "bells.600", ())
    desk.give_back(NUMBER.hex, 600)
    assert provider.purchase(shown, NOW).refunded == 600


def test_an_old_purchase_may_be_shown_and_one_of_tomorrow_may_not(
    desk: AppleDesk, provider: Store, clock: Clock
) -> None:
    shown = desk.buy(NUMBER.hex)
    assert provider.purchase(shown, NOW + timedelta(days=90)).state == "paid"
    with pytest.raises(Forged, match="ahead"):
        provider.purchase(shown, NOW - timedelta(hours=1))


def test_what_apple_does_not_know_was_not_bought(desk: AppleDesk, provider: Store) -> None:
    elsewhere = AppleDesk(Clock()).buy(NUMBER.hex, transactionId="3000000000000001")
    with pytest.raises(Forged, match="unknown"):
        provider.purchase(elsewhere, NOW)


@pytest.mark.parametrize("proof", ["", "x", "a.b.c", "e30.e30."])
def test_what_is_no_signed_text_was_not_bought(provider: Store, proof: str) -> None:
    with pytest.raises(Forged):
        provider.purchase(proof, NOW)


def test_other_kinds_of_purchases_are_told(desk: AppleDesk, provider: Store) -> None:
    assert provider.purchase(desk.buy(NUMBER.hex, type="Non-Consumable"), NOW).differs == ("type",)


def test_another_app_and_unsigned_environments_are_refused(desk: AppleDesk, provider: Store) -> None:
    with pytest.raises(Forged, match="app"):
        provider.purchase(desk.buy(NUMBER.hex, bundleId="example.other"), NOW)
    with pytest.raises(Forged, match="environment"):
        provider.purchase(desk.buy(NUMBER.hex, environment="Xcode"), NOW)
    assert provider.purchase(desk.buy(NUMBER.hex, environment="Sandbox"), NOW).test


def test_it_is_asked_by_apples_id_alone(desk: AppleDesk, provider: Store) -> None:
    reference = provider.purchase(desk.buy(NUMBER.hex), NOW).reference
    asked = provider.ask(NUMBER, reference)
    assert asked is not None
    assert (asked.topup_id, asked.reference) == (NUMBER, reference)
    assert provider.ask(NUMBER, None) is None
    assert provider.ask(NUMBER, "42") is None
    assert provider.close(NUMBER, None) is None
    closed = provider.close(NUMBER, reference)
    assert closed is not None
    assert closed.state == "paid"


def test_money_goes_back_by_apple_alone(provider: Store) -> None:
    with pytest.raises(Refused, match="store"):
        provider.refund(NUMBER, "1", "r1", Money(1, "CNY"), Money(600, "CNY"))
    provider.finish("1")


def test_a_day_has_its_notifications(desk: AppleDesk, provider: Store, clock: Clock) -> None:
    numbers = [uuid7(NOW) for _ in range(25)]
    for number in numbers:
        desk.pay(number.hex)
    assert [each.topup_id for each in provider.list_day(NOW.date())] == numbers
    clock.go(days=1)
    desk.give_back(numbers[0].hex, 600)
    (back,) = provider.list_day(clock.now.date())
    assert (back.topup_id, back.refunded) == (numbers[0], 600)


def test_how_much_was_consumed_is_told_with_consent(desk: AppleDesk, provider: Store) -> None:
    reference = provider.purchase(desk.buy(NUMBER.hex), NOW).reference or ""
    provider.tell_consumed(reference, 25_000)
    assert desk.consumed[reference] == {
        "customerConsented": True,
        "sampleContentProvided": False,
        "deliveryStatus": "DELIVERED",
        "consumptionPercentage": 25_000,
    }
    with pytest.raises(Refused, match="consent"):
        make(account()).tell_consumed(reference, 25_000)
