"""What a stalling disk alone does to a latency."""

from pathlib import Path

import pytest

from proof.bench.disk import PACE, felt, syncs


def test_syncs_are_timed(tmp_path: Path) -> None:
    took = syncs(tmp_path, 0.2)
    assert 1 <= len(took) <= 1 + 0.2 / PACE
    assert all(seconds > 0 for seconds in took)
    assert list(tmp_path.iterdir()) == []


def test_a_steady_disk_is_felt_as_two_syncs_at_most() -> None:
    assert felt([0.001] * 1000) == pytest.approx(0.002)


def test_a_stall_is_felt_where_it_takes_more_than_a_hundredth_of_the_time() -> None:
    quick = [0.0002] * 1000
    seconds = len(quick) * PACE
    assert felt([*quick, 0.008 * seconds, *quick[:10]]) < 0.01
    assert felt([*quick, 0.05 * seconds, *quick[:10]]) > 0.03 * seconds
