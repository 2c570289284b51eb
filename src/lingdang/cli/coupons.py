"""`lingdang coupons codes`: one-time codes for a coupon."""

from pathlib import Path

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from lingdang.cli.arguments import PLAIN_ID
from lingdang.cli.opening import opened
from lingdang.coupons.codes import NoCouponError, make_codes
from lingdang.db.pool import connect_options
from lingdang.errors import CommandError

MAX_CODES = 10_000_000


class Made(msgspec.Struct, frozen=True, rename="camel"):
    """What `--json` prints."""

    coupon_id: str
    count: int
    file: str


@click.group()
def coupons() -> None:
    """Vouchers' codes."""


@coupons.command()
@click.argument("coupon_id", metavar="COUPONID", type=PLAIN_ID)
@click.argument("count", type=click.IntRange(1, MAX_CODES))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@click.pass_context
def codes(ctx: click.Context, coupon_id: str, count: int, out: Path, as_json: bool) -> None:
    """Make COUNT one-time codes of the coupon COUPONID and write them into a CSV file.

    Each code gives one customer one voucher. Codes are stored hashed: the file is the only place where they can be
    read, and only its owner may. The coupon's limits hold for codes as for every other claim.
    """
    bar = Progress(
        "[progress.description]{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with opened(ctx) as deployment, bar:
        task = bar.add_task("Making codes", total=count)
        options = connect_options(deployment.settings.pgbouncer)
        with psycopg.connect(deployment.database_url, **options) as connection:
            try:
                make_codes(connection, coupon_id, count, out, lambda done: bar.update(task, advance=done))
            except NoCouponError as error:
                raise CommandError(str(error)) from None
            except FileExistsError:
                raise CommandError(f"{out} exists already; codes are never written over a file") from None
    if as_json:
        click.echo(msgspec.json.encode(Made(coupon_id, count, str(out))).decode())
    else:
        click.echo(f"{count} codes of {coupon_id} in {out}")
