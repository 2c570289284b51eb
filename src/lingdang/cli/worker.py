"""`lingdang worker`."""

import socket

import click

from lingdang import __version__
from lingdang.background import TASKS
from lingdang.cli.database import prepare_data_dir, settings_of
from lingdang.cli.opening import opened
from lingdang.serving.apart import run
from lingdang.serving.listening import listen
from lingdang.serving.logs import configure_logging
from lingdang.serving.metrics import Metrics
from lingdang.serving.settled import Tallies
from lingdang.serving.work import SETTLED, run_directory
from lingdang.settings import Settings
from lingdang.signals import StopAsked


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address for --port.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Answer /healthz, /readyz and /metrics there, over plain HTTP; 0 takes a free one.  [default: nowhere]",
)
@click.pass_context
def worker(ctx: click.Context, host: str, port: int | None) -> None:
    """Run the background tasks apart from the server, until a signal (Ctrl-C, SIGTERM, SIGHUP, SIGQUIT) asks to stop.

    With LINGDANG_BACKGROUND=worker the servers leave them to such processes. Any number may run, on any machines that
    share the database and the keyring: they share the work, and go on when one of them ends.
    """
    settings = settings_of(ctx)
    prepare_data_dir(settings)
    configure_logging(settings, "background")
    asked = StopAsked()
    asked.listen()
    listener = None if port is None else listen(host, port, 1)[0]
    with opened(ctx) as deployment:
        if not asked.to_stop:
            click.echo("\n".join(_banner(settings, host, listener)))
            # Of a server that works on the same data directory; whoever works elsewhere is not in its way.
            settled = Tallies(run_directory(settings) / SETTLED)
            run(deployment, asked, Metrics(worker=1), settled, listener=listener)


def _banner(settings: Settings, host: str, listener: socket.socket | None) -> list[str]:
    kept = "embedded PostgreSQL" if settings.database_url is None else "your PostgreSQL"
    lines = [
        f"Lingdang {__version__}  background tasks",
        f"  data       {settings.data_path} ({kept})",
        f"  tasks      {', '.join(TASKS)}",
    ]
    if settings.background == "server":
        lines.append("  shared     with the servers; LINGDANG_BACKGROUND=worker leaves them to this command alone")
    if listener is not None:
        port = listener.getsockname()[1]
        lines.append(f"  watch      http://{f'[{host}]' if ':' in host else host}:{port}/metrics, /healthz and /readyz")
    return [*lines, "  stop       Ctrl-C"]
