"""What a command works on: the settings, and the database that is there and migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from lingdang.db.embedded import EmbeddedServer
from lingdang.db.external import check_version
from lingdang.db.migrate import migrate, require_migrated
from lingdang.errors import CommandError
from lingdang.settings import Settings, load_settings
from lingdang.signals import ending_in_order


def settings_of(ctx: click.Context, **defaults: Any) -> Settings:
    """The settings, with the command line's `--data-dir` over them. Raises SettingsError."""
    return load_settings(defaults=defaults, data_dir=(ctx.find_root().obj or {}).get("data_dir"))


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
