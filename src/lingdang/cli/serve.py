"""`lingdang serve`."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import structlog
from fasteners import InterProcessLock

from lingdang.bulkheads import connections_apart, connections_of_worker
from lingdang.cli.announcing import Demo, Opening, announce
from lingdang.cli.database import database, prepare_data_dir, settings_of
from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.tuning import COMMANDS, MAX_CONNECTIONS
from lingdang.demo import SETTINGS
from lingdang.errors import CommandError
from lingdang.keys import Keyring, ensure_keyring
from lingdang.serving.descriptors import raise_limit
from lingdang.serving.listening import listen, takes_both
from lingdang.serving.logs import configure_logging
from lingdang.serving.metrics import empty_directory
from lingdang.serving.supervisor import Supervisor, works
from lingdang.serving.tls import Certificate, local_certificate, own_certificate
from lingdang.serving.work import Work, run_directory
from lingdang.settings import Settings
from lingdang.signals import StopAsked

_log = structlog.get_logger(__name__)


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; `::` is all, IPv6 and IPv4."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N")
@click.option("--demo", is_flag=True, help="Fill an empty shop: books, and a customer with 10,000 bells.")
@click.option("--http", is_flag=True, help="Plain HTTP, behind a proxy that terminates TLS.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, demo: bool, http: bool) -> None:
    """Serve the shop over HTTPS until a signal (Ctrl-C, SIGTERM, SIGHUP, SIGQUIT) asks it to stop.

    With no configuration it starts its own PostgreSQL and makes a local certificate authority in the data directory.
    """
    settings = settings_of(ctx, **(SETTINGS if demo else {}))
    _require_connections(settings, workers)
    prepare_data_dir(settings)
    configure_logging(settings, "supervisor")
    asked = StopAsked()
    asked.listen()
    raise_limit(settings)
    host = "::" if takes_both(host) else host
    with _only_one(settings.data_path) as claim:
        listeners = listen(host, port, workers)
        certificate = None if http else _certificate(settings, host)
        address = _address(host, listeners[0].getsockname()[1], certificate)
        claim(address)
        Keyring(ensure_keyring(settings.keyring_file, settings.data_path))
        server = EmbeddedServer(settings.data_path, _log.warning) if settings.database_url is None else None
        with database(settings, server) as url:
            opening = Opening(host, address, certificate, workers, demo, _demo(settings, url, fill=demo))
            settings = msgspec.structs.replace(settings, demo=demo or settings.demo)
            work = Work(1, settings, url, certificate, run_directory(settings))
            for counts in (work.metrics_directory, work.settled_directory):
                empty_directory(counts)
            beside = work if settings.background == "server" else None
            supervisor = Supervisor(works(work, workers), listeners, server, asked, beside)
            supervisor.run(lambda: announce(settings, opening))


@contextmanager
def _only_one(data_path: Path) -> Iterator[Any]:
    """Hold the data directory for this server alone. Yields what writes down its address."""
    lock = InterProcessLock(data_path / "serve.lock")
    note = data_path / "serve.json"
    if not lock.acquire(blocking=False):
        raise CommandError(f"a server works on {data_path} already{_who(note)}")
    note.unlink(missing_ok=True)  # one that is found here tells of a server that was killed
    try:
        yield lambda address: note.write_text(json.dumps({"pid": os.getpid(), "address": address}))
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _who(note: Path) -> str:
    try:
        found = json.loads(note.read_text())
        return f": process {found['pid']}, at {found['address']}"
    except (OSError, ValueError, KeyError):
        return ""


def _require_connections(settings: Settings, workers: int) -> None:
    """Refuse more connections than the embedded database has. One of the operator's own is theirs to size."""
    wanted, most = workers * connections_of_worker(settings.pool_size, settings.buckets), MAX_CONNECTIONS - COMMANDS
    if settings.background == "server":
        wanted += connections_apart(settings.buckets)
    if settings.database_url is None and wanted > most:
        raise CommandError(
            f"{workers} workers would open up to {wanted} connections, and the embedded database has {most} for them: "
            "set LINGDANG_POOL_SIZE or --workers lower, or use a PostgreSQL of your own"
        )


def _certificate(settings: Settings, host: str) -> Certificate:
    if settings.tls_cert and settings.tls_key:
        return own_certificate(settings.tls_cert, settings.tls_key)
    if settings.tls_cert or settings.tls_key:
        raise CommandError("LINGDANG_TLS_CERT and LINGDANG_TLS_KEY go together: set both or neither")
    return local_certificate(settings.data_path / "tls", host, system_clock())


def _address(host: str, port: int, certificate: Certificate | None) -> str:
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)  # noqa: S104 - shown, not bound
    return f"{'https' if certificate else 'http'}://{f'[{name}]' if ':' in name else name}:{port}"


def _demo(settings: Settings, url: str, *, fill: bool) -> Demo:
    from lingdang.demo.filling import fill_demo, has_demo_customer  # it loads most of the application

    in_the_way = fill_demo(settings, url) if fill else None
    return Demo(has_demo_customer(settings, url), in_the_way)
