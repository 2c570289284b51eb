"""Stripe's API: pages, what became of them, money back, and a day's list."""

from collections.abc import Iterator

import msgspec
import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Order, Provider, Refused, Standing
from lingdang.topup.providers.stripe import Account, make
from proof.standin.stripe import SECRET_KEY, WEBHOOK_SECRET, StripeDesk
from support.providers import NOW, Clock, order, served


@pytest.fixture
def desk(clock: Clock) -> StripeDesk:
    return StripeDesk(clock)


@pytest.fixture
def provider(desk: StripeDesk) -> Iterator[Provider]:
    with served("stripe", desk.answer) as address:
        yield make(Account(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api=address))


@pytest.fixture
def begun(provider: Provider) -> Order:
    wanted = order()
    provider.begin(wanted)
    return wanted


def _asked(provider: Provider, begun: Order, reference: str | None = None) -> Standing:
    standing = provider.ask(begun.topup_id, reference)
    assert standing is not None
    return msgspec.structs.replace(standing, at=NOW)  # it is the moment of the answer


def test_a_page_is_opened_once_however_often_it_is_begun(provider: Provider) -> None:
    wanted = order()
    first, again = provider.begin(wanted), provider.begin(wanted)
    assert first == again
    assert first.action.kind == "redirect"
    assert first.action.url
    assert first.reference is not None
    assert first.reference.startswith("cs_")


def test_the_same_top_up_with_another_price_is_refused(provider: Provider, begun: Order) -> None:
    with pytest.raises(Refused):
        provider.begin(order(601, topup_id=begun.topup_id))


def test_a_page_must_lead_back(provider: Provider) -> None:
    with pytest.raises(Refused, match="return_url"):
        provider.begin(order(return_url=None))


def test_it_is_found_by_its_page_by_its_payment_and_by_our_number(
    desk: StripeDesk, provider: Provider, begun: Order
) -> None:
    opened = _asked(provider, begun)
    assert (opened.state, opened.received) == ("open", None)
    desk.pay(begun.topup_id.hex)
    paid = _asked(provider, begun, opened.reference)
    assert (paid.state, paid.received, paid.topup_id) == ("paid", Money(600, "CNY"), begun.topup_id)
    assert _asked(provider, begun, paid.reference) == _asked(provider, begun) == paid


def test_what_it_does_not_know_is_none(provider: Provider, begun: Order) -> None:
    stranger = order()
    assert provider.ask(stranger.topup_id, None) is None
    assert provider.ask(stranger.topup_id, "cs_nobody") is None
    assert provider.ask(stranger.topup_id, "pi_nobody") is None
    assert provider.close(stranger.topup_id, None) is None


def test_a_closed_page_takes_no_money(provider: Provider, begun: Order) -> None:
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert closed.state == "closed"
    assert (again := provider.close(begun.topup_id, closed.reference)) is not None
    assert again.state == "closed"


def test_a_close_that_comes_after_a_payer_says_paid(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    desk.before_close = desk.pay
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert (closed.state, closed.received) == ("paid", Money(600, "CNY"))
    assert (again := provider.close(begun.topup_id, closed.reference)) is not None
    assert again.received == Money(600, "CNY")


def test_money_that_takes_days_cannot_be_closed_and_may_fail(
    desk: StripeDesk, provider: Provider, begun: Order
) -> None:
    desk.begin_slowly(begun.topup_id.hex)
    closed = provider.close(begun.topup_id, None)
    assert closed is not None
    assert closed.state == "open"
    desk.end_slowly(begun.topup_id.hex, well=False)
    assert _asked(provider, begun).state == "closed"


def test_money_goes_back_once_for_each_refund(desk: StripeDesk, provider: Provider, begun: Order, clock: Clock) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference
    assert reference is not None
    back = lambda refund_id, amount: provider.refund(  # noqa: E731
        begun.topup_id, reference, refund_id, Money(amount, "CNY"), Money(600, "CNY")
    )
    assert back("r1", 200).standing.refunded == 200
    clock.go(days=30)
    assert back("r1", 200).standing.refunded == 200
    assert back("r2", 400).standing.refunded == 600
    with pytest.raises(Refused, match="charge_already_refunded"):
        back("r3", 1)


def test_a_refund_after_its_key_was_forgotten_goes_back_once(
    desk: StripeDesk, provider: Provider, begun: Order
) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference
    assert reference is not None
    for _ in range(2):
        given = provider.refund(begun.topup_id, reference, "r1", Money(200, "CNY"), Money(600, "CNY"))
        assert (given.state, given.standing.refunded) == ("done", 200)
        desk.forget_keys()


def test_a_refund_that_failed_is_not_made_again(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    reference = _asked(provider, begun).reference or ""
    ask = lambda: provider.refund(begun.topup_id, reference, "r1", Money(200, "CNY"), Money(600, "CNY"))  # noqa: E731
    assert ask().state == "done"
    desk.fail_refund(begun.topup_id.hex)
    given = ask()
    assert (given.state, given.reason, given.standing.refunded) == ("failed", "failed", 0)


def test_a_failed_refund_is_not_counted(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    number = begun.topup_id.hex
    desk.pay(number)
    desk.give_back(number, 200)
    assert _asked(provider, begun).refunded == 200
    desk.fail_refund(number)
    assert _asked(provider, begun).refunded == 0


def test_disputes_are_held_won_and_lost(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    number = begun.topup_id.hex
    desk.pay(number)
    held = lambda: ((standing := _asked(provider, begun)).disputed, standing.lost)  # noqa: E731
    assert held() == (0, 0)
    desk.dispute(number, inquiry=True)
    assert held() == (0, 0)
    desk.dispute(number, 250)
    assert held() == (250, 0)
    desk.settle(number, won=True)
    assert held() == (0, 0)
    desk.dispute(number)
    assert held() == (600, 0)
    desk.settle(number, won=False)
    assert held() == (0, 600)


def test_a_day_has_what_was_paid_and_what_came_back(
    desk: StripeDesk, provider: Provider, begun: Order, clock: Clock
) -> None:
    desk.pay(begun.topup_id.hex)
    desk.sell_elsewhere()
    today, tomorrow = NOW.date(), NOW.replace(month=12, day=1).date()
    assert [(each.topup_id, each.refunded) for each in provider.list_day(today)] == [(begun.topup_id, 0)]
    assert list(provider.list_day(tomorrow)) == []
    clock.go(days=1)
    desk.give_back(begun.topup_id.hex, 100)
    desk.give_back(begun.topup_id.hex, 50)
    desk.dispute(begun.topup_id.hex, 300)
    listed = [(each.topup_id, each.refunded, each.disputed) for each in provider.list_day(tomorrow)]
    assert listed == [(begun.topup_id, 150, 300)]


def test_a_day_of_many_pages_is_whole(desk: StripeDesk, provider: Provider) -> None:
    wanted = [order() for _ in range(205)]
    for each in wanted:
        provider.begin(each)
        desk.pay(each.topup_id.hex)
    assert {each.topup_id for each in provider.list_day(NOW.date())} == {each.topup_id for each in wanted}
