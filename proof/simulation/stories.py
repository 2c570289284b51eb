"""What a plan ends with: stories of a few waves each, told at the same time. Drawn apart from the rest."""

from dataclasses import replace
from itertools import zip_longest
from random import Random

from proof.simulation.corrections import with_corrections
from proof.simulation.drawing import LATE
from proof.simulation.frauds import with_fraud
from proof.simulation.plan import Jump, Plan, Step, Waves
from proof.simulation.sales import with_sales
from proof.simulation.topups import with_topups

STORIES = ((0.4, with_corrections), (0.25, with_fraud), (0.3, with_sales), (0.5, with_topups))
"""How often a plan has each."""


def with_stories(plan: Plan) -> Plan:
    """The plan, with waves after its own, which begin at a late moment."""
    random = Random(f"stories {plan.seed}")
    chosen = [story for often, story in STORIES if random.random() < often]
    if not chosen:
        return plan
    before = (*plan.waves, (Step(Jump(seconds=LATE), 0),))
    told: Waves = ()
    for story in chosen:
        plan, waves = story(replace(plan, waves=(*before, *told)))
        told = _beside(told, waves)
    return replace(plan, waves=(*before, *told))


def _beside(one: Waves, other: Waves) -> Waves:
    """Both at the same time, wave by wave."""
    return tuple((*first, *second) for first, second in zip_longest(one, other, fillvalue=()))
