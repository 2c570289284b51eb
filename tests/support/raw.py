"""HTTP by the byte: what is sent as it stands, and what comes back taken apart."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from support.served import Served
from support.shop import PATIENCE


class Answer(NamedTuple):
    """One answer. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def connected(served: Served, timeout: float = PATIENCE) -> Iterator[socket.socket]:
    """A connection, over TLS where the server speaks it."""
    url = httpx.URL(served.url)
    plain = socket.create_connection((url.host, url.port or 0), timeout=timeout)
    connection: socket.socket = plain
    if url.scheme == "https":
        trusted = ssl.create_default_context(cafile=str(served.data_dir / "tls" / "ca.pem"))
        connection = trusted.wrap_socket(plain, server_hostname=url.host)
    with connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def talk(served: Served, sent: bytes) -> list[Answer]:
    """The answers to these bytes, until the server closes."""
    with connected(served) as connection:
        connection.sendall(sent)
        return answers(until_closed(connection))


def answers(received: bytes, *, bodiless: bool = False) -> list[Answer]:
    """The answers of which these bytes consist, each with a Content-Length; `bodiless`: to HEAD."""
    found = []
    while received:
        head, gap, received = received.partition(b"\r\n\r\n")
        assert gap, f"not a whole answer: {head!r}"
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if bodiless else int(headers.get("content-length", "0"))
        assert len(received) >= length, "an answer was cut off"
        found.append(Answer(int(first.split()[1]), headers, received[:length]))
        received = received[length:]
    return found


def problem_of(answer: Answer) -> dict[str, Any]:
    """The refusal's members, seen to be as every refusal is."""
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status
    assert {"type", "title", "detail", "code", "requestId"} <= told.keys()
    assert answer.headers["x-request-id"] == told["requestId"]
    return told
