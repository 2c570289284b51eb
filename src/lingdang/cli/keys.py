"""`lingdang keys`."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import click

from lingdang.cli.database import embedded_server, prepare_data_dir, settings_of
from lingdang.cli.opening import opened
from lingdang.clock import rfc3339, system_clock
from lingdang.db.pool import Connection, connect_options
from lingdang.deployment import Deployment
from lingdang.errors import CommandError
from lingdang.events.webhooks.secrets import Secrets
from lingdang.keys import KNOWN_SECONDS, Keyring, Version, ensure_keyring, retire, rotate


@click.group()
def keys() -> None:
    """The master secrets, from which every key is derived."""


@keys.command("rotate")
@click.option(
    "--activate-in",
    type=click.IntRange(0, 30 * 86400),
    default=0,
    metavar="SECONDS",
    help="Seal with the new secret only later, when every machine has the file. [default: 0]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the new version as JSON.")
@click.pass_context
def rotate_keys(ctx: click.Context, activate_in: int, as_json: bool) -> None:
    """Add a new secret. What older ones sealed stays valid until they are retired."""
    file = _file(ctx)
    now = system_clock()
    version = rotate(file, now, now + timedelta(seconds=activate_in))
    _print([version], as_json)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the versions as JSON.")
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Every version that is not retired, with its dates. Secrets are never shown."""
    _print(list(Keyring(_file(ctx)).versions()), as_json)


@keys.command("retire")
@click.argument("version", type=click.IntRange(1))
@click.option("--force", is_flag=True, help="Without a look at the database: webhooks' secrets under it are lost.")
@click.option("--json", "as_json", is_flag=True, help="Print the version as JSON.")
@click.pass_context
def retire_key(ctx: click.Context, version: int, force: bool, as_json: bool) -> None:
    """Stop accepting what secret VERSION sealed: its sessions, order tokens and receipts.

    Secrets of webhooks' endpoints, which the database keeps, are sealed anew first by the secret in use.
    """
    file = _file(ctx)
    if not force:
        _spare_webhooks(ctx, f"k{version}")
    _print([retire(file, version, system_clock())], as_json)


def _spare_webhooks(ctx: click.Context, kid: str) -> None:
    """See that no endpoint's secret ends with a version. Raises CommandError."""
    settings = settings_of(ctx)
    if settings.database_url is None and not embedded_server(settings).is_made():
        raise CommandError(
            "there is no database here to look for webhooks' secrets in: run this with the server's settings, or with"
            " --force where there are no webhooks"
        )
    with opened(ctx) as deployment:
        _wait_until_known(deployment.keyring)
        losing = asyncio.run(_losing(deployment, kid))
    if losing:
        raise CommandError(
            f"version {kid[1:]} is the one in use, which seals the secrets of the webhooks {', '.join(losing)}: run"
            " `lingdang keys rotate` first"
        )


def _wait_until_known(keyring: Keyring) -> None:
    """Until no server seals by the version before the one in use any more."""
    age = (system_clock() - keyring.used_since()).total_seconds()
    if age < KNOWN_SECONDS:
        sleep(KNOWN_SECONDS - age)


async def _losing(deployment: Deployment, kid: str) -> list[str]:
    """The endpoints that would lose a secret, when all that can be is sealed anew."""
    secrets = Secrets(deployment.keyring)
    options = connect_options(deployment.settings.pgbouncer)
    async with await Connection.connect(deployment.database_url, **options) as connection, connection.transaction():
        await secrets.seal_all_anew(connection)
        return await secrets.sealed_by(connection, kid)


def _print(versions: list[Version], as_json: bool) -> None:
    shown = [_shown(version) for version in versions]
    if as_json:
        click.echo(json.dumps(shown))
        return
    for version in shown:
        state = f"retired {version['retiredAt']}" if version["retiredAt"] else f"active from {version['activeAt']}"
        click.echo(f"{version['version']}\tmade {version['createdAt']}\t{state}")


def _shown(version: Version) -> dict[str, Any]:
    """A version without its secret."""
    return {
        "version": version.version,
        "createdAt": rfc3339(version.created_at),
        "activeAt": rfc3339(version.active_at),
        "retiredAt": version.retired_at and rfc3339(version.retired_at),
    }


def _file(ctx: click.Context) -> Path:
    """The keyring's file, which is there."""
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    return ensure_keyring(settings.keyring_file, settings.data_path)
