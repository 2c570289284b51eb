"""Two versions in turns: what is compared, and that the other version's own files are what is measured."""

import subprocess
from pathlib import Path

from proof.bench.figures import Spread
from proof.bench.version_served import version_served
from proof.bench.versions import WORKLOADS, Rate, Side, Turn, mean, ratios, unpack

HERE = Path(__file__).parents[2]


def test_each_turn_is_compared_with_itself() -> None:
    turns = [
        Turn(Rate(100, 1.0), Rate(110, 1.0)),
        Turn(Rate(200, 1.0), Rate(180, 2.0)),
        Turn(Rate(50, 2.0), Rate(50, 1.0)),
    ]
    assert ratios(turns) == (Spread(0.9, 1.0, 1.1), Spread(0.5, 1.0, 2.0))


def test_the_servers_of_a_version_count_alike() -> None:
    assert mean([Rate(100, 1.0), Rate(200, 2.0)]) == Rate(150, 1.5)


def test_another_version_is_unpacked_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    folder = tmp_path / "project"

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

    git("init")
    (folder / "file").write_text("before")
    git("add", ".")
    git("commit", "-m", "before")
    (folder / "file").write_text("now")
    assert (unpack("HEAD", tmp_path / "before", folder) / "file").read_text() == "before"


def test_a_version_is_served_by_its_own_files(tmp_path: Path) -> None:
    """Each workload for a moment: an answer that is not 200 raises."""
    with version_served(HERE, tmp_path / "now", customers=2) as version:
        side = Side(version)
        for workload in WORKLOADS.values():
            rate, cpu = workload(side, 0.1)
            assert rate > 0
            assert cpu > 0
