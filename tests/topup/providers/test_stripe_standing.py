"""What Stripe's objects say of a payment, where a test of its API cannot lead."""

from lingdang.topup.money import Money
from lingdang.topup.providers.stripe_objects import Charge, Dispute, Session
from lingdang.topup.providers.stripe_standing import of_charge, of_page
from support.providers import NOW, order

NUMBER = order().topup_id


def _charge(**values: object) -> Charge:
    usual = {"id": "ch_1", "status": "succeeded", "livemode": True, "amount_captured": 600, "amount_refunded": 0}
    usual |= {"currency": "cny", "payment_intent": "pi_1", "metadata": {"topupId": str(NUMBER)}}
    return Charge(**usual | values)  # type: ignore[arg-type]


def test_a_charge_that_failed_is_no_payment() -> None:
    assert of_charge(_charge(status="failed"), None, NOW) is None
    assert of_charge(_charge(payment_intent=None), None, NOW) is None


def test_a_dispute_in_another_currency_holds_everything() -> None:
    dispute = Dispute(id="du_1", amount=1, currency="usd", status="needs_response")
    standing = of_charge(_charge(), [dispute], NOW)
    assert standing is not None
    assert (standing.disputed, standing.lost) == (600, 0)


def test_disputes_together_hold_no_more_than_was_received() -> None:
    disputes = [Dispute(id=f"du_{n}", amount=400, currency="cny", status="lost") for n in range(2)]
    standing = of_charge(_charge(), disputes, NOW)
    assert standing is not None
    assert (standing.disputed, standing.lost) == (0, 600)


def test_a_page_that_asked_for_nothing_is_paid_with_nothing() -> None:
    page = Session(
        id="cs_1",
        status="complete",
        payment_status="no_payment_required",
        livemode=True,
        amount_total=0,
        currency="cny",
        client_reference_id=str(NUMBER),
    )
    assert (of_page(page, NOW).state, of_page(page, NOW).received) == ("paid", Money(0, "CNY"))
