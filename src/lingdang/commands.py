"""What every command stands on: the settings, the database that is there and migrated, and the keyring."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psycopg

from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedError, EmbeddedServer
from lingdang.db.external import ExternalError, check_version
from lingdang.db.migrate import NotMigratedError, migrate, require_migrated
from lingdang.ids import CUST_ID_PATTERN, CUST_ID_RULE, ID_PATTERN, ID_RULE
from lingdang.keys import Keyring, KeyringError, create_keyring
from lingdang.settings import Settings, SettingsError, load_settings
from lingdang.signals import ending_in_order

if TYPE_CHECKING:
    from lingdang.app import Deployment


class CommandError(Exception):
    """A command cannot do what it was asked. The message is one sentence for the operator."""


class IdType(click.ParamType[str]):
    """An id as the platform writes it: what matches `pattern`, which `rule` tells in words."""

    name = "id"

    def __init__(self, pattern: str, rule: str) -> None:
        self._pattern = re.compile(pattern)
        self._rule = rule

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._pattern.match(value):
            self.fail(self._rule, param, ctx)
        return str(value)


PLAIN_ID = IdType(ID_PATTERN, ID_RULE)
CUST_ID = IdType(CUST_ID_PATTERN, CUST_ID_RULE)

_EXPLAINED = (CommandError, SettingsError, KeyringError, NotMigratedError, EmbeddedError, ExternalError)


def explanation(error: Exception) -> str | None:
    """The one line that tells an operator what is wrong; None for an error that is a fault of the program."""
    if isinstance(error, _EXPLAINED):
        return str(error)
    if isinstance(error, psycopg.OperationalError):
        return f"the database cannot be reached: {' '.join(str(error).split())}"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return None


def settings_of(ctx: click.Context, **defaults: Any) -> Settings:
    """The settings, with the command line's `--data-dir` over them. Raises SettingsError."""
    return load_settings(defaults=defaults, data_dir=(ctx.find_root().obj or {}).get("data_dir"))


@contextmanager
def opened(ctx: click.Context) -> Iterator["Deployment"]:
    """The deployment that a command works on, its database running for as long as the block.

    Raises SettingsError, KeyringError, EmbeddedError, ExternalError or NotMigratedError.
    """
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    server = embedded_server(settings) if settings.database_url is None else None
    with database(settings, server) as url:
        yield deployment(settings, url)


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory, readable by its owner alone. Raises CommandError when it cannot be written."""
    path = settings.data_path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise CommandError(f"the data directory {path} cannot be written: {error.strerror}") from None


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The data directory's own database, which tells on stderr of anything that takes its time."""
    return EmbeddedServer(settings.data_path, lambda text: click.echo(text, err=True))


@contextmanager
def database(settings: Settings, server: EmbeddedServer | None) -> Iterator[str]:
    """The URL of the migrated database; the embedded one, if it is used, runs for as long as the block."""
    if server is None:
        assert settings.database_url is not None, "there is an embedded server or a URL"
        check_version(settings.database_url)
        require_migrated(settings.database_url)
        yield settings.database_url
        return
    with running(server) as url:
        migrate(url, settings.buckets)
        yield url


@contextmanager
def running(server: EmbeddedServer) -> Iterator[str]:
    """The URL of an embedded server, started or joined for as long as the block."""
    with ending_in_order():
        try:
            url = server.start()
        except (KeyboardInterrupt, SystemExit):
            server.stop()
            raise
        try:
            yield url
        finally:
            server.stop()


def deployment(settings: Settings, url: str) -> "Deployment":
    """What is served or worked on, from the settings and a migrated database. Raises KeyringError."""
    from lingdang.app import Deployment, read_buckets  # it loads the whole application

    return Deployment(settings, url, Keyring(ensure_keyring(settings)), read_buckets(url, settings))


def ensure_keyring(settings: Settings) -> Path:
    """The keyring's file; in the data directory it is made at the first use."""
    if settings.keyring_file is not None:
        return Path(settings.keyring_file).expanduser()
    path = settings.data_path / "keyring.json"
    create_keyring(path, system_clock())
    return path
