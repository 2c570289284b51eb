"""`python -m proof.faults.readers`: does every reader of the journal see each row once, in its customer's order?"""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import click
import structlog

from proof.faults.readers.run import Outcome, Plan, run


@click.command()
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="How long others write.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides the victims and the moments.")
def main(seconds: float, seed: int) -> None:
    """Read the journal beside two settlements, late and prepared transactions, ended sessions and crashes.

    Some read rows, some read events, notices among them.

    Exits with 1 when a reader missed a row, saw one twice or out of order, heard an id twice, or an answered command is
    missing.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="lingdang-readers-", ignore_cleanup_errors=True) as directory:
        outcome = asyncio.run(run(Plan(seconds=seconds, seed=seed), Path(directory)))
    _tell(outcome)
    sys.exit(1 if outcome.faults else 0)


def _tell(outcome: Outcome) -> None:
    click.echo(f"{outcome.rows:,} rows in {outcome.epochs} epochs, read in {outcome.pages:,} pages")
    click.echo(", ".join(f"{what}: {count:,}" for what, count in outcome.counts.items()))
    for fault in outcome.faults:
        click.echo(f"fault: {fault}", err=True)


if __name__ == "__main__":
    main()
