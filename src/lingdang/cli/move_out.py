"""`lingdang move-out`."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from lingdang.cli.opening import opened
from lingdang.moving import moving_out


@click.command("move-out")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON.")
@click.pass_context
def move_out(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Write customers, lots, rights and orders to DIR, as they are at one moment, in the form that `move-in` reads.

    Passwords, carts, vouchers and the journal stay. So do bells that have lapsed or are frozen, debts, and what erased
    customers had.
    """
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    with opened(ctx) as deployment, Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, octets: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=None)
            bars.update(tasks[name], completed=octets)

        written = moving_out.move_out(deployment, folder, tell)
    if as_json:
        click.echo(msgspec.json.encode(written))
        return
    for name, rows in written.files.items():
        click.echo(f"{folder / name}: {rows:,} rows")
    for held in written.wallets:
        click.echo(f"{held.currency} {held.origin}: {held.bells:,} bells in {held.lots:,} lots")
    for staying in written.staying:
        click.echo(
            f"{staying.currency}: {staying.debt:,} bells of debts and {staying.frozen:,} frozen ones do not leave, "
            f"of {staying.wallets:,} wallets"
        )
    if written.erased_customers:
        click.echo(f"{written.erased_customers:,} erased customers have no rows")
