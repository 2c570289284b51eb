"""`python -m proof.faults.overload`: one kind of overload, or each, beside customers who buy."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import psutil

from proof.faults.overload import report
from proof.faults.overload.kinds import KINDS
from proof.faults.overload.run import Plan, Result, run

ALL = "all"


@click.command()
@click.option("--kind", type=click.Choice([*KINDS, ALL]), default=ALL, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each phase.")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Each with all phases.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--cores", type=click.IntRange(0), default=1, show_default=True, help="For all processes; 0: as many as there are."
)
@click.option("--products", type=click.IntRange(1), default=300_000, show_default=True, help="To search in.")
@click.option("--write-doc", is_flag=True, help=f"Put the result into {report.PAGE}.")
def main(kind: str, cores: int, products: int, write_doc: bool, **options: Any) -> None:
    """Count sixteen customers' purchases before, during and after an overload, and beside idle loops.

    Exits with 1 when a worker ended or the books disagree.
    """
    confine(cores)
    well = True
    for name in KINDS if kind == ALL else (kind,):
        many = products if name == "search-flood" else 1_000
        result = _measured(Plan(kinds=(name,), products=many, **options))
        well = well and _told(result, write_doc, cores)
    sys.exit(0 if well else 1)


def confine(cores: int) -> None:
    """Let this process, and those that it starts, run on so many cores; 0 on any.

    On one core nobody finds an idle one: what attackers take, and what idle loops take, buyers lose alike.
    """
    if cores and hasattr(psutil.Process, "cpu_affinity"):
        mine = psutil.Process()
        mine.cpu_affinity(mine.cpu_affinity()[:cores])


def _measured(plan: Plan) -> Result:
    with tempfile.TemporaryDirectory(prefix="lingdang-overload-", ignore_cleanup_errors=True) as directory:
        return asyncio.run(run(plan, Path(directory)))


def _told(result: Result, write_doc: bool, cores: int) -> bool:
    """Say what came of it. Answers whether all is well."""
    for outcome in result.outcomes:
        for table, row in report.rows(outcome).items():
            click.echo(f"\n{table.show([row])}")
        if write_doc:
            report.write_into(report.PAGE, outcome, cores)
    for fault in result.faults:
        click.echo(f"fault: {fault}", err=True)
    return not result.faults and not any(outcome.workers_ended for outcome in result.outcomes)


if __name__ == "__main__":
    main()
