"""Limits on a connection: the head's size, and the time a request may take to arrive."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.raw import answers, connected, problem_of, talk, until_closed
from support.served import Served, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that is patient for one second with a request."""
    with serving(tmp_path_factory.mktemp("data") / "shop", "--http", body_seconds="1") as started:
        yield started


@pytest.mark.parametrize(
    "start",
    [
        b"POST /v1/payments HT",
        b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nX-Slow: a",
        b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{",
        b"PATCH /v1/cart HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_slow_sender_is_cut_off(served: Served, start: bytes) -> None:
    (answer,) = talk(served, start)
    told = problem_of(answer)
    assert (told["status"], told["code"]) == (408, "request_timeout")


def test_a_sender_of_a_byte_now_and_then_is_cut_off(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        connection.settimeout(0.2)
        received = b""
        while not received:
            connection.sendall(b"a")
            with suppress(TimeoutError):
                received = connection.recv(65536)
    assert problem_of(answers(received)[0])["code"] == "request_timeout"


def test_who_says_nothing_is_let_go_without_a_word(served: Served) -> None:
    with connected(served) as connection:
        assert until_closed(connection) == b""


def test_connection_at_rest_is_kept(served: Served) -> None:
    with served.client() as client:
        client.get("/healthz")
        time.sleep(3)
        stream = client.stream("GET", "/healthz")
        with stream as answer:
            assert answer.status_code == 200


def test_endless_head_is_refused(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = b""
        try:
            for number in range(4000):
                connection.sendall(b"X-More-%d: %s\r\n" % (number, b"a" * 1000))
            answer = connection.recv(1000)
        except OSError:
            return  # it was cut off while it was still sending
        assert problem_of(answers(answer)[0])["code"] == "head_too_large"


def test_large_body_is_refused(served: Served) -> None:
    with served.client() as client:
        answer = client.post("/v1/payments", content=b"x" * 600_000)
        assert answer.status_code == 413
        assert answer.json()["code"] == "body_too_large"
        assert answer.headers["connection"] == "close"
        assert client.get("/healthz").status_code == 200


_REFUSED = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def test_pipelined_requests_are_answered_whole_and_in_order(served: Served) -> None:
    with connected(served) as connection:
        unknown = _REFUSED.replace(b"{}", b'{"a":1}').replace(b"Length: 2", b"Length: 7")
        connection.sendall(_REFUSED + unknown + _REFUSED)
        received = b""
        while received.count(b"HTTP/1.1 400 Bad Request\r\n") < 3 or not received.endswith(b"}"):
            part = connection.recv(65536)
            assert part, received
            received += part
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in received.split(b"HTTP/1.1 ")[1:]]
    assert [b"unknown field" in body for body in bodies] == [False, True, False]
    assert received.count(b"date: ") == received.count(b"x-request-id: ") == 3


@pytest.mark.parametrize(
    "request_",
    [_REFUSED.replace(b"Host: x", b"Host: x\r\nConnection: close"), _REFUSED.replace(b"HTTP/1.1", b"HTTP/1.0")],
)
def test_a_connection_is_closed_when_the_client_wants_it(served: Served, request_: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(request_)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert b"connection: close\r\n" in received
    assert received.endswith(b"}")


def test_a_client_that_leaves_is_no_fault(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(_REFUSED)
    with served.client() as client:
        assert client.get("/healthz").status_code == 200
    assert "Traceback" not in served.errors()
