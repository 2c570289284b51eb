"""`python -m proof.simulation.mutants`: breaks a copy of the build in every known way, and shows what catches it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from proof.simulation.mutation import Mutation, MutationError
from proof.simulation.mutations import MUTATIONS

ROOT = Path(__file__).parents[2]
SECONDS = 1800


@dataclass(frozen=True)
class Result:
    """What became of one mutation. `by`: what caught it, None if it survived."""

    mutation: Mutation
    by: str | None
    seconds: float


@click.command()
@click.option("--only", default="", help="Mutations with this in their names.")
@click.option("--seeds", default="0-199", show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes for each.")
def main(only: str, seeds: str, jobs: int) -> None:
    """Run every mutation. Exits with 1 when one survives or no longer fits the source."""
    console = Console(stderr=True)
    chosen = [mutation for mutation in MUTATIONS if only in mutation.name]
    results = [
        _result(mutation, seeds, jobs) for mutation in track(chosen, "mutations", console=console, transient=True)
    ]
    Console(width=140).print(_table(results))
    sys.exit(1 if any(result.by is None for result in results) else 0)


def _result(mutation: Mutation, seeds: str, jobs: int) -> Result:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src" / "lingdang", source / "lingdang", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            for edit in mutation.edits:
                edit.apply(source / "lingdang")
        except MutationError as error:
            raise click.ClickException(f"{mutation.name}: {error}") from None
        by = _by_test(mutation.test, source) if mutation.test else _by_seed(seeds, jobs, source)
    return Result(mutation, by, time.monotonic() - started)


def _by_seed(seeds: str, jobs: int, source: Path) -> str | None:
    """The first seed that broke a promise, and which."""
    done = _run(["proof.simulation", "--seeds", seeds, "--jobs", str(jobs), "--stop", "--json"], source)
    try:
        broken = json.loads(done.stdout)["broken"]
    except ValueError:
        raise click.ClickException(f"the simulation of a mutant failed:\n{done.stderr[-2000:]}") from None
    return next((f"seed {seed}: {promises[0]}" for seed, promises in broken.items()), None)


def _by_test(test: str, source: Path) -> str | None:
    done = _run(["pytest", "-q", "-x", "-p", "no:cacheprovider", test], source)
    if done.returncode not in (0, 1):
        raise click.ClickException(f"{test} cannot be run:\n{done.stdout[-2000:]}")
    return test if done.returncode == 1 else None


def _run(command: list[str], source: Path) -> "subprocess.CompletedProcess[str]":
    """A Python module, to its end, on the mutated source."""
    environ = os.environ | {"PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=ROOT,
        env=environ,
    )


def _table(results: list[Result]) -> Table:
    table = Table("mutation", "caught by", "s")
    for result in results:
        table.add_row(result.mutation.name, result.by or "[red]SURVIVED[/red]", f"{result.seconds:.0f}")
    return table


if __name__ == "__main__":
    main()
