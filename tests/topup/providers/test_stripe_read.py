"""Stripe's events: which are believed, and what they say."""

from collections.abc import Iterator

import pytest

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Forged, Order, Provider
from lingdang.topup.providers.stripe import Account, make
from proof.standin.faults import Break
from proof.standin.stripe import SECRET_KEY, WEBHOOK_SECRET, StripeDesk
from support.providers import NOW, Clock, changed, order, refused, served, told


@pytest.fixture
def desk(clock: Clock) -> StripeDesk:
    return StripeDesk(clock)


@pytest.fixture
def provider(desk: StripeDesk) -> Iterator[Provider]:
    with served("stripe", desk.answer) as address:
        yield make(_account(address))


@pytest.fixture
def begun(provider: Provider) -> Order:
    wanted = order()
    provider.begin(wanted)
    return wanted


def _account(address: str, **more: object) -> Account:
    return Account(**{"secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET, "api": address} | more)  # type: ignore[arg-type]


def test_a_completed_page_is_a_payment(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    notification = told(provider, desk.pay(begun.topup_id.hex))
    standing = notification.standing
    assert standing is not None
    assert (notification.type, notification.at, notification.ask) == ("checkout.session.completed", NOW, False)
    assert (standing.topup_id, standing.state, standing.received) == (begun.topup_id, "paid", Money(600, "CNY"))
    assert standing.reference is not None
    assert standing.reference.startswith("pi_")
    assert (standing.test, standing.differs) == (True, ())


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
def test_a_forged_event_is_refused(desk: StripeDesk, provider: Provider, begun: Order, how: Break, reason: str) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert refused(provider, desk.broken(message, how)) == reason
    assert told(provider, message).standing is not None


@pytest.mark.parametrize(
    "header", ["", "t=", "v1=00", "t=x,v1=00", "t=1764475200", "t=1764475200,v0=00", ",=,", "t=1764475200,v1=é"]
)
def test_a_header_that_signs_nothing_is_refused(
    desk: StripeDesk, provider: Provider, begun: Order, header: str
) -> None:
    message = changed(desk.pay(begun.topup_id.hex), stripe_signature=header)
    assert refused(provider, message) in ("signature", "timestamp")


def test_the_time_that_was_signed_is_the_one_that_counts(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    stale = desk.broken(desk.pay(begun.topup_id.hex), "stale")
    signed = stale.headers["stripe-signature"]
    now = f"t={int(NOW.timestamp())}"
    assert refused(provider, changed(stale, stripe_signature=f"{signed},{now}")) == "timestamp"
    assert refused(provider, changed(stale, stripe_signature=f"{now},{signed}")) == "signature"


def test_a_secret_that_is_rolled_still_holds_and_another_does_not(desk: StripeDesk, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    rolled = make(
        _account("http://127.0.0.1:9", webhook_secret="whsec_new_00000000000", webhook_secret_before=WEBHOOK_SECRET)
    )
    assert told(rolled, message).standing is not None
    other = make(_account("http://127.0.0.1:9", webhook_secret="whsec_new_00000000000"))
    assert refused(other, message) == "signature"


def test_a_repeat_has_the_same_id(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    message = desk.pay(begun.topup_id.hex)
    assert told(provider, message) == told(provider, message)
    assert told(provider, message).id != told(provider, desk.give_back(begun.topup_id.hex, 1)).id


def test_another_account_is_told(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    standing = told(provider, desk.pay(begun.topup_id.hex, "merchant")).standing
    assert standing is not None
    assert standing.differs == ("merchant",)


def test_a_connected_account_is_the_one_that_was_named(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    connected = make(_account("http://127.0.0.1:9", account_id="acct_other"))
    standing = told(connected, desk.pay(begun.topup_id.hex, "merchant")).standing
    assert standing is not None
    assert standing.differs == ()


def test_play_money_at_an_account_of_real_money_is_told(desk: StripeDesk, begun: Order) -> None:
    live = make(_account("http://127.0.0.1:9", secret_key="sk_live_0000000000"))
    standing = told(live, desk.pay(begun.topup_id.hex)).standing
    assert standing is not None
    assert (standing.test, standing.differs) == (True, ("environment",))


def test_another_amount_currency_and_order_are_told_as_they_are(desk: StripeDesk, provider: Provider) -> None:
    for wrong, received in (
        ("amount", Money(599, "CNY")),
        ("currency", Money(600, "USD")),
        ("order", Money(600, "CNY")),
    ):
        wanted = order()
        provider.begin(wanted)
        standing = told(provider, desk.pay(wanted.topup_id.hex, wrong)).standing  # type: ignore[arg-type]
        assert standing is not None
        assert standing.received == received
        assert (standing.topup_id == wanted.topup_id) is (wrong != "order")


def test_yen_have_no_hundredths(desk: StripeDesk, provider: Provider) -> None:
    wanted = order(600, "JPY")
    provider.begin(wanted)
    standing = told(provider, desk.pay(wanted.topup_id.hex)).standing
    assert standing is not None
    assert standing.received == Money(600, "JPY")


def test_money_that_takes_days_is_no_payment_yet(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    slow = told(provider, desk.begin_slowly(begun.topup_id.hex))
    assert slow.standing is not None
    assert (slow.standing.state, slow.standing.received, slow.ask) == ("open", None, True)
    paid = told(provider, desk.end_slowly(begun.topup_id.hex, well=True)).standing
    assert paid is not None
    assert (paid.state, paid.received) == ("paid", Money(600, "CNY"))


def test_an_expired_page_is_closed(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    standing = told(provider, desk.expire(begun.topup_id.hex)).standing
    assert standing is not None
    assert (standing.state, standing.received) == ("closed", None)


def test_refunds_are_told_as_their_sum(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    desk.pay(begun.topup_id.hex)
    first, second = desk.give_back(begun.topup_id.hex, 100), desk.give_back(begun.topup_id.hex, 500)
    sums = [standing.refunded for message in (second, first) if (standing := told(provider, message).standing)]
    assert sums == [600, 100]


def test_a_failed_refund_and_a_dispute_are_asked_about(desk: StripeDesk, provider: Provider, begun: Order) -> None:
    number = begun.topup_id.hex
    paid = told(provider, desk.pay(number)).standing
    desk.give_back(number, 100)
    for message in (desk.fail_refund(number), desk.dispute(number), desk.settle(number, won=False)):
        notification = told(provider, message)
        assert notification.ask
        assert notification.standing is not None
        assert paid is not None
        assert (notification.standing.topup_id, notification.standing.reference) == (None, paid.reference)
        assert (notification.standing.refunded, notification.standing.disputed) == (None, None)


def test_what_others_sell_through_the_account_is_of_no_consequence(desk: StripeDesk, provider: Provider) -> None:
    assert told(provider, desk.sell_elsewhere()).standing is None
    assert told(provider, desk.sell_elsewhere(by_page=True)).standing is None
    strange = {
        "id": "evt_1",
        "object": "event",
        "type": "payout.paid",
        "created": int(NOW.timestamp()),
        "livemode": False,
    }
    message = desk.signed({**strange, "data": {"object": {"object": "payout", "id": "po_1"}}})
    assert told(provider, message).standing is None


@pytest.mark.parametrize("event", [{}, [], {"object": "v2.core.event", "id": "evt_1"}])
def test_a_signed_body_that_is_no_event_is_refused(desk: StripeDesk, provider: Provider, event: object) -> None:
    assert refused(provider, desk.signed(event)) == "unreadable"


def test_an_object_that_is_no_event_is_refused(desk: StripeDesk, provider: Provider) -> None:
    like = {
        "id": "x",
        "object": "list",
        "type": "x",
        "created": 1,
        "livemode": False,
        "data": {"object": {"object": "charge"}},
    }
    with pytest.raises(Forged, match="no event"):
        told(provider, desk.signed(like))


def test_it_hears_whether_a_notification_was_taken(provider: Provider) -> None:
    assert provider.reply(True).status == 200
    assert provider.reply(False).status >= 400
