"""Google's pushes: which are believed, and what they say. The library looks at the machine's clock, and so do these."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.google import make
from lingdang.topup.providers.provider import Provider, Standing, Unavailable
from proof.standin.desk import Message
from proof.standin.faults import Break
from proof.standin.google import GoogleDesk
from support.google import account
from support.providers import changed, refused, served, told

NUMBER = uuid7()


@pytest.fixture
def desk() -> GoogleDesk:
    return GoogleDesk()


@pytest.fixture
def provider(desk: GoogleDesk) -> Iterator[Provider]:
    with served("google", desk.answer) as address:
        yield make(account(address))


def _now() -> datetime:
    return datetime.now(UTC)


def _standing(provider: Provider, message: Message) -> Standing:
    standing = told(provider, message, _now()).standing
    assert standing is not None
    return standing


def _why(provider: Provider, message: Message) -> str:
    return refused(provider, message, _now())


def test_a_purchase_is_asked_for_at_once(desk: GoogleDesk, provider: Provider) -> None:
    notification = told(provider, desk.pay(NUMBER.hex), _now())
    standing = notification.standing
    assert standing is not None
    assert (notification.type, notification.ask) == ("oneTimeProduct", False)
    assert (standing.topup_id, standing.payer_account) == (NUMBER, str(NUMBER))
    assert (standing.state, standing.received, standing.refunded) == ("paid", Money(600, "CNY"), 0)
    assert (standing.store_product, standing.quantity, standing.test, standing.differs) == ("bells.600", 1, False, ())


def test_while_google_is_away_it_is_to_push_again(desk: GoogleDesk, provider: Provider) -> None:
    """Nobody but Google knows whose the purchase is, and nobody asks for one that is not known here."""
    message = desk.pay(NUMBER.hex)
    desk.away = True
    with pytest.raises(Unavailable):
        told(provider, message, _now())
    desk.away = False
    assert _standing(provider, message).topup_id == NUMBER


@pytest.mark.parametrize(
    ("how", "reason"),
    [("signature", "signature"), ("stale", "timestamp"), ("ahead", "timestamp"), ("not utf-8", "not utf-8")],
)
def test_a_forged_push_is_refused(desk: GoogleDesk, provider: Provider, how: Break, reason: str) -> None:
    message = desk.pay(NUMBER.hex)
    assert _why(provider, desk.broken(message, how)) == reason
    assert told(provider, message, _now()).standing is not None


@pytest.mark.parametrize(
    "header", ["", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic x", "Bearer é", "Bearer e30.e30."]
)
def test_a_push_that_nobody_signed_is_refused(desk: GoogleDesk, provider: Provider, header: str) -> None:
    assert _why(provider, changed(desk.pay(NUMBER.hex), authorization=header)) == "signature"
    message = desk.pay(NUMBER.hex)
    assert _why(provider, Message("google", None, {}, message.body)) == "signature"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "somebody@else.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"email_verified": None},
        {"aud": "https://shop.example/"},
        {"iss": "https://accounts.example.com"},
        {"key": "a stranger"},
        {"kid": "key-2"},
    ],
)
def test_whoever_else_google_knows_is_not_believed(
    desk: GoogleDesk, provider: Provider, claims: dict[str, object]
) -> None:
    message = desk.pushed("e30=", **claims)  # type: ignore[arg-type]
    assert _why(provider, message) == "signature"


def test_our_own_clock_counts_too(desk: GoogleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    assert refused(provider, message, _now() + timedelta(hours=2)) == "timestamp"
    assert refused(provider, message, _now() - timedelta(hours=1)) == "timestamp"


def test_forged_keys_make_nobody_call_out(desk: GoogleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    told(provider, message, _now())
    for count in range(20):
        forged = changed(message, authorization=f"Bearer {desk.token(kid=f'key-{count + 2}')}")
        assert _why(provider, forged) == "signature"
    assert desk.certificates_asked == 1


def test_a_key_that_is_new_is_fetched(desk: GoogleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    told(provider, message, _now())
    unknown = changed(message, authorization=f"Bearer {desk.token(kid='key-2')}")
    assert refused(provider, unknown, _now() + timedelta(minutes=2)) == "signature"
    assert desk.certificates_asked == 2


def test_without_googles_keys_nothing_can_be_said() -> None:
    desk = GoogleDesk()
    provider = make(account("http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        told(provider, desk.pay(NUMBER.hex), _now())


def test_another_subscription_and_another_app_are_refused(desk: GoogleDesk, provider: Provider) -> None:
    assert _why(provider, desk.pushed("e30=", "projects/standin/subscriptions/other")) == "subscription"
    assert _why(provider, desk.pay(NUMBER.hex, "merchant")) == "app"


def test_an_event_of_long_ago_or_of_tomorrow_is_refused(desk: GoogleDesk, provider: Provider) -> None:
    now = _now().timestamp()
    assert told(provider, desk.told(at=now - 7 * 86400), _now()).standing is None
    assert _why(provider, desk.told(at=now - 9 * 86400)) == "timestamp"
    assert _why(provider, desk.told(at=now + 3600)) == "timestamp"


def test_a_repeat_has_the_same_id(desk: GoogleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    first, again = told(provider, message, _now()), told(provider, message, _now())
    assert (first.id, first.at) == (again.id, again.at)
    assert first.id != told(provider, desk.give_back(NUMBER.hex, 1), _now()).id


def test_another_price_currency_product_and_account_are_told_as_they_are(desk: GoogleDesk, provider: Provider) -> None:
    assert _standing(provider, desk.pay(NUMBER.hex, "amount")).received == Money(599, "CNY")
    assert _standing(provider, desk.pay(NUMBER.hex, "currency")).received == Money(600, "USD")
    assert _standing(provider, desk.pay(NUMBER.hex, "order")).topup_id != NUMBER


def test_refunds_are_told_as_their_sum(desk: GoogleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex)
    sums = [_standing(provider, desk.give_back(NUMBER.hex, amount)).refunded for amount in (100, 200, 300)]
    assert sums == [100, 300, 600]


def test_how_much_was_consumed_is_asked_about_a_top_up(desk: GoogleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex)
    notification = told(provider, desk.review(NUMBER.hex), _now())
    assert notification.standing is not None
    assert notification.standing.topup_id == NUMBER
    assert notification.evidence == "GPA.0001:review-1"


def test_what_else_an_app_sells_is_of_no_consequence(desk: GoogleDesk, provider: Provider) -> None:
    subscribed = {"version": "1.0", "notificationType": 4, "purchaseToken": "t", "subscriptionId": "s"}
    assert told(provider, desk.told(subscriptionNotification=subscribed), _now()).standing is None
    voided = {"purchaseToken": desk.buy(NUMBER.hex), "orderId": "GPA.9", "productType": 1, "refundType": 1}
    assert told(provider, desk.told(voidedPurchaseNotification=voided), _now()).standing is None
    assert told(provider, desk.told(testNotification={"version": "1.0"}), _now()).standing is None
    unknown = {"version": "1.0", "notificationType": 1, "purchaseToken": "nobody's", "sku": "bells.600"}
    with pytest.raises(Unavailable, match="unknown"):
        told(provider, desk.told(oneTimeProductNotification=unknown), _now())


@pytest.mark.parametrize("data", ["", "!", "e30=", "/w==", base64.b64encode(b"[]").decode()])
def test_signed_content_of_another_form_is_refused(desk: GoogleDesk, provider: Provider, data: str) -> None:
    assert _why(provider, desk.pushed(data)) == "unreadable"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", msgspec.json.encode({"message": {}, "subscription": 1})])
def test_a_body_that_is_no_push_is_refused(desk: GoogleDesk, provider: Provider, body: bytes) -> None:
    message = desk.pay(NUMBER.hex)
    assert _why(provider, Message("google", None, message.headers, body)) == "unreadable"


def test_it_hears_whether_a_notification_was_taken(provider: Provider) -> None:
    assert provider.reply(True).status == 204
    assert provider.reply(False).status >= 500
