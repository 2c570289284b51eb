"""`lingdang topup codes`: gift codes by the million."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lingdang import moments
from lingdang.cli.arguments import OWN_ID
from lingdang.cli.database import settings_of
from lingdang.cli.opening import opened
from lingdang.db.pool import connect_options
from lingdang.errors import CommandError
from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT
from lingdang.topup.gift_codes import Gift, write_codes


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=OWN_ID)
@click.argument("count", type=click.IntRange(1, 10_000_000))
@click.option("--amount", type=click.IntRange(1, MAX_AMOUNT), required=True, help="Bells of bonus that each is worth.")
@click.option("--currency", default=DEFAULT_CURRENCY, show_default=True)
@click.option("--expires", metavar="DAY|TIME", help="Until when they are good, and what is left of the bells lapses.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new CSV file.")
@click.pass_context
def codes(
    ctx: click.Context, campaign: str, count: int, amount: int, currency: str, expires: str | None, out: Path
) -> None:
    """Make COUNT gift codes of CAMPAIGN and write them into a CSV file, the only place where they can be read."""
    ends = None if expires is None else _end(expires, settings_of(ctx).zone)
    if ends is not None and ends <= datetime.now(UTC):
        raise click.BadParameter(f"{expires} is over: nobody could redeem the codes", param_hint="--expires")
    gift = Gift(campaign=campaign, currency=currency, amount=amount, expires_at=ends)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with opened(ctx) as deployment, Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Making codes", total=count)
        options = connect_options(deployment.settings.pgbouncer)
        with psycopg.connect(deployment.database_url, **options) as connection:
            try:
                write_codes(connection, gift, count, out, lambda done: bar.update(task, advance=done))
            except FileExistsError:
                raise CommandError(f"{out} exists already; codes are never written over a file") from None
    click.echo(f"{count} codes of {campaign} in {out}")


def _end(text: str, zone: ZoneInfo) -> datetime:
    try:
        return moments.read_usable(text, zone, end=True)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from None
