"""`python -m proof.attacks --count 1000000 --seed 1`: good tokens and signatures altered, and which are not refused."""

import sys
import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from proof.attacks.jobs import tallies
from proof.attacks.report import show
from proof.attacks.target import Tally

_WIDTH = 150
"""Columns of the table in a file."""


@click.command()
@click.option("--count", type=click.IntRange(1), default=100_000, show_default=True, help="So many alterations.")
@click.option("--seed", type=int, default=1, show_default=True, help="Fixes keys, samples and alterations.")
@click.option("--number", type=click.IntRange(0), help="Only this alteration of the seed, as a failure names it.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
def main(count: int, seed: int, number: int | None, jobs: int) -> None:
    """Try alterations. Exits with 1 when one of them was accepted, or refused with anything but its code."""
    console = Console(stderr=True)
    started = time.monotonic()
    numbers = range(count) if number is None else range(number, number + 1)
    tally = Tally()
    with _progress(console) as progress:
        bar = progress.add_task("alterations", total=len(numbers), broken=0)
        for done, part in tallies(seed, numbers, jobs):
            tally.join(part)
            progress.update(bar, advance=done, broken=len(tally.broken))
    show(
        Console(width=None if sys.stdout.isatty() else _WIDTH),
        tally,
        seed,
        time.monotonic() - started,
        in_full=number is not None,
    )
    sys.exit(1 if tally.broken else 0)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("not refused {task.fields[broken]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


if __name__ == "__main__":
    main()
