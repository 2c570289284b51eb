"""Requests that two HTTP parsers read differently, past the ASGI cycle and through it: one request is never two."""

import gzip
import socket
import zlib
from collections.abc import Iterator

import pytest

from support.raw import connected
from support.served import Served, serving

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b"{}"


@pytest.fixture(scope="module", params=["direct", "cycle"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Hot requests go past the ASGI cycle; with an access log they go through it."""
    logged = {"access_log": "true"} if request.param == "cycle" else {}
    with serving(tmp_path_factory.mktemp("data") / "shop", "--http", "--workers=1", body_seconds="1", **logged) as up:
        yield up


def talk(served: Served, sent: bytes, *, half: bool = True) -> bytes:
    """Everything that is answered until the server closes."""
    with connected(served) as connection:
        connection.sendall(sent)
        if half:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except (TimeoutError, ConnectionResetError):
            pass
    return received


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def post(*headers: bytes, body: bytes = BODY, path: bytes = b"/v1/payments") -> bytes:
    return b"\r\n".join((b"POST " + path + b" HTTP/1.1", b"Host: x", *headers, b"", b"")) + body


SMUGGLED: dict[str, bytes] = {
    "length and chunks": post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nG" + HIDDEN),
    "chunks and length": post(b"Transfer-Encoding: chunked", b"Content-Length: 40", body=b"0\r\n\r\n" + HIDDEN),
    "two lengths": post(b"Content-Length: 2", b"Content-Length: 40", body=BODY + HIDDEN),
    "two lengths in one": post(b"Content-Length: 2, 40", body=BODY + HIDDEN),
    "length with a sign": post(b"Content-Length: +2", body=BODY + HIDDEN),
    "negative length": post(b"Content-Length: -1", body=BODY + HIDDEN),
    "hexadecimal length": post(b"Content-Length: 0x2", body=BODY + HIDDEN),
    "length with a blank": post(b"Content-Length: 2 2", body=BODY + HIDDEN),
    "length beyond a word": post(b"Content-Length: 18446744073709551618", body=BODY + HIDDEN),
    "blank before the colon": post(b"Content-Length : 2", body=BODY + HIDDEN),
    "blank before the name": post(b" Content-Length: 2", body=BODY + HIDDEN),
    "folded header": post(b"X: a", b"  Transfer-Encoding: chunked", b"Content-Length: 2", body=BODY + HIDDEN),
    "other coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
    "coding twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + HIDDEN),
    "coding in quotes": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n" + HIDDEN),
    "coding with a tab": post(b"Transfer-Encoding:\tchunked\x0b", body=b"0\r\n\r\n" + HIDDEN),
    "NUL in a header": post(b"X: a\0b", b"Content-Length: 2", body=BODY + HIDDEN),
    "bare CR in a header": post(b"X: a\rTransfer-Encoding: chunked", b"Content-Length: 2", body=BODY + HIDDEN),
    "chunk of a negative size": post(b"Transfer-Encoding: chunked", body=b"-1\r\n" + HIDDEN),
    "chunk beyond a word": post(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n" + HIDDEN),
    "chunk without its end": post(b"Transfer-Encoding: chunked", body=b"2\r\n{}" + HIDDEN),
    "HTTP/0.9": b"GET /v1/cart\r\n\r\n" + HIDDEN,
    "HTTP/2 in clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "TLS in clear": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + HIDDEN,
}
PAYMENTS_ANSWERS = {400, 401, 413}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_hidden_request_is_not_answered(served: Served, name: str) -> None:
    """What is hidden asks for /healthz, the only thing here that would be answered 200."""
    received = talk(served, SMUGGLED[name])
    assert set(statuses(received)) <= PAYMENTS_ANSWERS | {404, 505}, (name, received)
    assert received.count(b"HTTP/1.1 ") <= 2, "a refusal of the first, and of what follows"


def test_a_hidden_request_would_be_seen(served: Served) -> None:
    """The same hidden request, not hidden: it is answered, so the tests above can fail."""
    seen = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert statuses(talk(served, post(b"Content-Length: 2") + seen, half=False))[1:] == [200]


TAKEN: dict[str, tuple[bytes, int]] = {
    "chunks": (post(b"Transfer-Encoding: chunked", body=b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), 400),
    "chunks in capitals": (post(b"TRANSFER-ENCODING: CHUNKED", body=b"2\r\n{}\r\n0\r\n\r\n"), 400),
    "trailers": (post(b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nX-Cust-Id: ann\r\n\r\n"), 400),
    "no body": (post(b"Content-Length: 0", body=b""), 400),
    "a query": (post(b"Content-Length: 2", path=b"/v1/payments?x=1"), 400),
    "an absolute form": (post(b"Content-Length: 2", path=b"http://elsewhere/v1/payments"), 400),
    "an escape": (post(b"Content-Length: 2", path=b"/v1/%70ayments"), 400),
    "a slash more": (post(b"Content-Length: 2", path=b"/v1/payments/"), 404),
    "two slashes": (post(b"Content-Length: 2", path=b"//v1/payments"), 404),
    "dots": (post(b"Content-Length: 2", path=b"/v1/x/../payments"), 404),
    "escaped dots": (post(b"Content-Length: 2", path=b"/v1/x/%2e%2e/payments"), 404),
    "another case": (post(b"Content-Length: 2", path=b"/V1/PAYMENTS"), 404),
    "a parameter": (post(b"Content-Length: 2", path=b"/v1/payments;x=1"), 404),
    "a NUL": (post(b"Content-Length: 2", path=b"/v1/payments%00"), 404),
    "gzip": (post(b"Content-Encoding: gzip", b"Content-Length: 24", body=gzip.compress(BODY).ljust(24, b"\0")), 400),
    "upgrade": (post(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 2"), 400),
    "upgrade to HTTP/2": (post(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 2"), 400),
    "another host": (post(b"Host: evil", b"X-Forwarded-Host: evil", b"Content-Length: 2"), 400),
    "another method": (post(b"X-HTTP-Method-Override: GET", b"Content-Length: 2"), 400),
    "no such method": (b"BREW /v1/payments HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "TRACE": (b"TRACE /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n", 405),
    "CONNECT": (b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_but_whole_is_answered_once(served: Served, name: str) -> None:
    sent, status = TAKEN[name]
    received = talk(served, sent)
    got = statuses(received)
    assert got == [status] or (name == "CONNECT" and set(got) <= {400, 404, 405}), received
    assert b"secret" not in received
    assert b"evil" not in received


def test_a_compressed_body_is_never_unpacked(served: Served) -> None:
    bomb = zlib.compress(b"0" * 50_000_000, 9)
    received = talk(served, post(b"Content-Encoding: deflate", b"Content-Length: %d" % len(bomb), body=bomb))
    assert statuses(received) == [400]


def test_expect_is_answered_and_the_body_read(served: Served) -> None:
    received = talk(served, post(b"Expect: 100-continue", b"Content-Length: 2"))
    assert statuses(received) in ([100, 400], [400])


def test_half_a_request_and_gone(served: Served) -> None:
    """Clients that leave at every byte of a request leave nothing behind."""
    whole = post(b"Content-Length: 20", body=b'{"productIds":["a"]}')
    for length in range(1, len(whole), 3):
        with connected(served) as connection:
            connection.sendall(whole[:length])
    with served.client() as client:
        assert client.get("/readyz").status_code == 200
    assert "Traceback" not in served.errors()


def test_many_requests_sent_at_once_are_answered_each_in_its_place(served: Served) -> None:
    """Pipelined: hot and other routes in turn, each answer with its own request's id."""
    sent = b"".join(
        post(b"X-Request-Id: id-%d" % n, b"Content-Length: 2", *((b"Connection: close",) if n == 39 else ()))
        if n % 2
        else b"GET /v1/cart HTTP/1.1\r\nHost: x\r\nX-Request-Id: id-%d\r\n\r\n" % n
        for n in range(40)
    )
    received = talk(served, sent, half=False)
    assert [part.partition(b"\r")[0] for part in received.split(b"x-request-id: ")[1:]] == [
        b"id-%d" % n for n in range(40)
    ]


def test_an_answer_is_not_split_by_what_was_sent(served: Served) -> None:
    """No header of a request comes back with a line end in it."""
    for value in (b"a\tSet-Cookie: b", b"%0d%0aSet-Cookie: b", "é\u2028".encode(), b"a" * 65):
        received = talk(served, post(b"X-Request-Id: " + value, b"Content-Length: 2"))
        head = received.partition(b"\r\n\r\n")[0]
        assert b"set-cookie" not in head.lower().replace(b"x-request-id: ", b"")
        assert head.count(b"x-request-id:") == 1
