"""`lingdang customer`."""

import asyncio
import sys

import click
import msgspec

from lingdang.cli.arguments import CUST_ID
from lingdang.cli.opening import opened
from lingdang.db.pool import Pool
from lingdang.deployment import Deployment
from lingdang.identity.customers import Added, add_customer
from lingdang.identity.passwords import NewPassword, Passwords
from lingdang.moving import personal


@click.group()
def customer() -> None:
    """Add customers who sign in with a password; tell, erase or rename one."""


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


@customer.command("export")
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.pass_context
def export(ctx: click.Context, cust_id: str) -> None:
    """Print everything that is kept of CUSTID, as JSON."""
    with opened(ctx) as deployment:
        click.echo(personal.export_customer(deployment, cust_id))


@customer.command("erase")
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.option("--despite-bells", is_flag=True, help="Erase a customer who has bells, which nobody can spend then.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def erase(ctx: click.Context, cust_id: str, despite_bells: bool, yes: bool) -> None:
    """Erase CUSTID: the id itself, password, groups, cart, past orders, sign-ins and kept answers.

    The journal keeps its rows, of a customer without a name, so that sums and seals stay whole. Whoever signs in with
    this id later is a new customer. All sessions end at once. There is no way back.
    """
    if not yes:
        click.confirm(f"Erase {cust_id} for good?", abort=True, err=True)
    with opened(ctx) as deployment:
        personal.erase_customer(deployment, cust_id, despite_bells=despite_bells)
    click.echo(f"{cust_id}: erased")


@customer.command("rename")
@click.argument("old", metavar="OLD", type=CUST_ID)
@click.argument("new", metavar="NEW", type=CUST_ID)
@click.pass_context
def rename(ctx: click.Context, old: str, new: str) -> None:
    """Change a customer's id from OLD to NEW: bells, rights, orders and vouchers stay theirs.

    All sessions end: the customer signs in as NEW.
    """
    with opened(ctx) as deployment:
        personal.rename_customer(deployment, old, new)
    click.echo(f"{old} is now {new}")


async def _add(deployment: Deployment, cust_id: str, password: str | None) -> Added:
    passwords = Passwords()
    try:
        async with Pool(deployment.database_url, 2, deployment.settings.pgbouncer) as pool:
            return await add_customer(pool, passwords, deployment.buckets, cust_id, password, deployment.clock())
    finally:
        passwords.close()


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        return msgspec.convert(password, NewPassword)
    except msgspec.ValidationError:
        raise click.UsageError("the password must have 8 to 256 characters") from None
