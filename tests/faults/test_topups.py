"""Top-ups at stand-ins: notifications repeated, shuffled and forged, workers killed; the bells are the truth."""

from pathlib import Path

import pytest

from proof.topups.run import Plan, run


@pytest.mark.slow
async def test_bells_are_the_truth_whatever_arrives(tmp_path: Path) -> None:
    outcome = await run(Plan(seed=1), tmp_path)
    assert outcome.faults == []
    assert outcome.forged > 0
    assert outcome.deliveries > 40
    assert outcome.debts > 0
