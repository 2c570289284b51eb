"""A top-up agrees with its provider's list, or there is something that is not known."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.topup.agreeing import agrees, has_its_money
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.rows import TopupRow
from support.topups import AT, ROW

LATER = AT + timedelta(hours=1)
PAID = msgspec.structs.replace(
    ROW, reference="p", received=600, received_currency="CNY", paid_at=AT, credited_at=AT, refunded=0
)
SIX = Money(600, "CNY")


def paid(**changed: Any) -> TopupRow:
    return msgspec.structs.replace(PAID, **changed)


def listed(**changed: Any) -> Standing:
    told: dict[str, Any] = {"topup_id": ROW.topup_id, "reference": "p", "state": "paid", "at": LATER}
    return Standing(**told | changed)


@pytest.mark.parametrize(
    ("row", "standing", "expected"),
    [
        (PAID, listed(received=SIX), True),
        (PAID, listed(received=Money(1, "CNY")), False),
        (PAID, listed(received=Money(600, "USD")), False),
        (paid(channel="store"), listed(received=Money(99, "USD")), True),
        (ROW, listed(received=SIX), False),
        (ROW, listed(state="open"), True),
        (PAID, listed(refunded=100), False),
        (paid(refunded=100), listed(refunded=100), True),
        (paid(refunded=100), listed(refunded=0), False),
        (paid(refunded=100, told={"refunded": LATER + timedelta(1)}), listed(refunded=0), True),
        (PAID, listed(disputed=600), False),
        (PAID, listed(lost=600), False),
        (PAID, listed(returns=(Return(reference="r", amount=100),)), False),
        (
            paid(refunded=100, returns=(Return(reference="r", amount=100),)),
            listed(returns=(Return(reference="r", amount=100),)),
            True,
        ),
        (
            paid(refunded=100, returns=(Return(reference="r", amount=100),)),
            listed(returns=(Return(reference="other", amount=100),)),
            False,
        ),
        (
            paid(refunded=100, returns=(Return(reference="r", amount=100),)),
            listed(returns=(Return(reference="r", amount=0),)),
            False,
        ),
        (PAID, listed(returns=(Return(reference="r", amount=0),)), False),
        (
            paid(returns=(Return(reference="r", amount=0, at=LATER),)),
            listed(returns=(Return(reference="r", amount=100, at=AT),)),
            True,
        ),
        (
            paid(returns=(Return(reference="r", amount=0, at=AT),)),
            listed(returns=(Return(reference="r", amount=100, at=LATER),)),
            False,
        ),
    ],
)
def test_only_what_is_not_known_is_a_difference(row: TopupRow, standing: Standing, expected: bool) -> None:
    assert agrees(row, standing, LATER) == expected


def test_the_money_that_came_is_compared_and_not_the_agreed_one() -> None:
    accepted = paid(received=601, differs=("amount",), decided="accepted")
    assert has_its_money(accepted, listed(received=Money(601, "CNY")))
    assert not has_its_money(accepted, listed(received=SIX))
    assert has_its_money(accepted, listed())
