"""`python -m proof.faults`: does one kind of fault again and again to a shop under load, and says what came of it."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from proof.faults import report
from proof.faults.kinds import KINDS
from proof.faults.run import NotBackError, Outcome, Plan, run


@click.command()
@click.option("--kind", type=click.Choice(list(KINDS)), required=True)
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="How many faults.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides the victims and the moments.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--tls", is_flag=True, help="Over HTTPS.")
@click.option("--write-doc", is_flag=True, help=f"Put the result into {report.PAGE}.")
def main(kind: str, count: int, write_doc: bool, **options: Any) -> None:
    """Inject faults under load, and compare every answer with the database.

    Exits with 1 when a payment was lost or doubled, the books disagree, or service did not come back by itself.
    """
    plan = Plan(kinds=(kind,) * count, **options)
    try:
        with tempfile.TemporaryDirectory(prefix="lingdang-faults-", ignore_cleanup_errors=True) as directory:
            outcome = _shown(plan, Path(directory))
    except NotBackError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{report.FAULTS.show([report.row(outcome)])}\n")
    for fault in outcome.verdict.faults:
        click.echo(f"fault: {fault}", err=True)
    if write_doc:
        report.write_into(report.PAGE, outcome)
    sys.exit(0 if outcome.verdict.is_clean else 1)


def _shown(plan: Plan, place: Path) -> Outcome:
    """Carry out the plan under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[last]}"), console=Console(stderr=True)) as progress:
        task = progress.add_task(plan.kinds[0], total=len(plan.kinds), last="")

        def tell(seconds: float) -> None:
            progress.update(task, advance=1, last=f"back after {seconds:.2f} s")

        return asyncio.run(run(plan, place, tell))


if __name__ == "__main__":
    main()
