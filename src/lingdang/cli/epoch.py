"""`lingdang epoch`."""

import asyncio
from pathlib import Path

import click
import msgspec

from lingdang.cli.opening import opened
from lingdang.db.pool import Connection, connect_options
from lingdang.deployment import Deployment, make_witness
from lingdang.errors import CommandError
from lingdang.events.epochs import declare, undeclared
from lingdang.journal.witness import Witness

_NOTHING_MISSED = (
    "the witness misses nothing, or there is none: nothing was declared. After a restore that lost only what was not"
    " sealed yet, or with no witness left, run this with --force: readers then drop all that is later than the last"
    " checkpoint before the server's start, and are told again what of it is true"
)


class Declared(msgspec.Struct, frozen=True, rename="camel"):
    """A new epoch: up to which position of each bucket nothing was lost, and whether a witness missed anything."""

    last_true: list[str]
    witnessed: bool


@click.group()
def epoch() -> None:
    """The journal's epochs: what a restore lost, and what comes instead."""


@epoch.command("new")
@click.option(
    "--witness",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was carried away, in the place of the one beside the keyring.",
)
@click.option("--force", is_flag=True, help="Also where the witness misses nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def new(ctx: click.Context, witness: Path | None, force: bool, as_json: bool) -> None:
    """After a restore that lost commits: begin an epoch, and tell readers of events what is gone.

    Events go on where the witness has stopped them. Readers drop what is later than the last true position and read on
    from there; `feed.reset` says it at that place. The witness's file stays as it is: it is the evidence.
    Where it misses nothing, the command refuses: readers would read again for nothing.
    """
    with opened(ctx) as deployment:
        declared = asyncio.run(declare_lost(deployment, witness, force=force))
    if as_json:
        click.echo(msgspec.json.encode(declared).decode())
        return
    click.echo(f"A new epoch has begun. Up to position {', '.join(declared.last_true)} nothing was lost.")
    if not declared.witnessed:
        click.echo("The witness misses nothing: what readers drop that is not lost, comes again.", err=True)


async def declare_lost(deployment: Deployment, witness: Path | None = None, *, force: bool = True) -> Declared:
    """Begin a new epoch; `witness` is a file with a checkpoint, without one that beside the keyring.

    Raises CommandError where that misses nothing, unless it is forced.
    """
    file = make_witness(deployment) if witness is None else Witness(witness)
    options = connect_options(deployment.settings.pgbouncer)
    async with await Connection.connect(deployment.database_url, **options) as connection:
        missed = await undeclared(connection, file)
        if missed is None and not force:
            raise CommandError(_NOTHING_MISSED)
        last_true = await declare(connection, deployment.buckets, missed, deployment.clock())
    return Declared(last_true, missed is not None)
