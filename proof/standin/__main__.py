"""`python -m proof.standin`: all providers' desks in one process, with a plan of faults, until it is interrupted."""

import threading
from dataclasses import fields
from typing import Any

import click

from proof.standin.faults import Faults
from proof.standin.standin import Standin

_SHARES = [each.name for each in fields(Faults) if each.name != "seed"]


def _with_faults(command: Any) -> Any:
    for name in reversed(_SHARES):
        seconds = name.endswith("_seconds")
        kind = click.FloatRange(0) if seconds else click.FloatRange(0, 1)
        default = getattr(Faults(), name)
        shown = "Seconds." if seconds else "A share of 1."
        command = click.option(f"--{name.replace('_', '-')}", type=kind, default=default, help=shown)(command)
    return command


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8600, show_default=True)
@click.option(
    "--endpoint", "endpoints", multiple=True, metavar="NAME=URL", help="Where Stripe, Apple or Google notify."
)
@click.option("--seed", type=int, default=0, help="Makes the plan's faults the same each time.")
@_with_faults
def main(port: int, endpoints: tuple[str, ...], **plan: Any) -> None:
    """Settings for LINGDANG_TOPUP_PROVIDERS are at /accounts; POST /control {provider, do, number} plays a payer."""
    told = dict(each.partition("=")[::2] for each in endpoints)
    with Standin(Faults(**plan), told).serving(port) as standin:
        click.echo(f"{standin.address}  settings at /accounts, payers at /control")
        threading.Event().wait()


if __name__ == "__main__":
    main()
