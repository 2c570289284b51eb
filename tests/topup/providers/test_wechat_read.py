"""WeChat Pay's notifications: which are believed, and what they say."""

from collections.abc import Iterator

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Order, Provider, Return, Standing
from lingdang.topup.providers.wechat import make
from proof.standin.desk import Message
from proof.standin.faults import Break
from proof.standin.wechat import WechatDesk
from support.providers import NOW, Clock, changed, order, refused, served, told
from support.wechat import account, platform_certificate


@pytest.fixture
def desk(clock: Clock) -> WechatDesk:
    return WechatDesk(clock)


@pytest.fixture
def provider(desk: WechatDesk) -> Iterator[Provider]:
    with served("wechat", desk.answer) as address:
        yield make(account(address))


@pytest.fixture
def begun(provider: Provider) -> Order:
    wanted = order()
    provider.begin(wanted)
    return wanted


def _standing(provider: Provider, message: Message) -> Standing:
    standing = told(provider, message).standing
    assert standing is not None
    return standing


def test_a_transaction_is_a_payment(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    notification = told(provider, desk.pay(begun.topup_id.hex))
    standing = notification.standing
    assert standing is not None
    assert (notification.type, notification.at) == ("TRANSACTION.SUCCESS", NOW)
    assert (standing.topup_id, standing.state, standing.received) == (begun.topup_id, "paid", Money(600, "CNY"))
    assert standing.reference
    assert (standing.at, standing.test, standing.differs) == (NOW, False, ())


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("body", "signature"),
        ("signature", "signature"),
        ("stale", "timestamp"),
        ("ahead", "timestamp"),
        ("serial", "serial"),
        ("probe", "probe"),
        ("not utf-8", "not utf-8"),
    ],
)
def test_a_forged_notification_is_refused(
    desk: WechatDesk, provider: Provider, begun: Order, how: Break, reason: str
) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert refused(provider, desk.broken(message, how)) == reason
    assert told(provider, message).standing is not None


def test_a_forged_serial_makes_nobody_call_out(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    for serial in ("7F", "", "PUB_KEY_ID_", "0x7F", "铃", "7F" * 5000):
        assert refused(provider, changed(message, wechatpay_serial=serial)) == "serial"
    assert desk.certificates_asked == 0
    assert told(provider, message).standing is not None


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        ("wechatpay_signature", "", "signature"),
        ("wechatpay_signature", "é", "signature"),
        ("wechatpay_signature_type", "WECHATPAY2-SM2-WITH-SM3", "signature"),
        ("wechatpay_signature_type", "", "signature"),
        ("wechatpay_timestamp", "", "timestamp"),
        ("wechatpay_timestamp", "soon", "timestamp"),
        ("wechatpay_nonce", "", "signature"),
    ],
)
def test_headers_that_sign_nothing_are_refused(
    desk: WechatDesk, provider: Provider, begun: Order, header: str, value: str, reason: str
) -> None:
    assert refused(provider, changed(desk.pay(begun.topup_id.hex), **{header: value})) == reason


def test_other_names_of_the_headers_are_not_looked_at(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    genuine = desk.pay(begun.topup_id.hex)
    stale = desk.broken(genuine, "stale")
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in stale.headers.items()}
    fresh = {**stale.headers, "wechatpay-timestamp": genuine.headers["wechatpay-timestamp"]}
    assert refused(provider, Message(stale.provider, None, {**fresh, **names}, stale.body)) == "signature"


def test_what_another_key_encrypted_is_refused(desk: WechatDesk, provider: Provider) -> None:
    assert refused(provider, desk.told("TRANSACTION.SUCCESS", {}, "another-apiv3-key-of-32-letters!")) == "signature"


def test_a_certificate_serves_as_a_key_does(desk: WechatDesk, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    by_serial = account("http://127.0.0.1:9", certificates={"5F" * 20: platform_certificate()})
    renamed = changed(message, wechatpay_serial="5F" * 20)
    assert _standing(make(by_serial), renamed).state == "paid"
    assert refused(make(account("http://127.0.0.1:9")), renamed) == "serial"


def test_a_repeat_has_the_same_id(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert told(provider, message) == told(provider, message)
    assert told(provider, message).id != told(provider, desk.give_back(begun.topup_id.hex, 1)).id


def test_another_merchant_and_another_app_are_told(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex, "merchant")
    assert _standing(provider, message).differs == ("merchant",)
    other = make(account("http://127.0.0.1:9", appid="wx9999999999999999"))
    assert _standing(other, message).differs == ("merchant", "app")
    assert _standing(provider, desk.give_back(begun.topup_id.hex, 1)).differs == ("merchant",)


def test_another_amount_currency_and_order_are_told_as_they_are(desk: WechatDesk, provider: Provider) -> None:
    for wrong, received in (
        ("amount", Money(599, "CNY")),
        ("currency", Money(600, "HKD")),
        ("order", Money(600, "CNY")),
    ):
        wanted = order()
        provider.begin(wanted)
        standing = _standing(provider, desk.pay(wanted.topup_id.hex, wrong))  # type: ignore[arg-type]
        assert standing.received == received
        assert (standing.topup_id == wanted.topup_id) is (wrong != "order")


@pytest.mark.parametrize(
    ("state", "means"),
    [
        ("NOTPAY", "open"),
        ("USERPAYING", "open"),
        ("CLOSED", "closed"),
        ("REVOKED", "closed"),
        ("PAYERROR", "closed"),
        ("REFUND", "paid"),
        ("NEW_STATE", "open"),
    ],
)
def test_the_state_of_the_order_counts_and_not_the_name_of_the_event(
    desk: WechatDesk, provider: Provider, begun: Order, state: str, means: str
) -> None:
    desk.pay(begun.topup_id.hex)
    standing = _standing(provider, desk.tell_state(begun.topup_id.hex, state))
    assert standing.state == means
    assert (standing.received is not None) is (means == "paid")


def test_each_refund_is_told_alone_until_it_fails(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    number = begun.topup_id.hex
    desk.pay(number)
    back = _standing(provider, desk.give_back(number, 100))
    assert (back.topup_id, back.received, back.refunded) == (begun.topup_id, None, None)
    reference = back.returns[0].reference
    assert back.returns == (Return(reference=reference, amount=100, at=back.at),)
    for status in ("CLOSED", "ABNORMAL"):
        ended = _standing(provider, desk.end_refund(number, status))
        assert ended.returns == (Return(reference=reference, amount=0, at=ended.at),)


def test_what_is_no_payment_is_of_no_consequence(desk: WechatDesk, provider: Provider) -> None:
    assert told(provider, desk.told("COMPLAINT.CREATE", {"complaint_id": "1"})).standing is None


@pytest.mark.parametrize("content", [{}, [], {"out_trade_no": 1, "trade_state": "SUCCESS"}])
def test_signed_content_of_another_form_is_refused(desk: WechatDesk, provider: Provider, content: object) -> None:
    assert refused(provider, desk.told("TRANSACTION.SUCCESS", content)) == "unreadable"


def test_it_hears_whether_a_notification_was_taken(provider: Provider) -> None:
    assert provider.reply(True).status == 204
    no = provider.reply(False)
    assert no.status >= 400
    assert b"FAIL" in no.body
