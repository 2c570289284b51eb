"""One request to an endpoint: to a checked address, within its time, and little of the answer read.

A host is resolved when a connection is made, every address that it has must be allowed, and the connection goes to
one of those. The certificate and the server's name are still the host's. No redirect is followed.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from urllib.parse import unquote, urlsplit

import httpcore2
import msgspec

from lingdang import __version__
from lingdang.events.webhooks.addresses import Address, Network, is_allowed, is_within
from lingdang.events.webhooks.resolving import Allowed, RefusedError, Resolve, Resolver, addresses_of
from lingdang.events.webhooks.targets import Target, TargetError
from lingdang.settings import Settings

CONNECT_SECONDS = 3.0
WHOLE_SECONDS = 15.0
"""From the first look at the name to the end of the answer."""
MOST_BYTES = 64 * 1024
"""So much of an answer is read, for its connection to be used again; its status is known before."""
KEPT_SECONDS = 30.0
"""How long a connection rests for the next request."""
TRIED_ADDRESSES = 3
_SHOWN_CHARACTERS = 200

_AGENT = f"Lingdang/{__version__}".encode()


class Answer(msgspec.Struct, frozen=True):
    """What became of a request: the answer's status, or why there was none."""

    status: int | None
    seconds: float
    body: str = ""
    """How the answer begins."""
    reason: str | None = None
    """Why there was no answer, in a few words."""
    retry_after: str | None = None
    """The header, as it stands."""

    @property
    def accepted(self) -> bool:
        """Whether it is a 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Rules(msgspec.Struct, frozen=True):
    """Where requests may go: beside the public Internet to these networks, at these ports, through this proxy."""

    networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] = (443,)
    proxy: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """As the settings have them."""
        return cls(settings.private_networks, settings.webhook_ports, settings.webhook_proxy)

    def allowed(self, scheme: str) -> Allowed:
        """Which addresses may be connected to: in plain HTTP those of the networks alone."""
        if scheme == "http":
            return lambda address: is_within(address, self.networks)
        return lambda address: is_allowed(address, self.networks)


class Sender:
    """Sends for all endpoints of one process. Connections rest for a while, each to the address that was checked.

    Behind an egress proxy, names are the proxy's to resolve and to refuse; addresses are checked here all the same.
    """

    def __init__(self, rules: Rules, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._rules = rules
        self._own_resolver = Resolver()
        self._resolve: Resolve = resolve or self._own_resolver
        self._tls = tls
        self._pools: dict[str, httpcore2.AsyncConnectionPool] = {}

    def _pool(self, scheme: str) -> httpcore2.AsyncConnectionPool:
        """The connections of a scheme. The authorities of the machine are read when the first one is wanted."""
        if scheme not in self._pools:
            self._pools[scheme] = self._new_pool(scheme)
        return self._pools[scheme]

    def _new_pool(self, scheme: str) -> httpcore2.AsyncConnectionPool:
        through = self._rules.proxy
        return httpcore2.AsyncConnectionPool(
            ssl_context=None if scheme == "http" else self._tls or ssl.create_default_context(),
            proxy=_proxy(through) if through else None,
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=KEPT_SECONDS,
            # The proxy is the operator's own, wherever it is.
            network_backend=None if through else _Checked(self._resolve, self._rules.allowed(scheme)),
        )

    async def check(self, target: Target) -> None:
        """Raises TargetError for what requests would be refused to as things are now. A name that nobody knows yet
        passes."""
        if target.port not in self._rules.ports:
            raise TargetError(f"Port {target.port} is not one of LINGDANG_WEBHOOK_PORTS")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._look(target)
        except RefusedError as error:
            raise TargetError(str(error)) from None
        except (OSError, TimeoutError):
            return

    async def _look(self, target: Target) -> None:
        allowed = self._rules.allowed(target.scheme)
        if self._rules.proxy is None or target.address is not None:
            await addresses_of(target.host, self._resolve, allowed)
        elif target.scheme == "http":
            raise RefusedError("A name behind the proxy is asked for by https alone")

    async def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST a JSON body. Whatever happens is told in the answer; only cancelling raises."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                return await self._post(target, headers, body, began)
        except TimeoutError:
            reason = f"no answer within {WHOLE_SECONDS:.0f} s"
        except httpcore2.TimeoutException:
            reason = f"no connection within {CONNECT_SECONDS:.0f} s"
        except RefusedError as error:
            reason = str(error)
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError, OSError) as error:
            reason = str(error) or type(error).__name__
        return Answer(None, time.monotonic() - began, reason=_line(reason))

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes, began: float) -> Answer:
        if target.port not in self._rules.ports:
            raise RefusedError(f"port {target.port} is not one of LINGDANG_WEBHOOK_PORTS")
        if self._rules.proxy is not None:
            await self._look(target)
        url = httpcore2.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.target.encode()
        )
        fixed = {"Host": target.authority, "Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [(name.encode(), value.encode()) for name, value in (fixed | dict(headers)).items()]
        request = httpcore2.Request(
            "POST",
            url,
            headers=[*lines, (b"User-Agent", _AGENT), (b"Accept-Encoding", b"identity")],
            content=body,
            extensions={"timeout": {"connect": CONNECT_SECONDS}},
        )
        answer = await self._pool(target.scheme).handle_async_request(request)
        assert isinstance(answer.stream, AsyncIterable), "an asynchronous pool answers asynchronously"
        try:
            beginning = await _read(answer.stream)
        finally:
            await answer.aclose()
        return Answer(
            answer.status,
            time.monotonic() - began,
            _line(beginning[: 4 * _SHOWN_CHARACTERS].decode("utf-8", "replace")),
            retry_after=_header(answer.headers, b"retry-after"),
        )

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()
        self._own_resolver.close()


class _Checked(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked, and never to a name."""

    def __init__(self, resolve: Resolve, allowed: Allowed) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library calls it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await addresses_of(host, self._resolve, self._allowed)
                tried = addresses[:TRIED_ADDRESSES]
                each = None if timeout is None else timeout / len(tried)
                return await self._first(tried, port, each, local_address, socket_options)
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"no connection to {host}") from None

    async def _first(
        self,
        addresses: list[Address],
        port: int,
        each: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address that takes one."""
        *others, last = addresses
        for address in others:
            try:
                return await self._network.connect_tcp(str(address), port, each, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(str(last), port, each, local_address, socket_options)


def _proxy(address: str) -> httpcore2.Proxy:
    """The proxy, with the name and the password that its address has."""
    parts = urlsplit(address)
    auth = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return httpcore2.Proxy(address, auth=auth)


async def _read(stream: AsyncIterable[bytes]) -> bytes:
    """The answer, up to the most that is read of one."""
    body = bytearray()
    async for part in stream:
        body += part
        if len(body) > MOST_BYTES:
            break
    return bytes(body[:MOST_BYTES])


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


def _line(text: str) -> str:
    """What is kept of somebody else's text: one line, short, and nothing that moves a terminal."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 2 * _SHOWN_CHARACTERS])
    return " ".join(shown.split())[:_SHOWN_CHARACTERS]
