"""`python -m proof.topups`: top-ups whose notifications are repeated, shuffled and forged, beside kills."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from proof.topups.run import Outcome, Plan, run


@click.command()
@click.option("--seeds", default="0-1", show_default=True, help="One seed, or the first and the last: 0-19.")
def main(seeds: str) -> None:
    """Exits with 1 when a seed ends otherwise than its payers did; such seeds are named."""
    first, _, last = seeds.partition("-")
    try:
        every = range(int(first), int(last or first) + 1)
    except ValueError:
        raise click.BadParameter("expected one seed or two: 0-19", param_hint="--seeds") from None
    failed = [seed for seed in every if not _holds(seed)]
    click.echo(f"{len(every)} seeds, failed: {failed or 'none'}")
    sys.exit(1 if failed or not every else 0)


def _holds(seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="lingdang-topups-", ignore_cleanup_errors=True) as directory:
        outcome: Outcome = asyncio.run(run(Plan(seed=seed), Path(directory)))
    counts = f"{outcome.deliveries} deliveries, {outcome.forged} to be refused, {outcome.debts} in debt"
    click.echo(f"seed {seed}: {counts}, {len(outcome.faults)} faults")
    for fault in outcome.faults:
        click.echo(f"  {fault}")
    return not outcome.faults


if __name__ == "__main__":
    main()
