"""`lingdang topup inbox`: what providers told."""

import click

from lingdang.cli.arguments import OWN_ID
from lingdang.cli.printing import as_json_option, print_all
from lingdang.cli.topup_opening import run_on_shop
from lingdang.clock import rfc3339
from lingdang.topup.inbox_reading import Entry, newest

_MOST = 1000


@click.command()
@click.argument("account", metavar="[ACCOUNT]", required=False, type=OWN_ID)
@click.option("--most", type=click.IntRange(1, _MOST), default=50, show_default=True)
@as_json_option
@click.pass_context
def inbox(ctx: click.Context, account: str | None, most: int, as_json: bool) -> None:
    """Show what providers told, newest first: of ACCOUNT, or of all.

    Each line: when, account, verdict (`sound`, `probe`, or `forged` with the reason), type, top-up, entry. Entries that
    begin with `told` are notifications, those with `refused` were not taken, all others are answers to a question.
    """
    print_all(run_on_shop(ctx, lambda pool, _: newest(pool, account, most)), as_json, _line)


def _line(entry: Entry) -> str:
    whose = str(entry.topup_id or "-")
    return f"{rfc3339(entry.at)}  {entry.account}  {entry.verdict}  {entry.type or '-'}  {whose}  {entry.entry}"
