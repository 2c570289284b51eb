"""`lingdang apikey`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import msgspec

from lingdang.cli.arguments import PLAIN_ID
from lingdang.cli.database import settings_of
from lingdang.cli.opening import opened
from lingdang.db.pool import Connection, connect_options
from lingdang.deployment import Deployment
from lingdang.errors import CommandError
from lingdang.identity import api_keys
from lingdang.identity.api_keys import SCOPES, Scope

T = TypeVar("T")


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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
