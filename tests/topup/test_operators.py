"""What operators see of a top-up, and what they may decide of money that is not what was agreed."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from lingdang.errors import Problem
from lingdang.identity.customers import ERASED
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.paging import Window
from lingdang.topup.comparing import _flagged
from lingdang.topup.money import Money
from lingdang.topup.operators import Decision, Desk, _decided
from lingdang.topup.providers.provider import GivenBack, Refused
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.refunds import RETURN
from lingdang.topup.rows import NOBODY, TopupRow
from support.till import Till, till_of

TEN = Window(10, None)


@pytest.fixture
def desk(till: Till) -> Desk:
    return till.topups.desk()


async def in_review(till: Till) -> TopupRow:
    """More money than was agreed."""
    row = await till.play(await till.begun(), "wrong_amount")
    assert (row.status, row.received) == ("review", 601)
    return row


async def why_not(desk: Desk, row: TopupRow, decision: Decision) -> str:
    with pytest.raises(Problem) as refused:
        await desk.decide(row.topup_id, decision)
    assert refused.value.code == "topup_undecided"
    return str(refused.value.members["reason"])


async def test_what_is_accepted_is_credited_as_agreed_once_and_cannot_be_returned_then(till: Till, desk: Desk) -> None:
    row = await in_review(till)
    for _ in range(2):
        told = await desk.decide(row.topup_id, "accept")
        assert (told.decided, told.status) == ("accepted", "paid")
    assert await why_not(desk, row, "return") == "not_in_review"
    assert till.bells() == [("topup", 660, 660)]
    assert told.left is not None
    assert (told.left.left, told.left.spent, told.left.consumed) == (660, 0, 0)


async def test_what_is_returned_is_what_did_not_go_back_already(till: Till, desk: Desk) -> None:
    row = await till.play(await in_review(till), "refund:100")
    told = await desk.decide(row.topup_id, "return")
    assert (told.refunded, [each.amount for each in told.refunds]) == (601, [501])


async def test_what_is_returned_goes_back_whole_once_and_is_never_credited(till: Till, desk: Desk) -> None:
    row = await in_review(till)
    for _ in range(2):
        told = await desk.decide(row.topup_id, "return")
        assert (told.decided, told.refunded, told.left) == ("returned", 601, None)
        assert [(each.refund_id, each.amount, each.status) for each in told.refunds] == [(RETURN, 601, "done")]
    assert await why_not(desk, row, "accept") == "not_in_review"
    assert till.bells() == []


class Unwilling(Sandbox):
    """Gives nothing back while it is so, as Apple never does."""

    unwilling = True

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        if self.unwilling:
            raise Refused("store")
        return super().refund(topup_id, reference, refund_id, amount, received)


@pytest.fixture
async def unwilling(database_url: str, keyring: Keyring) -> AsyncIterator[tuple[Till, Unwilling]]:
    sandbox = Unwilling("sandbox", database_url, keyring, "")
    async with till_of(database_url, keyring, sandbox=sandbox) as till:
        yield till, sandbox


@pytest.mark.parametrize("then", ["accept", "return"])
async def test_a_return_that_the_provider_refuses_is_undecided_again(
    unwilling: tuple[Till, Unwilling], then: Decision
) -> None:
    till, sandbox = unwilling
    desk = till.topups.desk()
    row = await in_review(till)
    told = await desk.decide(row.topup_id, "return")
    assert (told.decided, told.status, told.refunds[0].refused) == (None, "review", "store")
    sandbox.unwilling = False
    told = await desk.decide(row.topup_id, then)
    if then == "accept":
        assert (told.status, told.refunded, till.bells()) == ("paid", 0, [("topup", 660, 660)])
    else:
        assert (told.status, told.refunded, till.bells()) == ("refunded", 601, [])
        assert [(each.refund_id, each.status) for each in told.refunds] == [
            (RETURN, "refused"),
            (f"{RETURN}/2", "done"),
        ]


async def test_a_return_is_carried_on_when_who_decided_it_ended_at_once(till: Till) -> None:
    row = await in_review(till)
    await till.topups.following.decide(row.topup_id, lambda found: _decided(found, "return"))
    till.hands.forward(61)
    await till.topups.returning.run("sandbox")
    assert (await till.found(row)).refunded == 601


async def test_what_a_dispute_holds_is_returned_once_it_is_won(till: Till, desk: Desk) -> None:
    row = await till.play(await in_review(till), "dispute")
    told = await desk.decide(row.topup_id, "return")
    assert (told.decided, told.refunds) == ("returned", [])
    await till.play(row, "dispute_won")
    till.hands.forward(61)
    await till.topups.returning.run("sandbox")
    told = await desk.shown(row.topup_id)
    assert (told.status, told.refunded, till.bells()) == ("refunded", 601, [])


async def test_what_was_decided_of_missing_money_is_not_decided_of_the_money_that_comes(till: Till, desk: Desk) -> None:
    row = await till.begun()
    await till.topups.following.decide(row.topup_id, _flagged)
    assert (await desk.decide(row.topup_id, "return")).decided == "returned"
    after = await till.play(row, "pay")
    assert (after.status, after.differs, after.decided) == ("paid", (), None)
    assert till.bells() == [("topup", 660, 660)]


async def test_only_what_is_in_review_is_decided_and_nobodys_money_is_not_accepted(till: Till, desk: Desk) -> None:
    assert await why_not(desk, await till.paid(), "accept") == "not_in_review"
    assert await why_not(desk, await till.begun(), "return") == "not_in_review"
    stray = await till.insert(
        customer=NOBODY, reference="x", received=600, received_currency="CNY", differs=("unknown",)
    )
    assert await why_not(desk, stray, "accept") == "of_nobody"
    elsewhere = await till.insert(
        paid=0, bonus=0, reference="y", received=600, received_currency="CNY", differs=("unknown",)
    )
    assert await why_not(desk, elsewhere, "accept") == "no_bells"
    assert till.bells() == [("topup", 660, 660)], "of the one that was paid"
    with pytest.raises(Problem, match="not_found"):
        await desk.decide(uuid7(), "accept")


async def test_the_refund_id_of_a_decision_is_no_operators_to_use(till: Till, desk: Desk) -> None:
    row = await till.paid()
    with pytest.raises(Problem, match="idempotency_mismatch"):
        await desk.give_back(row.topup_id, RETURN, 1)
    given = await desk.give_back(row.topup_id, "r-1", 60)
    assert (given.amount, given.currency, given.status) == (60, "CNY", "done")
    told = await desk.shown(row.topup_id)
    assert (told.refunds, told.refunded) == ([given], 60)
    assert [each.type for each in told.heard][-1] == "pay", "what was told, the oldest last"


async def test_a_list_tells_whose_each_is_but_of_the_erased_and_of_nobody(till: Till, desk: Desk) -> None:
    for cust_id in ("ann", "bob"):
        await till.begun(cust_id)
    await till.insert(customer=NOBODY, reference="x")
    till.sql(f"UPDATE customer SET customer_id = '{ERASED}1' WHERE customer_id = 'bob'")
    found = await desk.listed(None, None, TEN)
    assert [each.cust_id for each in found.items] == [None, None, "ann"]
    first = await desk.listed("pending", None, Window(2, None))
    rest = await desk.listed("pending", None, Window(2, first.items[-1].topup_id))
    assert [*first.items, *rest.items] == found.items
    assert (first.next_cursor is None, rest.next_cursor) == (False, None)
    assert (await desk.listed("paid", None, TEN)).items == []
