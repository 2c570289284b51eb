"""Alipay's notifications: which are believed, and what they say."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.alipay import make
from lingdang.topup.providers.provider import Order, Provider, Standing
from proof.standin.alipay import AlipayDesk
from proof.standin.desk import Message
from proof.standin.faults import Break
from support.alipay import account
from support.providers import NOW, Clock, order, refused, served, told


@pytest.fixture
def desk(clock: Clock) -> AlipayDesk:
    return AlipayDesk(clock)


@pytest.fixture
def provider(desk: AlipayDesk) -> Iterator[Provider]:
    with served("alipay", desk.answer) as address:
        yield make(account(address))


@pytest.fixture
def begun(desk: AlipayDesk, provider: Provider) -> Order:
    return _begun(desk, provider)


def _begun(desk: AlipayDesk, provider: Provider) -> Order:
    wanted = order()
    desk.open(provider.begin(wanted).action.url or "")
    return wanted


def _standing(provider: Provider, message: Message) -> Standing:
    standing = told(provider, message).standing
    assert standing is not None
    return standing


def _with(message: Message, **fields: str) -> Message:
    form = dict(parse_qsl(message.body.decode()))
    return replace(message, body=urlencode(form | fields).encode())


def test_a_trade_is_a_payment(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    notification = told(provider, desk.pay(begun.topup_id.hex))
    standing = notification.standing
    assert standing is not None
    assert (notification.type, notification.at, notification.ask) == ("TRADE_SUCCESS", NOW, False)
    assert (standing.topup_id, standing.state, standing.received) == (begun.topup_id, "paid", Money(600, "CNY"))
    assert (standing.refunded, standing.differs, standing.test) == (None, (), False)
    assert standing.reference


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
def test_a_forged_notification_is_refused(
    desk: AlipayDesk, provider: Provider, begun: Order, how: Break, reason: str
) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert refused(provider, desk.broken(message, how)) == reason
    assert told(provider, message).standing is not None


def test_it_may_come_for_a_day_and_an_hour(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert told(provider, message, NOW + timedelta(hours=25)).standing is not None
    assert refused(provider, message, NOW + timedelta(hours=27)) == "timestamp"


@pytest.mark.parametrize("kind", ["RSA", "rsa2", "", "none", "MD5"])
def test_a_notification_does_not_choose_how_it_is_signed(
    desk: AlipayDesk, provider: Provider, begun: Order, kind: str
) -> None:
    assert refused(provider, _with(desk.pay(begun.topup_id.hex), sign_type=kind)) == "signature"


def test_what_is_added_was_not_signed(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert refused(provider, _with(message, refund_fee="6.00")) == "signature"
    assert refused(provider, _with(message, empty="")) == "signature"
    assert refused(provider, _with(message, sign="")) == "signature"
    assert refused(provider, _with(message, sign="é")) == "signature"


def test_a_field_that_is_there_twice_is_refused(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    for field in (b"total_amount=9999.00", b"sign_type=RSA2"):
        assert refused(provider, replace(message, body=field + b"&" + message.body)) == "unreadable"
        assert refused(provider, replace(message, body=message.body + b"&" + field)) == "unreadable"


@pytest.mark.parametrize("body", [b"", b"x", b"%ff=1", b"{}", b"&".join(b"f%d=1" % n for n in range(300))])
def test_what_is_no_form_is_refused(provider: Provider, body: bytes) -> None:
    assert refused(provider, Message("alipay", None, {}, body)) in ("unreadable", "signature")


def test_another_charset_is_refused(desk: AlipayDesk, provider: Provider) -> None:
    assert refused(provider, desk.notified(charset="GBK", notify_id="1")) == "not utf-8"


@pytest.mark.parametrize(
    "changed",
    [
        {"notify_time": "soon"},
        {"notify_time": ""},
        {"total_amount": "6.001"},
        {"total_amount": "-6.00"},
        {"total_amount": "6e2"},
        {"refund_fee": "x"},
    ],
)
def test_signed_content_of_another_form_is_refused(
    desk: AlipayDesk, provider: Provider, begun: Order, changed: dict[str, str]
) -> None:
    form = dict(parse_qsl(desk.pay(begun.topup_id.hex).body.decode()))
    rest = {name: value for name, value in form.items() if name not in ("sign", "sign_type")}
    assert told(provider, desk.notified(**rest)).standing is not None
    assert refused(provider, desk.notified(**rest | changed)) == "unreadable"
    for field in ("trade_no", "out_trade_no", "notify_time", "notify_type", "notify_id"):
        assert refused(provider, desk.notified(**{n: v for n, v in rest.items() if n != field})) == "unreadable"


def test_a_repeat_has_the_same_id(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert told(provider, message) == told(provider, message)
    assert told(provider, message).id != told(provider, desk.give_back(begun.topup_id.hex, 1)).id


def test_another_merchant_and_another_app_are_told(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    assert _standing(provider, desk.pay(begun.topup_id.hex, "merchant")).differs == ("merchant",)
    assert _standing(provider, desk.other_app(begun.topup_id.hex)).differs == ("app", "merchant")


def test_another_amount_and_order_are_told_as_they_are(desk: AlipayDesk, provider: Provider) -> None:
    wanted = _begun(desk, provider)
    assert _standing(provider, desk.pay(wanted.topup_id.hex, "amount")).received == Money(599, "CNY")
    wanted = _begun(desk, provider)
    assert _standing(provider, desk.pay(wanted.topup_id.hex, "order")).topup_id != wanted.topup_id


def test_a_second_success_is_a_refund_of_a_part(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    number = begun.topup_id.hex
    desk.pay(number)
    first, second = desk.give_back(number, 100), desk.give_back(number, 200)
    for message, refunded in ((second, 300), (first, 100)):
        notification = told(provider, message)
        assert notification.type == "TRADE_SUCCESS"
        assert notification.standing is not None
        assert (notification.standing.received, notification.standing.refunded) == (Money(600, "CNY"), refunded)


def test_a_trade_is_closed_by_a_whole_refund_or_because_nobody_paid(desk: AlipayDesk, provider: Provider) -> None:
    paid, unpaid = _begun(desk, provider).topup_id.hex, _begun(desk, provider).topup_id.hex
    desk.pay(paid)
    back = told(provider, desk.give_back(paid, 600))
    never = told(provider, desk.expire(unpaid))
    assert back.type == never.type == "TRADE_CLOSED"
    assert back.standing is not None
    assert never.standing is not None
    assert (back.standing.state, back.standing.received, back.standing.refunded) == ("paid", Money(600, "CNY"), 600)
    assert (never.standing.state, never.standing.received, never.standing.refunded) == ("closed", None, None)


def test_a_finished_trade_is_paid(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    assert _standing(provider, desk.finish(begun.topup_id.hex)).state == "paid"


def test_a_trade_that_waits_or_is_in_an_unknown_state_is_open(
    desk: AlipayDesk, provider: Provider, begun: Order
) -> None:
    form = dict(parse_qsl(desk.pay(begun.topup_id.hex).body.decode()))
    rest = {name: value for name, value in form.items() if name not in ("sign", "sign_type")}
    for status in ("WAIT_BUYER_PAY", "TRADE_NEW"):
        standing = _standing(provider, desk.notified(**rest | {"trade_status": status}))
        assert (standing.state, standing.received) == ("open", None)


def test_what_is_no_trade_is_of_no_consequence(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    form = dict(parse_qsl(desk.pay(begun.topup_id.hex).body.decode()))
    rest = {name: value for name, value in form.items() if name not in ("sign", "sign_type")}
    assert told(provider, desk.notified(**rest | {"notify_type": "dut_user_sign"})).standing is None
    other = {name: rest[name] for name in ("notify_id", "notify_time", "charset")}
    assert told(provider, desk.notified(**other, notify_type="dut_user_sign")).standing is None


def test_it_hears_whether_a_notification_was_taken(provider: Provider) -> None:
    assert (provider.reply(True).status, provider.reply(True).body) == (200, b"success")
    assert provider.reply(False).body != b"success"
