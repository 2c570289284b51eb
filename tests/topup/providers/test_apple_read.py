"""Apple's notifications: which are believed, and what they say."""

from datetime import timedelta

import jwt
import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.apple import Account, make
from lingdang.topup.providers.provider import Forged, Provider, Standing, Unavailable
from proof.standin.apple import APP_ID, BUNDLE_ID, AppleDesk
from proof.standin.apple_chain import make_chain
from proof.standin.desk import Message
from proof.standin.faults import Break
from support.apple import account
from support.providers import NOW, Clock, refused, told

NUMBER = uuid7(NOW)


@pytest.fixture
def desk(clock: Clock) -> AppleDesk:
    return AppleDesk(clock)


@pytest.fixture(scope="module")
def provider() -> Provider:
    return make(account())


def _standing(provider: Provider, message: Message) -> Standing:
    standing = told(provider, message).standing
    assert standing is not None
    return standing


def _body(signed: str) -> Message:
    return Message("apple", None, {}, msgspec.json.encode({"signedPayload": signed}))


def test_a_charge_is_a_payment(desk: AppleDesk, provider: Provider) -> None:
    notification = told(provider, desk.pay(NUMBER.hex))
    standing = notification.standing
    assert standing is not None
    assert (notification.type, notification.at, notification.evidence) == ("ONE_TIME_CHARGE", NOW, None)
    assert (standing.topup_id, standing.payer_account) == (NUMBER, str(NUMBER))
    assert (standing.state, standing.received, standing.refunded) == ("paid", Money(600, "CNY"), 0)
    assert (standing.store_product, standing.quantity, standing.test, standing.differs) == ("bells.600", 1, False, ())


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("body", "signature"),
        ("signature", "signature"),
        ("stale", "timestamp"),
        ("ahead", "timestamp"),
        ("not utf-8", "not utf-8"),
    ],
)
def test_a_forged_notification_is_refused(desk: AppleDesk, provider: Provider, how: Break, reason: str) -> None:
    message = desk.pay(NUMBER.hex)
    assert refused(provider, desk.broken(message, how)) == reason
    assert told(provider, message).standing is not None


def test_it_may_come_for_a_week(desk: AppleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    assert told(provider, message, NOW + timedelta(days=6, hours=13)).standing is not None
    assert refused(provider, message, NOW + timedelta(days=8)) == "timestamp"


def test_a_chain_that_is_not_apples_is_refused(desk: AppleDesk, provider: Provider) -> None:
    claims = _claims(desk.pay(NUMBER.hex))
    assert refused(provider, _body(desk.signed(claims, make_chain()))) == "signature"


def test_a_signer_of_another_service_of_apples_is_refused(desk: AppleDesk) -> None:
    claims = _claims(desk.pay(NUMBER.hex))
    other = make_chain(marked=False)
    trusting = make(account(root_certificates=other.root_pem))
    assert refused(trusting, _body(desk.signed(claims, other))) == "signature"


@pytest.mark.parametrize("key", ["", "secret"])
def test_another_algorithm_is_refused(desk: AppleDesk, provider: Provider, key: str) -> None:
    claims = _claims(desk.pay(NUMBER.hex))
    signed = jwt.encode(claims, key or None, "HS256" if key else "none")  # type: ignore[arg-type]
    assert refused(provider, _body(signed)) == "signature"


@pytest.mark.parametrize("environment", ["Xcode", "LocalTesting", "", "production", None])
def test_environments_in_which_nothing_is_signed_are_refused(
    desk: AppleDesk, provider: Provider, environment: str | None
) -> None:
    desk.buy(NUMBER.hex, environment=environment)
    assert refused(provider, desk.notify(NUMBER.hex, "ONE_TIME_CHARGE")) == "environment"
    unsigned = jwt.encode(_claims(desk.notify(NUMBER.hex, "ONE_TIME_CHARGE")), None, "none")  # type: ignore[arg-type]
    assert refused(provider, _body(unsigned)) == "environment"


@pytest.mark.parametrize("environment", ["Xcode", "LocalTesting", "Staging"])
def test_they_cannot_be_configured(environment: str) -> None:
    with pytest.raises(ValueError, match="environment"):
        make(account(environment=environment))
    with pytest.raises(msgspec.ValidationError, match="environment"):
        msgspec.convert({**msgspec.to_builtins(account()), "environment": environment}, Account)


def test_a_notification_cannot_carry_a_transaction_of_another_environment(desk: AppleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex, environment="Xcode")
    transaction = jwt.encode({"environment": "Xcode"}, None, "none")  # type: ignore[arg-type]
    message = desk.notify(NUMBER.hex, "ONE_TIME_CHARGE", environment="Production", signedTransactionInfo=transaction)
    assert refused(provider, message) == "environment"


def test_a_sandbox_purchase_is_play_money(desk: AppleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex, environment="Sandbox")
    message = desk.notify(NUMBER.hex, "ONE_TIME_CHARGE")
    assert _standing(provider, message).test
    sandbox = make(account(environment="Sandbox"))
    assert _standing(sandbox, message).test
    assert refused(sandbox, desk.pay(NUMBER.hex)) == "environment"


def test_another_app_is_refused(desk: AppleDesk, provider: Provider) -> None:
    assert refused(provider, desk.pay(NUMBER.hex, "merchant")) == "app"
    desk.buy(NUMBER.hex)
    assert refused(provider, desk.notify(NUMBER.hex, "ONE_TIME_CHARGE", appAppleId=APP_ID + 1)) == "app"
    desk.buy(NUMBER.hex, bundleId="example.other")
    inside = desk.notify(NUMBER.hex, "ONE_TIME_CHARGE", bundleId=BUNDLE_ID)
    assert refused(provider, inside) == "app"


def test_a_repeat_has_the_same_id(desk: AppleDesk, provider: Provider) -> None:
    message = desk.pay(NUMBER.hex)
    assert told(provider, message) == told(provider, message)
    assert told(provider, message).id != told(provider, desk.give_back(NUMBER.hex, 1)).id


def test_another_price_currency_product_and_account_are_told_as_they_are(desk: AppleDesk, provider: Provider) -> None:
    assert _standing(provider, desk.pay(NUMBER.hex, "amount")).received == Money(599, "CNY")
    assert _standing(provider, desk.pay(NUMBER.hex, "currency")).received == Money(600, "USD")
    assert _standing(provider, desk.pay(NUMBER.hex, "order")).topup_id != NUMBER
    desk.buy(NUMBER.hex, productId="bells.60", quantity=10, price=600_000, currency="JPY")
    standing = _standing(provider, desk.notify(NUMBER.hex, "ONE_TIME_CHARGE"))
    assert (standing.store_product, standing.quantity, standing.received) == ("bells.60", 10, Money(600, "JPY"))
    desk.buy(NUMBER.hex, appAccountToken=None)
    standing = _standing(provider, desk.notify(NUMBER.hex, "ONE_TIME_CHARGE"))
    assert (standing.topup_id, standing.payer_account) == (None, None)


def test_a_refund_takes_all_or_a_part_and_can_be_taken_back(desk: AppleDesk, provider: Provider) -> None:
    desk.pay(NUMBER.hex)
    part = told(provider, desk.give_back(NUMBER.hex, 150))
    whole = told(provider, desk.give_back(NUMBER.hex, 600))
    back = told(provider, desk.reverse(NUMBER.hex))
    sums = [each.standing and each.standing.refunded for each in (part, whole, back)]
    assert sums == [150, 600, 0]
    assert [each.ask for each in (part, whole, back)] == [False, False, True]


def test_how_much_was_consumed_is_asked_about_a_purchase(desk: AppleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex)
    notification = told(provider, desk.notify(NUMBER.hex, "CONSUMPTION_REQUEST"))
    assert notification.standing is not None
    assert notification.evidence == notification.standing.reference


def test_what_else_an_app_sells_is_of_no_consequence(desk: AppleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex, type="Auto-Renewable Subscription")
    assert told(provider, desk.notify(NUMBER.hex, "DID_RENEW")).standing is None
    desk.buy(NUMBER.hex, inAppOwnershipType="FAMILY_SHARED")
    assert told(provider, desk.notify(NUMBER.hex, "REVOKE")).standing is None
    about = {"appAppleId": APP_ID, "bundleId": BUNDLE_ID, "environment": "Production"}
    assert told(provider, desk.told("TEST", data=about)).standing is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"signedPayload":1}', b'{"signedPayload":"a.b.c"}', b"[]"])
def test_what_is_no_notification_is_refused(provider: Provider, body: bytes) -> None:
    assert refused(provider, Message("apple", None, {}, body)) == "unreadable"


@pytest.mark.parametrize("changed", [{"signedDate": None}, {"signedDate": "now"}, {"notificationUUID": None}])
def test_signed_content_of_another_form_is_refused(
    desk: AppleDesk, provider: Provider, changed: dict[str, object]
) -> None:
    claims = {**_claims(desk.pay(NUMBER.hex)), **changed}
    assert refused(provider, _body(desk.signed(claims))) in ("unreadable", "timestamp", "signature")


def test_a_transaction_without_an_id_is_refused(desk: AppleDesk, provider: Provider) -> None:
    desk.buy(NUMBER.hex, transactionId=None)
    assert refused(provider, desk.notify(NUMBER.hex, "ONE_TIME_CHARGE")) == "unreadable"


def test_when_apple_cannot_say_whether_a_certificate_is_revoked_it_is_sent_again(desk: AppleDesk) -> None:
    checking = make(account(online_checks=True))
    with pytest.raises((Forged, Unavailable)):  # the stand-in's certificates name nobody to ask
        told(checking, desk.pay(NUMBER.hex))


def test_it_hears_whether_a_notification_was_taken(provider: Provider) -> None:
    assert provider.reply(True).status == 200
    assert provider.reply(False).status >= 500


def _claims(message: Message) -> dict[str, object]:
    signed = msgspec.json.decode(message.body)["signedPayload"]
    return dict(jwt.decode(signed, options={"verify_signature": False}))
