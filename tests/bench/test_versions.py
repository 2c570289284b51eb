"""Two versions in turns: what is compared, and that the other version's own files are what is measured."""

import subprocess
from pathlib import Path

from proof.bench.figures import Spread, Window
from proof.bench.meters import Batches
from proof.bench.versions import Turn, benchmark, ratios, unpack


def window(rate: float, cpu: float) -> Window:
    return Window(
        name="payments/https/64",
        round=1,
        operations=100,
        rate=rate,
        p50=0.1,
        p99=0.2,
        mean=0.1,
        outcomes={"200": 100},
        wal_bytes=0,
        server_cpu=cpu * 60,
        postgres_cpu=cpu * 40,
        generator_cpu=0.1,
        generator_share=0.1,
        others_share=0.0,
        batches=Batches(),
    )


def test_each_turn_is_compared_with_itself() -> None:
    turns = [
        Turn({"payments": window(100, 1.0)}, {"payments": window(110, 1.0)}),
        Turn({"payments": window(200, 1.0)}, {"payments": window(180, 2.0)}),
        Turn({"payments": window(50, 2.0)}, {"payments": window(50, 1.0)}),
    ]
    assert ratios(turns, "payments") == (Spread(0.9, 1.0, 1.1), Spread(0.5, 1.0, 2.0))


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


def test_each_version_is_measured_by_its_own_benchmark(tmp_path: Path) -> None:
    (tmp_path / "older" / "bench").mkdir(parents=True)
    (tmp_path / "newer" / "proof" / "bench").mkdir(parents=True)
    assert benchmark(tmp_path / "older") == "bench"
    assert benchmark(tmp_path / "newer") == "proof.bench"
