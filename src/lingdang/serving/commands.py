"""`lingdang serve` and `lingdang keys`."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec
import structlog
from fasteners import InterProcessLock

from lingdang import __version__
from lingdang.clock import rfc3339, system_clock
from lingdang.commands import CommandError, database, ensure_keyring, prepare_data_dir, settings_of
from lingdang.db.bulkheads import connections_of_worker
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.tuning import COMMANDS, MAX_CONNECTIONS
from lingdang.keys import Keyring, Version, retire, rotate
from lingdang.serving.descriptors import raise_limit
from lingdang.serving.listening import listen, takes_both
from lingdang.serving.logs import configure_logging
from lingdang.serving.metrics import empty_directory
from lingdang.serving.supervisor import Supervisor, works
from lingdang.serving.tls import Certificate, local_certificate, own_certificate
from lingdang.serving.work import Work
from lingdang.settings import Settings
from lingdang.signals import Asked

_log = structlog.get_logger(__name__)

_DEMO: Final = {"refund_days": 14}
"""What a demo shows that is off elsewhere, unless it is configured."""


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
    settings = settings_of(ctx, **(_DEMO if demo else {}))
    _require_connections(settings, workers)
    prepare_data_dir(settings)
    configure_logging(settings, "supervisor")
    asked = Asked()
    asked.listen()
    raise_limit(settings)
    host = "::" if takes_both(host) else host
    with _only_one(settings.data_path) as claim:
        listeners = listen(host, port, workers)
        certificate = None if http else _certificate(settings, host)
        address = _address(host, listeners[0].getsockname()[1], certificate)
        claim(address)
        Keyring(ensure_keyring(settings))
        server = EmbeddedServer(settings.data_path, _log.warning) if settings.database_url is None else None
        with database(settings, server) as url:
            opening = _Opening(host, address, certificate, workers, demo, _demo(settings, url, fill=demo))
            settings = msgspec.structs.replace(settings, demo=demo or settings.demo)
            metrics = settings.data_path / "run" / "metrics"
            empty_directory(metrics)
            work = Work(1, settings, url, certificate, metrics)
            Supervisor(works(work, workers), listeners, server, asked).run(lambda: _announce(settings, opening))


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
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    now = system_clock()
    version = rotate(ensure_keyring(settings), now, now + timedelta(seconds=activate_in))
    _print([version], as_json)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the versions as JSON.")
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Every version that is not retired, with its dates. Secrets are never shown."""
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    _print(list(Keyring(ensure_keyring(settings)).versions()), as_json)


@keys.command("retire")
@click.argument("version", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print the version as JSON.")
@click.pass_context
def retire_key(ctx: click.Context, version: int, as_json: bool) -> None:
    """Stop accepting what secret VERSION sealed: its sessions, order tokens and receipts."""
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    _print([retire(ensure_keyring(settings), version, system_clock())], as_json)


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


class _Demo(NamedTuple):
    """What a shop has of the demo: the customer whose password is published; or what was there instead of nothing."""

    customer: bool
    in_the_way: str | None = None


class _Opening(NamedTuple):
    """How the shop was opened."""

    host: str
    address: str
    certificate: Certificate | None
    workers: int
    demo: bool
    has: _Demo

    @property
    def authority(self) -> Path | None:
        return self.certificate.authority if self.certificate else None


def _demo(settings: Settings, url: str, *, fill: bool) -> _Demo:
    from lingdang.serving.demo import fill_demo, has_demo_customer

    in_the_way = fill_demo(settings, url) if fill else None
    return _Demo(has_demo_customer(settings, url), in_the_way)


def _announce(settings: Settings, opening: _Opening) -> None:
    """What an operator wants to know at the start, on standard output; what is dangerous in the log as well."""
    kept = "embedded PostgreSQL" if settings.database_url is None else "your PostgreSQL"
    lines = [
        f"Lingdang {__version__}  {opening.address}",
        f"  data       {settings.data_path} ({kept})",
        f"  workers    {opening.workers}",
    ]
    if takes_both(opening.host):
        lines.append("  listens    on all addresses of this machine, IPv6 and IPv4")
    if opening.authority:
        lines.append(f"  authority  {opening.authority} (tell clients to trust it)")
    if opening.certificate is None and not settings.trusted_proxies:
        lines.append(
            "  addresses  behind a proxy all clients have the proxy's, and limits by address take them for one:"
        )
        lines.append("             name the proxy in LINGDANG_TRUSTED_PROXIES")
        _log.warning("one_address_for_all", setting="LINGDANG_TRUSTED_PROXIES")
    lines += _of_demo(settings, opening)
    lines.append("  stop       Ctrl-C")
    click.echo("\n".join(lines))


def _of_demo(settings: Settings, opening: _Opening) -> list[str]:
    """What is open to everybody, and what there is to try."""
    from lingdang.demo.coupons import CODE
    from lingdang.serving.demo import BELLS

    lines = []
    if settings.demo:
        by = "--demo" if opening.demo else "LINGDANG_DEMO"
        lines.append(f"  demo mode  on by {by}: everybody may use the signing lab. Never run it in public")
        _log.warning("demo_mode", by=by)
    if opening.demo and settings.refund_days:
        lines.append(f"  refunds    for {settings.refund_days} days customers may refund what they have not opened")
    if opening.has.in_the_way:
        lines.append(f"  not filled there are {opening.has.in_the_way} in this shop: --demo fills an empty one only")
    if opening.has.customer:
        lines.append(
            f"  customer   demo, password demo-demo (known to everybody), {BELLS:,} bells and five vouchers at first;"
        )
        lines.append(f"             code {CODE} for one more")
        _log.warning("demo_customer", customer="demo")
    if opening.demo and opening.has.customer:
        trust = f" --ca {opening.authority}" if opening.authority else ""
        lines.append(f"  open       {opening.address} in a browser (it asks once about the shop's own certificate)")
        lines.append(f"  try it     {_python()} examples/first_purchase.py --url {opening.address}{trust}")
    return lines


def _python() -> str:
    """The interpreter that has what the example needs, as it is called from here."""
    here = Path(sys.executable)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)
