"""Alipay's API: pages, what became of them, money back, and a day's bill."""

from collections.abc import Iterator
from datetime import date

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.alipay import make
from lingdang.topup.providers.checks import asked_now
from lingdang.topup.providers.provider import Order, Provider, Refused, Return, Standing, Unavailable
from lingdang.topup.strays import payment_id
from proof.standin.alipay import AlipayDesk
from proof.standin.keys import public_pem, rsa_key
from support.alipay import account
from support.providers import Clock, order, served


@pytest.fixture
def desk(clock: Clock) -> AlipayDesk:
    return AlipayDesk(clock)


@pytest.fixture
def provider(desk: AlipayDesk) -> Iterator[Provider]:
    with served("alipay", desk.answer) as address:
        desk.address = address
        yield make(account(address))


@pytest.fixture
def begun(desk: AlipayDesk, provider: Provider) -> Order:
    wanted = order()
    desk.open(provider.begin(wanted).action.url or "")
    return wanted


def _asked(provider: Provider, begun: Order) -> Standing:
    standing = provider.ask(begun.topup_id, None)
    assert standing is not None
    return standing


def test_a_page_is_an_address_with_a_signed_request(desk: AlipayDesk, provider: Provider) -> None:
    wanted = order()
    first, again = provider.begin(wanted), provider.begin(wanted)
    assert first.action.kind == again.action.kind == "redirect"
    assert first.reference is None
    assert desk.open(first.action.url or "") == desk.open(again.action.url or "") == wanted.topup_id.hex


def test_an_address_that_was_altered_opens_nothing(desk: AlipayDesk, provider: Provider) -> None:
    wanted = order()
    url = provider.begin(wanted).action.url or ""
    desk.open(url.replace("6.00", "0.01"))
    assert provider.ask(wanted.topup_id, None) is None


def test_a_page_ends_with_the_top_up(desk: AlipayDesk, provider: Provider, clock: Clock) -> None:
    url = provider.begin(order()).action.url or ""
    clock.go(minutes=31)
    with pytest.raises(AssertionError, match="expired"):
        desk.open(url)


def test_another_currency_than_yuan_is_refused(provider: Provider) -> None:
    with pytest.raises(Refused, match="currency"):
        provider.begin(order(600, "USD"))


def test_it_is_found_by_our_number(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    opened = _asked(provider, begun)
    assert (opened.state, opened.received) == ("open", None)
    desk.pay(begun.topup_id.hex)
    paid = _asked(provider, begun)
    assert (paid.state, paid.received, paid.refunded) == ("paid", Money(600, "CNY"), None)
    assert (paid.topup_id, paid.reference) == (begun.topup_id, opened.reference)


def test_a_payment_of_no_top_up_is_found_by_its_own_id(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    paid = _asked(provider, begun)
    for reference, found in ((paid.reference, paid.reference), ("nobody's", None)):
        standing = provider.ask(payment_id("shop", str(reference)), reference)
        assert (None if standing is None else standing.reference) == found


def test_what_nobody_has_opened_is_unknown(provider: Provider) -> None:
    wanted = order()
    provider.begin(wanted)
    assert provider.ask(wanted.topup_id, None) is None
    assert provider.close(wanted.topup_id, None) is None


def test_a_closed_page_takes_no_money(provider: Provider, begun: Order) -> None:
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert (closed.state, closed.received) == ("closed", None)


def test_a_close_that_comes_after_a_payer_says_paid(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    desk.before_close = desk.pay
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert (closed.state, closed.received) == ("paid", Money(600, "CNY"))


def test_money_goes_back_once_for_each_refund(desk: AlipayDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference
    assert reference is not None

    def back(refund_id: str, amount: int) -> int | None:
        given = provider.refund(begun.topup_id, reference, refund_id, Money(amount, "CNY"), Money(600, "CNY"))
        standing = given.standing
        assert (standing.state, standing.topup_id) == ("paid", begun.topup_id)
        return standing.refunded

    assert [back("r1", 200), back("r1", 200), back("r2", 400)] == [200, 200, 600]
    with pytest.raises(Refused, match=r"ACQ\."):
        back("r3", 1)
    whole = _asked(provider, begun)
    assert (whole.state, whole.received, whole.refunded) == ("paid", Money(600, "CNY"), 600)


def test_a_refund_that_alipay_does_not_confirm_is_asked_for_again(
    desk: AlipayDesk, provider: Provider, begun: Order
) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference or ""
    ask = lambda: provider.refund(begun.topup_id, reference, "r1", Money(200, "CNY"), Money(600, "CNY"))  # noqa: E731
    desk.slow = True
    with pytest.raises(Unavailable):
        ask()
    desk.slow = False
    for _ in range(2):
        assert (ask().state, ask().standing.refunded) == ("done", 200)


def test_a_bill_has_what_was_paid_and_what_came_back(
    desk: AlipayDesk, provider: Provider, begun: Order, clock: Clock
) -> None:
    desk.pay(begun.topup_id.hex)
    today, tomorrow = date(2026, 11, 30), date(2026, 12, 1)
    (paid,) = provider.list_day(today)
    assert (paid.topup_id, paid.received, paid.returns, paid.proven) == (begun.topup_id, Money(600, "CNY"), (), False)
    assert paid.reference == _asked(provider, begun).reference
    assert list(provider.list_day(tomorrow)) == []
    clock.go(hours=13)  # 01:00 of the next day in China, and still the same in UTC
    desk.give_back(begun.topup_id.hex, 150)
    asked_at = asked_now()
    (back,) = provider.list_day(tomorrow)
    assert (back.topup_id, back.received) == (begun.topup_id, None)
    (returned,) = back.returns
    assert (returned.reference, returned.amount, back.proven) == ("console-3", 150, True)
    assert returned.at is not None
    assert returned.at >= asked_at


def test_a_refund_on_the_bill_that_alipay_does_not_know_proves_nothing(
    desk: AlipayDesk, provider: Provider, begun: Order
) -> None:
    desk.pay(begun.topup_id.hex)
    desk.invent(begun.topup_id.hex, 600)
    _, invented = provider.list_day(date(2026, 11, 30))
    assert (invented.returns, invented.proven) == ((Return(reference="invented", amount=600),), False)


def test_keys_of_another_kind_are_no_keys() -> None:
    private, public = account("").private_key, account("").alipay_public_key
    with pytest.raises(ValueError, match="key"):
        make(account("", private_key=public))
    with pytest.raises(ValueError, match="key"):
        make(account("", alipay_public_key=private))
    assert public_pem(rsa_key("alipay").public_key()) == public
