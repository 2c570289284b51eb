"""All that is attacked, and the proof that it takes what is good."""

from pathlib import Path
from typing import Any

from lingdang.settings import SIGN_TYPES
from proof.attacks.orders import order_target
from proof.attacks.payments import payment_target
from proof.attacks.platforms import Platform, platform_target
from proof.attacks.sessions import session_target
from proof.attacks.target import ACCEPTED, Target, judge
from proof.attacks.world import World


class GoodRefusedError(Exception):
    """A verifier refuses a good sample: that it refuses altered ones says nothing."""


def targets_of(seed: int, folder: Path, batch: int = 0) -> list[Target[Any]]:
    """Every target with the keys and samples of this seed's batch; `folder` is for keyrings and must outlast them.

    The platform's keys are the same in all batches.
    """
    world = World(f"{seed}/{batch}", folder)
    return [
        session_target(world),
        order_target(world),
        platform_target(world, Platform(seed)),
        *(payment_target(world, sign_type) for sign_type in SIGN_TYPES),
    ]


def assert_good_are_taken(targets: list[Target[Any]]) -> None:
    """Raises GoodRefusedError when a target refuses a good sample."""
    for target in targets:
        for good in target.good:
            if (outcome := judge(target, good)) != ACCEPTED:
                raise GoodRefusedError(f"{target.name}: {outcome} for {good!r}")
