"""Requests and answers of the stand-in, and the server that gives each provider's part those below its name."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec


@dataclass(frozen=True)
class Request:
    """One request. `path` begins after the provider's name; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""
    """The path with its query, as it was sent."""

    @property
    def form(self) -> dict[str, str]:
        """The body's fields, and those of the query."""
        return {**self.query, **dict(parse_qsl(self.body.decode(), keep_blank_values=True))}


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(content: object, status: int = 200, **headers: str) -> Answer:
    """An answer of JSON."""
    return Answer(status, msgspec.json.encode(content), {"content-type": "application/json", **headers})


Handler = Callable[[Request], Answer | None]
"""Answers a request; None: the connection is closed without a word."""


@contextmanager
def serving(handlers: Mapping[str, Handler], port: int = 0) -> Iterator[str]:
    """The address at which each handler answers below its name, for as long as it is held."""
    server = _Server(("127.0.0.1", port), _handler(handlers))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of whoever goes away, as a killed process does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(handlers: Mapping[str, Handler]) -> type[BaseHTTPRequestHandler]:
    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = urlsplit(self.path)
            name, _, rest = parts.path[1:].partition("/")
            target = "/" + rest + (f"?{parts.query}" if parts.query else "")
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(self.command, "/" + rest, query, headers, body, target)
            answer = handlers[name](request) if name in handlers else Answer(404)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return _Handler
