"""Google Play's API: purchases that an app shows, how they stand, consuming, money back, and its question."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.google import make
from lingdang.topup.providers.provider import Forged, Refused, Standing, Store, Unavailable
from proof.standin.google import GoogleDesk
from proof.standin.web import Answer, Request
from support.google import account
from support.providers import order, served

NUMBER = uuid7()
NOW = datetime.now(UTC)


@pytest.fixture
def desk() -> GoogleDesk:
    return GoogleDesk()


@pytest.fixture
def provider(desk: GoogleDesk) -> Iterator[Store]:
    with served("google", desk.answer) as address:
        yield make(account(address))


def _asked(provider: Store, token: str) -> Standing:
    standing = provider.ask(NUMBER, token)
    assert standing is not None
    return standing


def test_the_app_is_told_what_to_buy_and_for_whom(provider: Store) -> None:
    wanted = order()
    begun = provider.begin(wanted)
    assert begun.action.kind == "store"
    assert begun.action.params == {"productId": "bells.600", "obfuscatedAccountId": str(wanted.topup_id)}
    with pytest.raises(Refused, match="store_product"):
        provider.begin(msgspec.structs.replace(wanted, store_product=None))


def test_a_token_that_the_app_shows_stands_as_google_says(desk: GoogleDesk, provider: Store) -> None:
    token = desk.buy(NUMBER.hex)
    standing = provider.purchase(token, NOW)
    assert (standing.topup_id, standing.reference, standing.state) == (NUMBER, token, "paid")
    assert standing.received == Money(600, "CNY")
    desk.give_back(NUMBER.hex, 600)
    assert provider.purchase(token, NOW).refunded == 600


@pytest.mark.parametrize("proof", ["", "nobody's", "é", "x" * 2000, "../../orders/GPA.0001", "a/b?c#d"])
def test_what_google_does_not_know_was_not_bought(provider: Store, proof: str) -> None:
    with pytest.raises(Forged):
        provider.purchase(proof, NOW)


def test_a_purchase_may_wait_and_be_given_up(desk: GoogleDesk, provider: Store) -> None:
    waiting = _asked(provider, desk.buy(NUMBER.hex, state="PENDING"))
    assert (waiting.state, waiting.received) == ("open", None)
    assert _asked(provider, desk.buy(NUMBER.hex, state="CANCELLED")).state == "closed"


def test_a_test_purchase_is_play_money(desk: GoogleDesk, provider: Store) -> None:
    assert _asked(provider, desk.buy(NUMBER.hex, test=True)).test
    assert not _asked(provider, desk.buy(NUMBER.hex)).test


def test_a_purchase_without_an_account_names_no_top_up(desk: GoogleDesk, provider: Store) -> None:
    standing = _asked(provider, desk.buy(None, quantity=3, product="bells.60"))
    assert (standing.topup_id, standing.payer_account) == (None, None)
    assert (standing.store_product, standing.quantity) == ("bells.60", 3)


def test_what_it_does_not_know_is_none(desk: GoogleDesk, provider: Store) -> None:
    assert provider.ask(NUMBER, None) is None
    assert provider.ask(NUMBER, "nobody's") is None
    assert provider.close(NUMBER, None) is None
    closed = provider.close(NUMBER, desk.buy(NUMBER.hex))
    assert closed is not None
    assert closed.state == "paid"


def test_a_purchase_is_consumed_once(desk: GoogleDesk, provider: Store) -> None:
    token = desk.buy(NUMBER.hex)
    provider.finish(token)
    provider.finish(token)
    assert desk.consumed(token) == 1
    provider.finish("nobody's")


def test_money_goes_back_whole_and_once(desk: GoogleDesk, provider: Store) -> None:
    token, whole = desk.buy(NUMBER.hex), Money(600, "CNY")
    with pytest.raises(Refused, match="part"):
        provider.refund(NUMBER, token, "r1", Money(1, "CNY"), whole)
    assert provider.refund(NUMBER, token, "r1", whole, whole).standing.refunded == 600
    assert provider.refund(NUMBER, token, "r1", whole, whole).standing.refunded == 600
    with pytest.raises(Refused, match="unknown"):
        provider.refund(NUMBER, "nobody's", "r1", whole, whole)


def test_a_day_has_what_went_back(desk: GoogleDesk, provider: Store) -> None:
    numbers = [uuid7() for _ in range(5)]
    for number in numbers:
        desk.buy(number.hex)
    assert list(provider.list_day(datetime.now(UTC).date())) == []
    for number in numbers:
        desk.give_back(number.hex, 600)
    days = [datetime.now(UTC).date() - timedelta(days=back) for back in (0, 1)]  # midnight may be between
    assert {each.topup_id for day in days for each in provider.list_day(day)} == set(numbers)


@pytest.mark.parametrize("state", ["PURCHASED", "CANCELLED"])
def test_an_order_that_google_does_not_find_yet_is_not_guessed(state: str) -> None:
    """Neither what was paid nor what came back of it is known then, and a voided purchase is none that was kept."""
    desk, is_gone = GoogleDesk(), True
    token = desk.buy(NUMBER.hex, state=state)
    desk.give_back(NUMBER.hex, 600)

    def answer(request: Request) -> Answer | None:
        return Answer(404) if is_gone and "/orders/" in request.path else desk.answer(request)

    with served("google", answer) as address:
        provider = make(account(address))
        with pytest.raises(Unavailable, match="order"):
            provider.ask(NUMBER, token)
        with pytest.raises(Unavailable, match="order"):
            list(provider.list_day(datetime.now(UTC).date()))
        is_gone = False
        assert _asked(provider, token).refunded == 600


def test_of_a_purchase_that_waits_to_be_paid_no_order_is_asked_for() -> None:
    desk = GoogleDesk()
    token = desk.buy(NUMBER.hex, state="PENDING")
    with served("google", lambda request: None if "/orders/" in request.path else desk.answer(request)) as address:
        assert _asked(make(account(address)), token).state == "open"


def test_how_much_was_consumed_is_told(desk: GoogleDesk, provider: Store) -> None:
    desk.buy(NUMBER.hex)
    provider.tell_consumed("GPA.0001:review-1", 25_000)
    assert desk.reviews["GPA.0001"] == {
        "pendingRefundToken": "review-1",
        "sampleContentProvided": False,
        "refundPreference": "DECLINE",
        "consumptionPercentageMilliunits": 25_000,
    }
    provider.tell_consumed("GPA.0001:review-1", 0)
    assert desk.reviews["GPA.0001"]["refundPreference"] == "NEUTRAL"
