"""The shop that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from lingdang.cli.database import database, embedded_server, prepare_data_dir, settings_of
from lingdang.deployment import Deployment, deploy


@contextmanager
def opened(ctx: click.Context) -> Iterator[Deployment]:
    """The deployment that a command works on, its database running for as long as the block.

    Raises SettingsError, KeyringError, EmbeddedError, ExternalError or NotMigratedError.
    """
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    server = embedded_server(settings) if settings.database_url is None else None
    with database(settings, server) as url:
        yield deploy(settings, url)
