"""A platform with its own users: it signs JWTs and serves its keys over HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ISSUER = "https://login.example"
AUDIENCE = "bookshop"

Key = RSAKey | ECKey | OKPKey | OctKey


@dataclass
class Platform:
    """What the platform serves, which a test may change at any time, and how often it was asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    status: int = 200
    asked: int = 0
    url: str = ""
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is not set, an answer is held back."""
    documents: dict[str, bytes] = field(default_factory=dict)
    """What is answered at other paths than the keys', such as a discovery document."""

    def publish(self, key: Key, **members: Any) -> None:
        self.keys.append(key.as_dict(private=False) | members)

    def token(self, key: Key, alg: str, kid: str | None, **changed: Any) -> str:
        """A JWT for `ann`; `changed` claims are set, those that are None left out."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300} | changed
        header = {"alg": alg, "typ": "JWT"} | ({} if kid is None else {"kid": kid})
        payload = msgspec.json.encode({name: value for name, value in claims.items() if value is not None})
        return jws.serialize_compact(header, payload, key, [alg])


@contextmanager
def open_platform() -> Iterator[Platform]:
    """Serve a platform's JWKS on a free port until the block ends."""
    platform = Platform()
    platform.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            platform.asked += 1
            platform.gate.wait(60)
            body = platform.documents.get(self.path, platform.body)
            if body is None:
                body = msgspec.json.encode({"keys": platform.keys})
            self.send_response(platform.status)
            self.send_header("Location", f"{platform.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
