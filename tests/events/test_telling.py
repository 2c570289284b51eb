"""A row of the journal becomes one event; what follows from a row is told behind it."""

from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from lingdang.events import kinds
from lingdang.events.event import encode, event_id
from lingdang.events.telling import JournalRow, NoticeRow, Place, UnknownKindError, tell, tell_low
from lingdang.ledger import (
    adjusting,
    crediting,
    expiring,
    granting,
    paying,
    redeeming,
    refunding,
    reversing,
    taken,
    taking_back,
    topping_up,
)
from lingdang.ledger.rules import Command
from lingdang.ledger.state import Row

AT = datetime(2026, 11, 29, 8, tzinfo=UTC)
PLACE = Place(0, 70, 1, 7, "ann")
SPENT = Row(
    customer=4711,
    currency="BELL",
    seq=3,
    kind=adjusting.KIND,
    amount=-30,
    balance=80,
    at=AT,
    accounts=["wallet:bonus@2026-12-31T00:00:00.000Z", "wallet:paid", "adjustment"],
    amounts=[-10, -20, 30],
    cause=UUID(int=1),
    detail=msgspec.Raw(b'{"adjustmentId":"a-1","reason":"audit","note":"for us alone"}'),
)


def test_a_row_is_told_with_whose_it_is_and_where_it_stands() -> None:
    assert msgspec.json.decode(encode(tell(JournalRow(PLACE, SPENT)))) == {
        "id": event_id(7, 4711, 3),
        "type": "wallet.adjusted",
        "time": "2026-11-29T08:00:00Z",
        "custId": "ann",
        "seq": 3,
        "position": "70",
        "data": {
            "adjustmentId": "a-1",
            "reason": "audit",
            "currency": "BELL",
            "amount": -30,
            "balance": 80,
            "lots": [
                {"kind": "bonus", "amount": -10, "expiresAt": "2026-12-31T00:00:00Z"},
                {"kind": "paid", "amount": -20},
            ],
        },
    }


def test_an_id_names_one_fact() -> None:
    """Another epoch, customer or row is another id; the same is the same."""
    told = [event_id(*named) for named in ((7, 4711, 3), (8, 4711, 3), (7, 471, 13), (7, 4711, 4), (7, 4711, 3))]
    assert told[0] == told[-1]
    assert len(set(told)) == 4
    assert all(name.startswith("evt_") and len(name) == 36 for name in told)


def test_who_was_erased_is_told_as_such() -> None:
    event = tell(JournalRow(Place(0, 70, 1, 7, "erased 5f7c"), SPENT))
    assert (event.cust_id, event.erased) == (None, "5f7c")
    assert event.id == event_id(7, 4711, 3), "it is the same fact"


def test_another_bucket_stands_in_the_position() -> None:
    assert tell(JournalRow(Place(2, 70, 1, 7, "ann"), SPENT)).position == "2:70"


@pytest.mark.parametrize(("threshold", "told"), [(80, False), (81, True), (110, True), (111, False)])
def test_a_wallet_is_low_once_it_falls_below(threshold: int, told: bool) -> None:
    """From 110 to 80: not below 80, and it was below 111 before."""
    event = tell_low(JournalRow(PLACE, SPENT), {"BELL": threshold})
    assert (event is not None) == told
    if event is not None:
        assert (event.type, event.cust_id, event.seq, event.position) == ("wallet.low", "ann", None, "70")
        assert event.data == kinds.WalletLow(currency="BELL", balance=80, threshold=threshold)


def test_a_wallet_is_low_by_its_own_currency() -> None:
    assert tell_low(JournalRow(PLACE, SPENT), {"GEM": 100}) is None
    one, other = (tell_low(JournalRow(PLACE, SPENT), {"BELL": each}) for each in (90, 100))
    assert one is not None
    assert other is not None
    assert one.id != other.id, "below another threshold is another fact"


def test_nobody_reads_past_what_is_not_known() -> None:
    row = msgspec.structs.replace(SPENT, kind="lottery")
    with pytest.raises(UnknownKindError, match="position 70: a row of the kind lottery"):
        tell(JournalRow(PLACE, row))
    with pytest.raises(UnknownKindError, match=r"position 70: a notice of the type lottery"):
        tell(NoticeRow(PLACE, 4711, "lottery", "1", AT, "{}"))


def test_a_notice_is_told_by_its_key() -> None:
    data = kinds.EndpointPaused(endpoint_id="main", reason="gone")
    event = tell(NoticeRow(Place(0, 70, 1, 7, None), 0, kinds.PAUSED, "main 1", AT, encode(data).decode()))
    assert (event.cust_id, event.seq, event.data) == (None, None, data)
    assert event.id == event_id(7, 0, kinds.PAUSED, "main 1")


KINDS_OF = {
    paying.Pay: {paying.KIND},
    crediting.Credit: {crediting.KIND},
    topping_up.TopUp: {topping_up.KIND},
    taking_back.TakeBack: {taken.TAKEBACK, taken.GIVEBACK, taken.FREEZE, taken.RELEASE},
    redeeming.Redeem: {redeeming.KIND},
    adjusting.Adjust: {adjusting.KIND},
    refunding.Refund: {refunding.KIND},
    granting.Grant: {granting.GRANT},
    granting.Revoke: {granting.REVOCATION},
    expiring.Expire: {"expiry"},
    reversing.Reverse: {reversing.KIND},
}
"""What each command writes; what has lapsed is booked out by any of them."""


def test_every_command_of_the_ledger_is_told() -> None:
    assert set(get_args(Command)) == KINDS_OF.keys(), "a new command has to be told, or to be said to write nothing"
    assert set().union(*KINDS_OF.values()) == kinds.KINDS.keys()
