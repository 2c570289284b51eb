"""Bells that an operator's decision brought are known to their top-up, whenever its process ended."""

import pytest

from lingdang.topup.accepted import Accepted
from lingdang.topup.following import Following
from lingdang.topup.operators import _decided
from lingdang.topup.rows import TopupRow
from support.till import Till


async def half_accepted(till: Till) -> TopupRow:
    """One in review whose bells came, and no more."""

    def end(point: str) -> None:
        if point == "credit":
            raise RuntimeError("killed")

    row = await till.play(await till.begun(), "wrong_amount")
    parts = till.topups
    dying = Following(parts.pool, parts.settlement, parts.inbox, till.hands, 1, reached=end)
    with pytest.raises(RuntimeError, match="killed"):
        await dying.decide(row.topup_id, lambda found: _decided(found, "accept"))
    return await till.found(row)


@pytest.fixture
def accepted(till: Till) -> Accepted:
    return Accepted(till.topups.pool, till.topups.following)


async def test_a_decision_whose_bells_came_is_written_down(till: Till, accepted: Accepted) -> None:
    row = await half_accepted(till)
    assert (row.status, till.bells()) == ("review", [("topup", 660, 660)])
    for _ in range(2):
        assert not await accepted.run()
        after = await till.found(row)
        assert (after.status, after.decided, after.credited_at is not None) == ("paid", "accepted", True)
    assert till.bells() == [("topup", 660, 660)]


async def test_what_has_no_bells_stays_in_review(till: Till, accepted: Accepted) -> None:
    row = await till.play(await till.begun(), "wrong_amount")
    await accepted.run()
    assert (await till.found(row)).status == "review"
    assert till.bells() == []


async def test_what_waits_in_the_inbox_goes_first(till: Till, accepted: Accepted) -> None:
    row = await half_accepted(till)
    standing = till.sandbox.ask(row.topup_id, row.reference)
    assert standing is not None
    await till.taken_in(standing)
    await accepted.run()
    assert (await till.found(row)).status == "review"
    till.hands.forward(60)
    await till.carry_out_due()
    await accepted.run()
    assert (await till.found(row)).status == "review", "it knows of its bells, and nobody has decided"
