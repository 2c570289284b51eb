"""`lingdang customer`."""

import asyncio
import sys

import click
import msgspec

from lingdang.cli.arguments import CUST_ID
from lingdang.cli.opening import opened
from lingdang.db.pool import make_pool
from lingdang.deployment import Deployment
from lingdang.identity.customers import Added, add_customer
from lingdang.identity.passwords import NewPassword, Passwords


@click.group()
def customer() -> None:
    """Add customers who sign in with a password."""


@customer.command("add")
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.option("--password-stdin", is_flag=True, help="Read the password, one line, from standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def add(ctx: click.Context, cust_id: str, password_stdin: bool, as_json: bool) -> None:
    """Add the customer CUSTID; the same again changes nothing.

    With --password-stdin they can sign in with that password. A new one ends the sessions opened with the old.
    """
    password = _read_password() if password_stdin else None
    with opened(ctx) as deployment:
        added = asyncio.run(_add(deployment, cust_id, password))
    if as_json:
        shown = {"custId": cust_id, "created": added.created, "createdAt": added.created_at}
        click.echo(msgspec.json.encode(shown).decode())
    else:
        click.echo(f"{cust_id}: {'added' if added.created else 'there already'}{', password set' if password else ''}")


async def _add(deployment: Deployment, cust_id: str, password: str | None) -> Added:
    passwords = Passwords()
    try:
        async with make_pool(deployment.database_url, 2, deployment.settings.pgbouncer) as pool:
            return await add_customer(pool, passwords, deployment.buckets, cust_id, password, deployment.clock())
    finally:
        passwords.close()


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        return msgspec.convert(password, NewPassword)
    except msgspec.ValidationError:
        raise click.UsageError("the password must have 8 to 256 characters") from None
