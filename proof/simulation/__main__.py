"""`python -m proof.simulation --seeds 0-999`: runs seeds on a database of its own, and says which broke a promise."""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from proof.shop import build, own_server
from proof.simulation.jobs import verdicts
from proof.simulation.run import Verdict

_SHOWN = 5
"""So many broken seeds are shown with their violations."""
_DETAIL = 1200


@dataclass
class Tally:
    """What came of all the seeds."""

    done: int = 0
    broken: list[Verdict] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one seed."""
        self.done += 1
        self.faults += verdict.faults
        self.outcomes += verdict.outcomes
        if verdict.violations:
            self.broken.append(verdict)


def _seeds(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    try:
        seeds: list[int] = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds.extend(range(int(first), int(last or first) + 1))
    except ValueError:
        raise click.BadParameter("numbers and ranges, separated by commas: 7,100-199") from None
    return seeds


@click.command()
@click.option("--seeds", callback=_seeds, default="0-199", show_default=True, help="7,100-199")
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="Run each seed so often.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--stop", is_flag=True, help="Stop at the first seed that breaks a promise.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
def main(seeds: list[int], times: int, jobs: int, stop: bool, as_json: bool) -> None:
    """Run seeds. Exits with 1 when one of them broke a promise."""
    console = Console(stderr=True)
    started = time.monotonic()
    tally = Tally()
    runs = [(seed, f"t{again}" if again else "") for again in range(times) for seed in seeds]
    with own_server() as (place, url), _progress(console) as progress:
        shop = build(url, place)
        bar = progress.add_task("seeds", total=len(runs), broken=0)
        for verdict in verdicts(shop.url, shop.keyring.path, runs, jobs):
            tally.add(verdict)
            progress.update(bar, advance=1, broken=len(tally.broken))
            if stop and tally.broken:
                break
    seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps(_as_data(tally, seconds)))
    else:
        _show(console, tally, seconds)
    sys.exit(1 if tally.broken else 0)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("broken {task.fields[broken]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _as_data(tally: Tally, seconds: float) -> dict[str, Any]:
    return {
        "seeds": tally.done,
        "seconds": round(seconds, 1),
        "broken": {verdict.seed: [v.promise for v in verdict.violations] for verdict in tally.broken},
        "faults": dict(tally.faults.most_common()),
        "answers": dict(tally.outcomes.most_common()),
    }


def _show(console: Console, tally: Tally, seconds: float) -> None:
    requests = sum(tally.outcomes.values())
    console.print(f"{tally.done} seeds, {requests} requests, {seconds:.0f} s")
    for name, counter in (("faults", tally.faults), ("answers", tally.outcomes)):
        console.print(f"{name}: " + ", ".join(f"{what} {count}" for what, count in counter.most_common()))
    for verdict in tally.broken[:_SHOWN]:
        console.print(f"[red]seed {verdict.seed}[/red]")
        for violation in verdict.violations:
            console.print(f"  {violation.promise}: {violation.detail[:_DETAIL]}", markup=False)
    broken = ",".join(str(verdict.seed) for verdict in tally.broken)
    console.print(f"{len(tally.broken)} broken{': ' + broken if broken else ''}")


if __name__ == "__main__":
    main()
