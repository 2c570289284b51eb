"""`lingdang customer` and `lingdang apikey`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import msgspec

from lingdang.app import Deployment
from lingdang.commands import CUST_ID, PLAIN_ID, CommandError, opened, settings_of
from lingdang.db.pool import Connection, connect_options, make_pool
from lingdang.errors import Problem
from lingdang.identity import api_keys
from lingdang.identity.api_keys import SCOPES, Scope
from lingdang.identity.customers import Added, add_customer
from lingdang.identity.passwords import NewPassword, Passwords

T = TypeVar("T")


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def customer() -> None:
    """Add customers who sign in with a password."""


@customer.command("add")
@click.argument("cust_id", metavar="CUSTID", type=CUST_ID)
@click.option("--password-stdin", is_flag=True, help="Read the password, one line, from standard input.")
@_as_json
@click.pass_context
def add(ctx: click.Context, cust_id: str, password_stdin: bool, as_json: bool) -> None:
    """Add the customer CUSTID; the same again changes nothing.

    With --password-stdin they can sign in with that password. A new one ends the sessions opened with the old.
    """
    password = _read_password() if password_stdin else None
    with opened(ctx) as deployment:
        added = asyncio.run(add_customer_now(deployment, cust_id, password))
    if as_json:
        _print_json({"custId": cust_id, "created": added.created, "createdAt": added.created_at})
    else:
        click.echo(f"{cust_id}: {'added' if added.created else 'there already'}{', password set' if password else ''}")


async def add_customer_now(deployment: Deployment, cust_id: str, password: str | None) -> Added:
    """Add a customer from outside a server. Raises CommandError with the refusal's sentence."""
    passwords = Passwords()
    try:
        async with make_pool(deployment.database_url, 2, deployment.settings.pgbouncer) as pool:
            return await add_customer(pool, passwords, deployment.buckets, cust_id, password, deployment.clock())
    except Problem as problem:
        raise CommandError(f"{problem.code}: {problem.kind.detail.format_map(problem.members)}") from None
    finally:
        passwords.close()


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        return msgspec.convert(password, NewPassword)
    except msgspec.ValidationError:
        raise click.UsageError("the password must have 8 to 256 characters") from None


@click.group()
def apikey() -> None:
    """Make, list and revoke keys for the operators' API."""


@apikey.command("create")
@click.argument("name", type=PLAIN_ID)
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="May be repeated.")
@_as_json
@click.pass_context
def create(ctx: click.Context, name: str, scopes: tuple[Scope, ...], as_json: bool) -> None:
    """Make a key called NAME and print it, this once."""
    key = _run(ctx, lambda c, d: api_keys.create_api_key(c, name, scopes, d.clock()))
    if key is None:
        raise CommandError(f"a key called {name} is in use; revoke it first or choose another name")
    if as_json:
        _print_json({"name": name, "scopes": sorted(set(scopes)), "key": key})
    else:
        click.echo(f"{name} may {', '.join(sorted(set(scopes)))}. Keep the key, it is not shown again:", err=True)
        click.echo(key)


@apikey.command("list")
@_as_json
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show every key's name, the id in it, its scopes and state; never its secret."""
    rows = _run(ctx, lambda c, _: api_keys.list_api_keys(c))
    if as_json:
        _print_json(rows)
        return
    zone = settings_of(ctx).zone
    for row in rows:
        state = f"revoked {row.revoked_at.astimezone(zone):%Y-%m-%d}" if row.revoked_at else "in use"
        since = row.created_at.astimezone(zone)
        click.echo(f"{row.name}  ld_{row.key_id}_…  {', '.join(row.scopes)}  since {since:%Y-%m-%d}, {state}")


@apikey.command("revoke")
@click.argument("name", type=PLAIN_ID)
@click.pass_context
def revoke(ctx: click.Context, name: str) -> None:
    """Refuse the key called NAME from now on, everywhere."""
    if not _run(ctx, lambda c, d: api_keys.revoke_api_key(c, name, d.clock())):
        raise CommandError(f"no key called {name} is in use")
    click.echo(f"{name}: revoked")


def _run(ctx: click.Context, work: Callable[[Connection, Deployment], Awaitable[T]]) -> T:
    with opened(ctx) as deployment:
        return asyncio.run(_connected(deployment, work))


async def _connected(deployment: Deployment, work: Callable[[Connection, Deployment], Awaitable[T]]) -> T:
    options = connect_options(deployment.settings.pgbouncer)
    async with await Connection.connect(deployment.database_url, **options) as connection:
        return await work(connection, deployment)


def _print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())
