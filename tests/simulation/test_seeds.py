"""The short form of the simulation, the seeds that once failed, and builds broken on purpose, which are caught."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lingdang.coupons import cuts
from lingdang.ledger import crediting
from lingdang.payment import payments
from proof.simulation.plan import Deposit, Fault
from proof.simulation.run import run_plan
from proof.simulation.seeding import plan_of
from proof.simulation.stories import with_stories
from proof.simulation.wire import KINDS
from support.simulator import Simulator

SEEDS = range(50)
KEPT = [
    int(line.split()[0])
    for line in (Path(__file__).parent / "kept_seeds.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
TIMES = 3
"""A kept seed is run so often: what PostgreSQL does first, no seed decides."""


async def test_a_few_seeds_break_no_promise(simulator: Simulator) -> None:
    faults: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for seed in SEEDS:
        verdict = await simulator.run(seed)
        assert verdict.violations == [], seed
        faults += verdict.faults
        answers += verdict.outcomes
    assert set(KINDS) <= faults.keys()
    assert {"payment ok", "payment insufficient_bells", "payment already_owned", "payment lost"} <= answers.keys()
    assert {"refund ok", "refund already_refunded", "refund refund_not_allowed", "refund not_found"} <= answers.keys()
    assert {"grant ok", "grant not_granted", "revocation ok", "open ok", "open not_entitled"} <= answers.keys()
    assert {"adjustment ok", "adjustment insufficient_bells", "adjustment idempotency_mismatch"} <= answers.keys()
    assert {"reversal ok", "reversal insufficient_bells"} <= answers.keys()
    assert {"topup ok", "topup idempotency_mismatch", "takeback ok", "takeback not_found"} <= answers.keys()
    assert {"gift ok", "gift gift_code_unusable"} <= answers.keys()


@pytest.mark.parametrize("seed", KEPT)
async def test_seeds_that_once_failed(simulator: Simulator, seed: int) -> None:
    for run in range(TIMES):
        assert (await simulator.run(seed, f"r{run}")).violations == []


def test_a_seed_is_a_plan() -> None:
    assert plan_of(7) == plan_of(7)
    assert plan_of(7).waves != plan_of(8).waves
    other = plan_of(7, "again-")
    assert (other.faults, other.waves) == (plan_of(7).faults, plan_of(7).waves)
    assert other.customers != plan_of(7).customers


def test_the_stories_of_a_seed_come_after_what_it_meant_without_them() -> None:
    for seed in (*SEEDS, *KEPT):
        shop = replace(plan_of(seed), waves=plan_of(seed).waves[:3])
        told = with_stories(shop)
        assert told.waves[:3] == shop.waves
        assert (told.books[: len(shop.books)], told.faults) == (shop.books, shop.faults)


async def test_a_slow_machine_is_no_fault(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settlement gives up after 30 ms here, and runs no batch for longer than 100 ms by default."""
    for worker in simulator.fleet.workers:
        monkeypatch.setattr(worker.wires["settlement"], "next_fault", lambda: Fault("slow", 150))
    plan = plan_of(7, "slow")
    deposits = tuple(step for step in plan.waves[0] if isinstance(step.action, Deposit))
    verdict = await run_plan(replace(plan, waves=(deposits,)), simulator.fleet, simulator.connection)
    assert verdict.violations == []
    assert verdict.outcomes.keys() == {"deposit ok", "orders ok", "entries ok", "rights ok"}


def _all_to_the_first(total: int, weights: Sequence[int]) -> list[int]:
    return [total, *[0] * (len(weights) - 1)]


BROKEN: dict[str, tuple[Any, str, Any]] = {
    "a flawed request is refused as the contract says": (payments, "verifies", lambda *_: True),
    "a credit is what was asked for": (crediting, "_same", lambda *_: True),
    "a discount is spread by largest remainder": (cuts, "spread", _all_to_the_first),
}


@pytest.mark.parametrize("promise", BROKEN)
async def test_a_broken_build_is_caught(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, promise: str) -> None:
    monkeypatch.setattr(*BROKEN[promise])
    broken: set[str] = set()
    for seed in range(200):
        broken.update(violation.promise for violation in (await simulator.run(seed)).violations)
        if promise in broken:
            return
    raise AssertionError(f"not caught; only {broken}")
