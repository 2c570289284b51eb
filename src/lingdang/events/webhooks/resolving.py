"""Names made into addresses, in threads of their own. A host whose name server is slow takes one of them, and there are
more than endpoints: none waits for another one's name server."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from lingdang.events.webhooks.addresses import Address, read_address

Resolve = Callable[[str], Awaitable[list[str]]]
"""The addresses that a name has, as texts. Raises OSError."""
Allowed = Callable[[Address], bool]

THREADS = 64

_log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """What is asked for must not be connected to. The message says why."""


class Resolver:
    """The system's resolver."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolve")
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """The addresses of a host; who asks while somebody waits for the same is told the same. Raises OSError."""
        if host not in self._asked:
            self._asked[host] = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)
            self._asked[host].add_done_callback(partial(self._forget, host))
        return await asyncio.shield(self._asked[host])

    def _forget(self, host: str, told: asyncio.Future[list[str]]) -> None:
        del self._asked[host]
        if not told.cancelled():
            told.exception()  # whoever asked may have given up

    def close(self) -> None:
        """Let the threads end; one that waits for a name server is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    return [str(place[4][0]) for place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


async def addresses_of(host: str, resolve: Resolve, allowed: Allowed) -> list[Address]:
    """Where a host is: asked for once, and every answer one that is allowed.

    Raises RefusedError for a host with an address that is not, and OSError for a name that nobody knows.
    """
    texts = [host] if read_address(host) is not None else await resolve(host)
    addresses = list(dict.fromkeys(map(read_address, texts)))
    for address in addresses:
        if address is None or not allowed(address):
            # Whoever may write endpoints is not told what the names of the network inside lead to.
            _log.warning("webhook_address_refused", host=host, address=str(address or texts))
            raise RefusedError(f"{host} is at an address where webhooks do not go")
    if not addresses:
        raise OSError(f"{host} has no address")
    return [address for address in addresses if address is not None]
