"""`lingdang events`."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from lingdang.bulkheads import purpose_pool
from lingdang.cli.forwarding import Forwarder, local_secret
from lingdang.cli.opening import opened
from lingdang.cli.remote_feed import RemoteFeed, secret_of
from lingdang.clock import system_clock
from lingdang.deployment import Deployment, make_witness
from lingdang.errors import CommandError
from lingdang.events.event import Event, encode
from lingdang.events.feed import LATEST, Feed
from lingdang.events.kinds import TYPES
from lingdang.events.webhooks.signing import Secret
from lingdang.signals import NUMBERS

_PAGE = 200
_WAIT_SECONDS = 20.0
_BEGINNINGS = {"start": None, "now": LATEST}

Command = TypeVar("Command", bound=Callable[..., None])


class _Types(click.ParamType[frozenset[str]]):
    """Types with commas between."""

    name = "types"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        named = frozenset(part.strip() for part in value.split(","))
        for unknown in sorted(named - TYPES.keys()):
            self.fail(f"no type is called {unknown!r}; known: {', '.join(TYPES)}", param, ctx)
        return named


class _Source(NamedTuple):
    """Where events are read, and the secret that they are forwarded with."""

    feed: AbstractAsyncContextManager[Feed | RemoteFeed]
    secret: Secret


def _which(command: Command) -> Command:
    """The options that say whose events, and which."""
    options = (
        click.option("--shop", metavar="URL", help="A shop elsewhere, read over its API. Needs --key-file."),
        click.option(
            "--key-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A file with an API key of the scope events:read.",
        ),
        click.option("--after", metavar="POSITION", help="`start`, `now`, or a `next` of the feed or of this command."),
        click.option("--types", type=_Types(), metavar="TYPE,…", help="Only these types."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def events() -> None:
    """What happens in the shop, as its feed and its webhooks tell it.

    Read from the database of the settings, without an API key and while no server runs too; with --shop from a shop
    elsewhere.
    """


@events.command()
@_which
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.pass_context
def tail(
    ctx: click.Context,
    shop: str | None,
    key_file: Path | None,
    after: str | None,
    types: frozenset[str] | None,
    follow: bool,
) -> None:
    """Print events, one a line, as JSON: from the start, or with --follow from now on, unless --after says otherwise.

    At the end it tells on standard error from where to go on.
    """
    with _source(ctx, shop, key_file) as source:
        pages = _Pages(after or ("now" if follow else "start"), types, follow)
        _run(_print(source, pages))
        if pages.after not in (None, LATEST):
            click.echo(f"next: {pages.after}", err=True)


@events.command()
@click.option("--forward", required=True, metavar="URL", help="Where your server takes webhooks.")
@_which
@click.option("--thin", is_flag=True, help="Without what they tell, as a thin endpoint's.")
@click.pass_context
def listen(
    ctx: click.Context,
    forward: str,
    shop: str | None,
    key_file: Path | None,
    after: str | None,
    types: frozenset[str] | None,
    thin: bool,
) -> None:
    """Send what happens from now on to a server that you write, signed as webhooks are, until Ctrl-C.

    The secret is printed: this shop's, or this API key's, for this command alone. One event is sent after the other,
    each once; what your server answers is shown, and the next one follows whatever that was.
    """
    with _source(ctx, shop, key_file) as source:
        secret = source.secret
        forwarder = Forwarder(forward, secret, system_clock, thin=thin)
        click.echo(
            f"forward     {forward}\nsecret      {secret.secret}\npublic key  {secret.public_key}\nstop        Ctrl-C"
        )
        _run(_forward(source, _Pages(after or "now", types, follow=True), forwarder))


@contextmanager
def _source(ctx: click.Context, shop: str | None, key_file: Path | None) -> Iterator[_Source]:
    """The shop elsewhere, or that of the settings. Raises CommandError, and what `opened` does."""
    if (shop is None) != (key_file is None):
        raise CommandError("--shop and --key-file go together: the shop's address, and a file with an API key for it")
    if shop is not None and key_file is not None:
        key = key_file.read_text("utf-8", "replace").strip()
        if not (key.isascii() and key.isprintable() and key):
            raise CommandError(f"{key_file} holds no API key: one line, as `lingdang apikey create` prints it")
        yield _Source(RemoteFeed(shop, key), secret_of(key))
        return
    with opened(ctx) as deployment:
        yield _Source(_own_feed(deployment), local_secret(deployment.keyring))


@asynccontextmanager
async def _own_feed(deployment: Deployment) -> AsyncIterator[Feed]:
    settings = deployment.settings
    async with purpose_pool("reports", deployment.database_url, 1, settings.pgbouncer) as pool:
        yield Feed(pool, deployment.buckets, settings.wallet_low, make_witness(deployment))


class _Pages:
    """Which events are read. `after` is how far they were."""

    def __init__(self, after: str, types: frozenset[str] | None, follow: bool) -> None:
        self.after = _BEGINNINGS.get(after, after)
        self._types = types
        self._follow = follow

    async def of(self, feed: Feed | RemoteFeed) -> AsyncIterator[Event]:
        """One event after the other; to the end, or on and on."""
        while True:
            page = await feed.read(self.after, self._types, _PAGE, _WAIT_SECONDS if self._follow else 0)
            for event in page.items:
                yield event
            if page.next == self.after and not self._follow:
                return
            self.after = page.next


async def _print(source: _Source, pages: _Pages) -> None:
    async with source.feed as feed:
        async for event in pages.of(feed):
            click.echo(encode(event).decode())


async def _forward(source: _Source, pages: _Pages, forwarder: Forwarder) -> None:
    async with forwarder, source.feed as feed:
        async for event in pages.of(feed):
            click.echo(f"{event.type:<22}{event.id}  {await forwarder.send(event)}")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, or until a signal asks it to stop."""
    asyncio.run(_until_asked(work))


async def _until_asked(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    for number in NUMBERS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(NotImplementedError):  # Windows: Ctrl-C ends it all the same
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
