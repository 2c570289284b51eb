"""The load generator: one thread, kept-alive connections, and as little work for each request as Python allows.

What a connection does is a *flow*: a Python generator that yields a request's bytes and is sent its answer. Several
flows may draw their requests from one shared iterator.
"""

import gc
import selectors
import socket
import ssl
import time
from array import array
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from proof.server import Target

PATIENCE = 30.0
"""Seconds without any answer after which the server counts as stuck."""

_NOT_YET = (BlockingIOError, ssl.SSLWantReadError)
_LENGTH = b"content-length: "


class LoadError(Exception):
    """The server closed a connection, stopped answering or did not speak HTTP/1.1."""


class Answer(NamedTuple):
    """One response; `body` is whole."""

    status: int
    body: bytes

    @property
    def outcome(self) -> str:
        """The status, and the problem's code when it is a refusal: `200`, `409 already_owned`."""
        code = between(self.body, b'"code":"', b'"') if self.status >= 400 else b""
        return f"{self.status} {code.decode()}".rstrip()


Flow = Generator[bytes, Answer, None]


class Load:
    """What a run of the generator saw. Latencies are in seconds, one for each answer."""

    def __init__(self) -> None:
        self.latencies = array("d")
        self.outcomes: Counter[str] = Counter()
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def begin(self) -> None:
        """The clock starts now."""

    def add(self, answer: Answer, seconds: float) -> None:
        """Count one answer."""
        self.latencies.append(seconds)
        self.outcomes["200" if answer.status == 200 else answer.outcome] += 1


def run(target: Target, flows: Sequence[Flow], seconds: float, load: Load | None = None) -> Load:
    """Run each flow on a connection of its own until it ends or `seconds` are over; what was sent is waited for.

    `load` sees the answers, or else a new one does. Connections are open and their handshakes done before the clock
    starts. Raises LoadError.
    """
    with connected(target, len(flows)) as connections:
        return drive(connections, flows, seconds, load or Load())


@contextmanager
def connected(target: Target, count: int) -> "Iterator[list[Connection]]":
    """So many open connections, until the block ends."""
    connections = [Connection(target) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.socket.close()


def drive(connections: "Sequence[Connection]", flows: Sequence[Flow], seconds: float, load: Load) -> Load:
    """As `run`, on connections that are open and idle, and are so again afterwards."""
    with no_collections(), selectors.DefaultSelector() as selector:
        load.begin()
        cpu, started = time.process_time(), time.perf_counter()
        for connection, flow in zip(connections, flows, strict=True):
            if connection.start(flow):
                selector.register(connection.socket, selectors.EVENT_READ, connection)
        _serve(selector, started + seconds, load.add)
        load.seconds = time.perf_counter() - started
        load.cpu_seconds = time.process_time() - cpu
    return load


def _serve(selector: selectors.BaseSelector, deadline: float, add: Callable[[Answer, float], None]) -> None:
    clock = time.perf_counter
    while selector.get_map():
        ready = selector.select(PATIENCE)
        if not ready:
            raise LoadError(f"no answer for {PATIENCE:.0f} s")
        for key, _ in ready:
            connection: Connection = key.data
            answer = connection.receive()
            if answer is None:
                continue
            now = clock()
            add(answer, now - connection.sent_at)
            if not connection.go_on(answer, now < deadline):
                selector.unregister(connection.socket)


class Connection:
    """One connection with at most one request under way."""

    __slots__ = ("_flow", "_received", "sent_at", "socket")

    def __init__(self, target: Target) -> None:
        plain = socket.create_connection((target.host, target.port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = target.tls.wrap_socket(plain, server_hostname=target.host) if target.tls else plain
        self.socket.setblocking(False)
        self.sent_at = 0.0
        self._flow = prepared(iter(()))
        self._received = b""

    def start(self, flow: Flow) -> bool:
        """Send the flow's first request; False when it has none."""
        self._flow = flow
        request = next(flow, None)
        return request is not None and self._send(request)

    def go_on(self, answer: Answer, in_time: bool) -> bool:
        """Hand the flow its answer and send what it asks for next; False at its end, or when time is up."""
        try:
            request = self._flow.send(answer)
        except StopIteration:
            return False
        return in_time and self._send(request)

    def receive(self) -> Answer | None:
        """What has arrived, once it is a whole response; over TLS head and body are often two records."""
        while True:
            try:
                data = self.socket.recv(65536)
            except _NOT_YET:
                return None
            if not data:
                raise LoadError("the server closed a connection")
            self._received += data
            answer = parse(self._received)
            if answer is not None:
                self._received = b""
                return answer

    def _send(self, request: bytes) -> bool:
        self.sent_at = time.perf_counter()
        sent = self.socket.send(request)
        if sent != len(request):
            raise LoadError("a request does not fit into the socket's buffer")
        return True


def parse(data: bytes) -> Answer | None:
    """The response that `data` is, or None while a part is missing. Raises LoadError for anything else."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return None
    start = data.find(_LENGTH, 0, head)
    if start < 0:
        raise LoadError(f"a response without content-length: {data[:head]!r}")
    start += len(_LENGTH)
    body = head + 4
    missing = body + int(data[start : data.index(b"\r", start)]) - len(data)
    if missing > 0:
        return None
    if missing < 0:
        raise LoadError("more than the response was sent")
    return Answer(int(data[9:12]), data[body:])


def prepared(requests: Iterator[bytes]) -> Flow:
    """A flow that sends what was made before the clock started."""
    for request in requests:  # noqa: UP028 - an iterator cannot be sent the answers
        yield request


def between(text: bytes, before: bytes, after: bytes) -> bytes:
    """What stands between two marks, or nothing when the first is missing."""
    _, _, rest = text.partition(before)
    return rest.partition(after)[0]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the sorted values do not exceed; 0 of none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


@contextmanager
def no_collections() -> Iterator[None]:
    """A hundred thousand prepared requests would be walked again and again by the garbage collector.

    Within another such block nothing is collected either.
    """
    if not gc.isenabled():
        yield
        return
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
