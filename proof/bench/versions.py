"""`python -m proof.bench.versions --before REF`: this version in turns with another one, each by its own benchmark.

Machines become faster and slower within minutes, so that only what is measured side by side compares. A turn is one
short run of either version, with a database and a server of its own; who goes first changes from turn to turn. What
counts is the rate of each workload over the other version's in the same turn, and the median of the turns.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import track

from proof.bench.figures import Spread, Window, spread
from proof.bench.report import machine

WORKLOADS = ("payments", "vouchers", "orders", "checkouts", "cart")
SHOWN = ("payments", "payments-voucher", "orders", "checkouts", "ticks")


class Turn(msgspec.Struct, frozen=True):
    """The windows that both versions had in one turn, by workload."""

    before: dict[str, Window]
    now: dict[str, Window]


class Kept(msgspec.Struct, frozen=True):
    """The part of a kept report that is compared."""

    windows: list[Window]


class VersionError(Exception):
    """A version could not be measured. The message is what its benchmark said."""


@click.command()
@click.option("--before", required=True, metavar="REF", help="The version to compare with, as git names it.")
@click.option("--turns", type=click.IntRange(1), default=10, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=2.0, show_default=True, help="Of each window.")
@click.option("--customers", type=click.IntRange(300), default=2000, show_default=True)
def main(before: str, turns: int, seconds: float, customers: int) -> None:
    """Measure payments, with and without a voucher, whole orders, checkouts and ticks of two versions in turns."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="lingdang-versions-") as folder:
        there = unpack(before, Path(folder) / "before", here)
        measured = []
        for number in track(range(turns), "turns", console=Console(stderr=True)):
            trees = [("before", there), ("now", here)]
            ran = {
                name: _measure(tree, Path(folder) / f"{name}-{number}", seconds, customers)
                for name, tree in (trees if number % 2 else reversed(trees))
            }
            measured.append(Turn(ran["before"], ran["now"]))
            click.echo(f"turn {number + 1}: " + ", ".join(_said(name, [measured[-1]]) for name in SHOWN), err=True)
    click.echo("\n".join(f"{name}: {said}" for name, said in machine().items()))
    click.echo(f"this version over {before}, {turns} turns of {seconds:g} s: median (least to most)")
    click.echo("\n".join(_said(name, measured) for name in SHOWN))


def unpack(ref: str, into: Path, repository: Path) -> Path:
    """The files of a version, in a folder of their own."""
    packed = subprocess.run(["git", "archive", ref], cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(into, filter="data")
    return into


def benchmark(tree: Path) -> str:
    """The module that is the tree's own benchmark: the older versions have it at the top."""
    return "proof.bench" if (tree / "proof").is_dir() else "bench"


def ratios(turns: Sequence[Turn], name: str) -> tuple[Spread, Spread]:
    """The rate of one workload over that of before, and likewise what an operation takes of the CPU."""
    rates = [turn.now[name].rate / turn.before[name].rate for turn in turns]
    costs = [turn.now[name].cpu / turn.before[name].cpu for turn in turns]
    return spread(rates), spread(costs)


def _said(name: str, turns: Sequence[Turn]) -> str:
    rate, cost = ratios(turns, name)
    return f"{name} {_shown(rate)}, CPU {_shown(cost)}"


def _shown(of: Spread) -> str:
    return f"× {of.median:.3f}" + (f" ({of.least:.2f} to {of.most:.2f})" if of.least != of.most else "")


def _measure(tree: Path, out: Path, seconds: float, customers: int) -> dict[str, Window]:
    """One run of the tree's own benchmark. Raises VersionError."""
    only = [f"--only={workload}" for workload in WORKLOADS]
    command = [
        sys.executable,
        "-m",
        benchmark(tree),
        "--short",
        *only,
        f"--seconds={seconds}",
        f"--customers={customers}",
    ]
    path = os.pathsep.join(str(tree / part) for part in ("", "src", "sdk/python/src"))
    ran = subprocess.run(
        [*command, f"--out={out}"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    kept = sorted(out.glob("*.json")) if out.exists() else []
    if not kept:
        raise VersionError(f"{tree}: {ran.stderr[-2000:]}")
    windows = msgspec.json.decode(kept[-1].read_bytes(), type=Kept).windows
    return {window.name.partition("/")[0]: window for window in windows}


if __name__ == "__main__":
    main()
