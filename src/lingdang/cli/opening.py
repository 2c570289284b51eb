"""The shop that a command works on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog

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
    with _logs_apart(), database(settings, server) as url:
        yield deploy(settings, url)


@contextmanager
def _logs_apart() -> Iterator[None]:
    """What a command prints is its answer, so logs go to standard error, unless they were sent elsewhere."""
    if structlog.is_configured():
        yield
        return
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        yield
    finally:
        structlog.reset_defaults()
