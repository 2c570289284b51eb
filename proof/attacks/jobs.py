"""Numbers of alterations on several processes."""

import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from proof.attacks.everything import assert_good_are_taken, targets_of
from proof.attacks.target import Tally, Target, try_one

CHUNK = 1000
"""Alterations of the same samples, which are counted together."""


def tallies(seed: int, numbers: range, jobs: int) -> Iterator[tuple[int, Tally]]:
    """How many were tried, and what came of them, chunk by chunk. Raises GoodRefusedError."""
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_chunk, seed, chunk) for chunk in chunks]):
            yield done.result()


def _chunk(seed: int, numbers: range) -> tuple[int, Tally]:
    """A batch of keys and samples of its own: there are only so many alterations of one signature."""
    warnings.filterwarnings("ignore", "EdDSA is deprecated")  # the contract names it
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        targets = targets_of(seed, Path(folder), batch=numbers[0] // CHUNK)
        return len(numbers), tally_of(targets, seed, numbers)


def tally_of(targets: list[Target[Any]], seed: int, numbers: range) -> Tally:
    """What comes of these alterations; the good samples are shown to be taken before and after them."""
    assert_good_are_taken(targets)
    tally = Tally()
    for number in numbers:
        tally.add(try_one(targets, seed, number))
    assert_good_are_taken(targets)
    return tally
