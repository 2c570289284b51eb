"""`python -m proof.webhooks`: deliveries under load to receivers that misbehave, while what delivers is killed."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from proof.webhooks.run import NotArrivedError, Outcome, Plan, run


@click.command()
@click.option("--seconds", type=click.FloatRange(10), default=120.0, show_default=True, help="How long customers buy.")
@click.option(
    "--kills",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How often the process that delivers is killed.",
)
@click.option("--customers", type=click.IntRange(1, 16), default=16, show_default=True, help="Who buy.")
@click.option("--pause", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds between two orders.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides the victims and the moments.")
def main(**options: Any) -> None:
    """Exits with 1 when an event is missing, out of its customer's order, or not well signed."""
    with tempfile.TemporaryDirectory(prefix="lingdang-webhooks-", ignore_cleanup_errors=True) as directory:
        try:
            outcome = asyncio.run(run(Plan(**options), Path(directory), lambda text: click.echo(text, err=True)))
        except NotArrivedError as error:
            raise click.ClickException(str(error)) from None
    click.echo(_shown(outcome))
    sys.exit(0 if outcome.is_clean else 1)


def _shown(outcome: Outcome) -> str:
    lines = [
        "| endpoint | events | requests | repeats | missing | out of order | p50 | p99 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in outcome.verdicts:
        counts = (each.events, each.requests, each.repeats, each.missing, each.out_of_order)
        figures = " | ".join(f"{count:,}" for count in counts)
        lines.append(f"| {each.endpoint} | {figures} | {each.p50:.2f} s | {each.p99:.2f} s |")
    rest = f"{outcome.payments:,} payments; led astray: {outcome.astray}; not well signed: {outcome.forged}"
    return "\n".join([*lines, rest])


if __name__ == "__main__":
    main()
