"""WeChat Pay's API: codes, what became of them, money back, and a day's bill."""

from collections.abc import Iterator
from datetime import date, datetime

import msgspec
import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.checks import CHINA
from lingdang.topup.providers.provider import Order, Provider, Refused, Return, Standing, Unavailable
from lingdang.topup.providers.wechat import make
from lingdang.topup.strays import payment_id
from proof.standin.wechat import WechatDesk
from support.providers import NOW, Clock, order, served
from support.wechat import account


@pytest.fixture
def desk(clock: Clock) -> WechatDesk:
    return WechatDesk(clock)


@pytest.fixture
def provider(desk: WechatDesk) -> Iterator[Provider]:
    with served("wechat", desk.answer) as address:
        desk.address = address
        yield make(account(address))


@pytest.fixture
def begun(provider: Provider) -> Order:
    wanted = order()
    provider.begin(wanted)
    return wanted


def _asked(provider: Provider, begun: Order) -> Standing:
    standing = provider.ask(begun.topup_id, None)
    assert standing is not None
    return standing


def test_a_code_is_made_and_made_again(provider: Provider) -> None:
    wanted = order()
    first, again = provider.begin(wanted), provider.begin(wanted)
    assert first == again
    assert first.action.kind == "qr"
    assert first.action.url is not None
    assert first.action.url.startswith("weixin://")
    assert first.reference is None


def test_a_long_name_is_cut_between_letters(provider: Provider) -> None:
    provider.begin(Order(**{**_fields(order()), "name": "铃铛" * 60}))


def _fields(wanted: Order) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in wanted.__struct_fields__}


def test_another_currency_than_yuan_is_refused(provider: Provider) -> None:
    with pytest.raises(Refused, match="currency"):
        provider.begin(order(600, "JPY"))


def test_it_is_found_by_our_number(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    opened = _asked(provider, begun)
    assert (opened.state, opened.reference, opened.received) == ("open", None, None)
    desk.pay(begun.topup_id.hex)
    paid = _asked(provider, begun)
    assert (paid.state, paid.received, paid.topup_id) == ("paid", Money(600, "CNY"), begun.topup_id)
    assert paid.reference


def test_a_payment_of_no_top_up_is_found_by_its_own_id(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    paid = _asked(provider, begun)
    for reference, found in ((paid.reference, paid.reference), ("nobody's", None)):
        standing = provider.ask(payment_id("shop", str(reference)), reference)
        assert (None if standing is None else standing.reference) == found


def test_what_it_does_not_know_is_none(provider: Provider) -> None:
    stranger = order()
    assert provider.ask(stranger.topup_id, None) is None
    assert provider.close(stranger.topup_id, None) is None


def test_a_closed_code_takes_no_money(provider: Provider, begun: Order) -> None:
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert closed.state == "closed"
    with pytest.raises(Refused, match="ORDER_CLOSED"):
        provider.begin(begun)


def test_a_close_that_comes_after_a_payer_says_paid(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.before_close = desk.pay
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert (closed.state, closed.received) == ("paid", Money(600, "CNY"))


def test_money_goes_back_once_for_each_refund(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference
    assert reference is not None

    def back(refund_id: str, amount: int) -> tuple[Return, ...]:
        given = provider.refund(begun.topup_id, reference, refund_id, Money(amount, "CNY"), Money(600, "CNY"))
        standing = given.standing
        assert standing.topup_id == begun.topup_id
        return tuple(standing.returns)

    first, again, second = back("r1", 200), back("r1", 200), back("r2", 400)
    assert first == again
    assert [each.amount for each in first + second] == [200, 400]
    assert first[0].reference != second[0].reference
    with pytest.raises(Refused, match="NOT_ENOUGH"):
        back("r3", 1)


@pytest.mark.parametrize(
    ("status", "state", "counted"),
    [("PROCESSING", "pending", 200), ("SUCCESS", "done", 200), ("CLOSED", "failed", 0), ("ABNORMAL", "failed", 0)],
)
def test_a_refund_that_is_asked_for_again_tells_how_it_ended(
    desk: WechatDesk, provider: Provider, begun: Order, status: str, state: str, counted: int
) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference or ""
    for ended in (False, True):
        given = provider.refund(begun.topup_id, reference, "r1", Money(200, "CNY"), Money(600, "CNY"))
        if not ended:
            assert given.state == "pending"
            desk.end_refund(begun.topup_id.hex, status)
    assert (given.state, given.standing.returns[0].amount) == (state, counted)
    assert given.reason == (status if state == "failed" else None)


def test_refunds_of_two_top_ups_with_one_id_are_two(desk: WechatDesk, provider: Provider) -> None:
    references = []
    for wanted in (order(), order()):
        provider.begin(wanted)
        desk.pay(wanted.topup_id.hex)
        reference = _asked(provider, wanted).reference or ""
        given = provider.refund(wanted.topup_id, reference, "r.1:x", Money(200, "CNY"), Money(600, "CNY"))
        references.append(given.standing.returns[0].reference)
    assert len(set(references)) == 2


def test_a_bill_has_what_was_paid_and_what_came_back(
    desk: WechatDesk, provider: Provider, begun: Order, clock: Clock
) -> None:
    desk.pay(begun.topup_id.hex)
    today, tomorrow = date(2026, 11, 30), date(2026, 12, 1)
    (paid,) = provider.list_day(today)
    assert (paid.topup_id, paid.received, paid.differs) == (begun.topup_id, Money(600, "CNY"), ())
    assert paid.reference == _asked(provider, begun).reference
    assert list(provider.list_day(tomorrow)) == []
    clock.go(hours=13)  # 01:00 of the next day in China, and still the same in UTC
    told = desk.give_back(begun.topup_id.hex, 150)
    (back,) = provider.list_day(tomorrow)
    assert (back.topup_id, back.received, back.returns[0].amount) == (begun.topup_id, None, 150)
    assert told.url == begun.notify_url
    desk.end_refund(begun.topup_id.hex, "CLOSED")
    (failed,) = provider.list_day(tomorrow)
    assert failed.returns == (msgspec.structs.replace(back.returns[0], amount=0),)
    assert back.returns[0].at == datetime(2026, 12, 2, tzinfo=CHINA), "the bill follows it to the day's end"


def test_a_bill_that_was_altered_on_its_way_is_not_read(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    desk.damaged_bill = True
    with pytest.raises(Unavailable, match="hash"):
        list(provider.list_day(NOW.date()))


def test_a_bill_of_another_merchant_is_told(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex, "merchant")
    assert [each.differs for each in provider.list_day(NOW.date())] == [("merchant",)]


def test_a_file_elsewhere_is_not_fetched(desk: WechatDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    desk.address = "http://169.254.169.254"
    with pytest.raises(Unavailable, match="elsewhere"):
        list(provider.list_day(NOW.date()))
