"""Webhooks under load: receivers misbehave in every way, workers are killed, and still each event arrives in order."""

from pathlib import Path

import pytest

from proof.webhooks.run import BATCHES, Plan, run


@pytest.mark.slow
async def test_every_event_arrives_in_order_whatever_receivers_and_workers_do(tmp_path: Path) -> None:
    outcome = await run(Plan(seconds=35, kills=3, customers=6), tmp_path)
    assert outcome.is_clean, outcome
    assert [verdict.endpoint for verdict in outcome.verdicts] == list(BATCHES)
    assert min(verdict.events for verdict in outcome.verdicts) >= outcome.payments > 20
