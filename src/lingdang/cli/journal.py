"""`lingdang journal`."""

import asyncio
import time
from pathlib import Path

import click
import msgspec
import psycopg

from lingdang.cli.opening import opened
from lingdang.db.pool import Pool, connect_options
from lingdang.deployment import Deployment, make_sealer
from lingdang.errors import CommandError


@click.group()
def journal() -> None:
    """The journal's seals."""


@journal.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def seal(ctx: click.Context, as_json: bool) -> None:
    """Seal everything that is not sealed yet, as a running server does every few seconds, and say how long it took."""
    with opened(ctx) as deployment:
        transfers, seconds = asyncio.run(_seal(deployment))
    rate = round(transfers / seconds) if transfers else 0
    if as_json:
        click.echo(msgspec.json.encode({"transfers": transfers, "seconds": seconds, "perSecond": rate}).decode())
    else:
        click.echo(f"{transfers} transfers sealed in {seconds:.1f} s, {rate} a second")


async def _seal(deployment: Deployment) -> tuple[int, float]:
    """Seal from outside a server: the transfers sealed and the seconds it took."""
    started = time.perf_counter()
    async with Pool(deployment.database_url, 2, deployment.settings.pgbouncer) as pool:
        sealer = make_sealer(deployment, pool)
        await sealer.round()
        seconds = time.perf_counter() - started
        await sealer.round()  # the witness takes down where the log stands now
        return sealer.sealed, seconds


@journal.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file for it. [default: printed]")
@click.pass_context
def checkpoint(ctx: click.Context, out: Path | None) -> None:
    """Print the newest checkpoint: kept elsewhere, it tells `reconcile --witness` whether anything was undone since."""
    with opened(ctx) as deployment:
        jws = _newest(deployment)
    if jws is None:
        raise CommandError("nothing is sealed yet")
    if out is None:
        click.echo(jws)
    else:
        out.write_text(jws + "\n", encoding="ascii")


def _newest(deployment: Deployment) -> str | None:
    """The newest checkpoint's JWS; None before the first."""
    options = connect_options(deployment.settings.pgbouncer)
    with psycopg.connect(deployment.database_url, **options) as connection:
        row = connection.execute("SELECT jws FROM seal_checkpoint ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])
