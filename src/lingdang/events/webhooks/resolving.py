"""Names made into addresses: each time once, in threads of its own, so that a slow name server holds up nobody else."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from lingdang.events.webhooks.addresses import Address, read_address

Resolve = Callable[[str], Awaitable[list[str]]]
"""The addresses that a name has, as texts. Raises OSError."""
Allowed = Callable[[Address], bool]

_THREADS = 8


class RefusedError(Exception):
    """What is asked for must not be connected to. The message says why."""


class Resolver:
    """The system's resolver."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str) -> list[str]:
        """The addresses of a host. Raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)

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
            raise RefusedError(f"{host} is at {address or texts}, where webhooks do not go")
    if not addresses:
        raise OSError(f"{host} has no address")
    return [address for address in addresses if address is not None]
