"""What is told of a gift code is so, whatever happens to the statements beside its bells."""

from dataclasses import replace
from datetime import timedelta

import pytest

from proof.simulation.plan import Fault, GiftCode, Redemption, Step, Trouble
from proof.simulation.run import run_plan
from proof.simulation.seeding import plan_of
from support.simulator import Simulator

_WARM = tuple(Step(Redemption(1, code, ((code - 1,),)), 0) for code in (1, 2))
"""Each worker's pool has a connection, whose flushes are counted from now on."""


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
async def test_a_gift_that_was_credited_is_not_called_undone(simulator: Simulator, kind: str) -> None:
    """Of the pool's two flushes, the claim and the note, the second one meets the fault."""
    plan = plan_of(7, f"gift-{kind}")
    trouble = Trouble(0, "pool", Fault(kind), 1)
    waves = (_WARM, (Step(trouble, 0),), (Step(Redemption(0, 0, ((0,),)), 0),))
    codes = tuple(GiftCode(f"{plan.prefix}-{number}", 5, None) for number in range(3))
    verdict = await run_plan(replace(plan, waves=waves, codes=codes, faults={}), simulator.fleet, simulator.connection)
    assert verdict.violations == []
    assert verdict.faults[kind] == 1
    assert verdict.outcomes["gift ok"] == 6


async def test_who_redeemed_a_code_is_not_told_that_somebody_else_did(simulator: Simulator) -> None:
    """By the second worker's clock the code has ended; before that one looks why, the first one has claimed it."""
    plan = plan_of(7, "gift-own")
    troubles = (Trouble(0, "pool", Fault("slow", 5), 0), Trouble(1, "pool", Fault("slow", 20), 1))
    asked = tuple(Step(Redemption(0, 0, ((worker,),)), 0) for worker in (1, 0))
    made = replace(
        plan,
        workers=2,
        monotone=False,
        skews=(timedelta(), timedelta(hours=1)),
        waves=(_WARM, tuple(Step(trouble, 0) for trouble in troubles), asked),
        codes=(GiftCode(f"{plan.prefix}-0", 5, 60), *(GiftCode(f"{plan.prefix}-{n}", 5, None) for n in (1, 2))),
        faults={},
    )
    verdict = await run_plan(made, simulator.fleet, simulator.connection)
    assert verdict.violations == []
    assert (verdict.outcomes["gift ok"], verdict.outcomes["gift gift_code_unusable"]) == (6, 1)
