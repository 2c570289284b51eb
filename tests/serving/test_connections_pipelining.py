"""Requests sent ahead, and what is wrong behind them: all answers that are owed come first, then the refusal."""

from collections.abc import Iterator

import pytest

from support.raw import Answer, answers, connected, problem_of, talk, until_closed
from support.served import Served, serving

pytestmark = pytest.mark.slow

HOT = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nX-Request-Id: %b\r\nContent-Length: 2\r\n\r\n{}"
COLD = b"GET /v1/cart HTTP/1.1\r\nHost: x\r\nX-Request-Id: %b\r\n\r\n"
KINDS = {"hot": HOT, "cold": COLD}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("data") / "shop", "--http", body_seconds="1") as started:
        yield started


CHUNKED = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_COLD = CHUNKED.replace(b"POST /v1/payments", b"PATCH /v1/cart")
UPGRADE = b"Host: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\n"
BAD: dict[str, tuple[bytes, int]] = {
    "no request": (b"\x00\x01\x02\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "no method": (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no version": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    "a header without its end": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400),
    "a path of bytes": ("GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
    "a tunnel": (b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n" + HOT % b"hidden", 405),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a bad chunk, hot": (CHUNKED + b"zz\r\n", 400),
    "a bad second chunk": (
        b"PATCH /v1/cart HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nzz\r\n",
        400,
    ),
    "a long head": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000, 431),
    "a long trailer": (CHUNKED + b"0\r\nX: " + b"a" * 80_000, 431),
    "half a head": (b"GET / HTTP/1.1\r\nHost:", 408),
    "half a body": (b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 408),
    "half a body, cold": (b"PATCH /v1/cart HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 408),
}


@pytest.mark.parametrize("before", [(), ("hot",), ("cold",), ("hot", "hot", "cold"), ("cold", "hot", "hot")], ids=str)
@pytest.mark.parametrize("bad", BAD)
def test_what_is_owed_comes_before_the_refusal(served: Served, before: tuple[str, ...], bad: str) -> None:
    sent, status = BAD[bad]
    ids = [b"id-%d" % number for number in range(len(before))]
    *owed, last = talk(served, b"".join(KINDS[kind] % id_ for kind, id_ in zip(before, ids, strict=True)) + sent)
    assert [answer.headers["x-request-id"].encode() for answer in owed] == ids
    assert [answer.status for answer in owed] == [400 if kind == "hot" else 401 for kind in before]
    assert problem_of(last)["status"] == status
    assert last.headers["connection"] == "close"


def test_what_is_owed_comes_also_when_the_bad_part_comes_later(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(COLD % b"first" + HOT % b"second")
        connection.sendall(b"\x00")
        received = answers(until_closed(connection))
    assert [answer.status for answer in received] == [401, 400, 400]


@pytest.mark.parametrize("path", ["payments", "cart"])
@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "anything"])
def test_an_upgrade_is_passed_over_and_the_body_read(served: Served, path: str, upgrade: str) -> None:
    """The body is the request's own, and what follows it is the next request."""
    asked = b"POST /v1/%b HTTP/1.1\r\n%bContent-Length: 9\r\n\r\n" % (path.encode(), UPGRADE % upgrade.encode())
    following = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = talk(served, asked + b'{"aaa":1}' + following)
    assert [answer.status for answer in received] == [400 if path == "payments" else 405, 200]
    assert path == "cart" or "aaa" in received[0].body.decode()


def test_a_chunked_body_of_an_upgrade_is_read(served: Served) -> None:
    asked = CHUNKED.replace(b"Host: x\r\n", UPGRADE % b"h2c")
    with connected(served) as connection:
        for part in (asked, b"5\r\n", b'{"aaa', b"\r\n4\r\n", b'":1}\r\n0\r\n\r\n', COLD % b"next", b"\x00"):
            connection.sendall(part)
        received = answers(until_closed(connection))
    assert [answer.status for answer in received] == [400, 401, 400]
    assert b"aaa" in received[0].body


def test_ten_thousand_requests_sent_at_once_are_answered_in_turn(served: Served) -> None:
    """Most of them wait unread until it is their turn."""
    count = 10_000
    with connected(served) as connection:
        received: list[Answer] = []
        sent = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * (count - 1)
        sent += b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.settimeout(0.01)
        raw = b""
        while sent:
            try:
                sent = sent[connection.send(sent) :]
            except TimeoutError:
                raw += connection.recv(1 << 20)
        connection.settimeout(30)
        received = answers(raw + until_closed(connection))
    assert len(received) == count
    assert {answer.status for answer in received} == {200}


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_in_the_next_segment_belongs_to_a_request_that_waited(served: Served, kind: str) -> None:
    with connected(served) as connection:
        head = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
        connection.sendall(KINDS[kind] % b"first" + head + b'{"aaa"')
        connection.sendall(b":1}")
        received = answers(until_closed(connection))
    assert [answer.status for answer in received] == [400 if kind == "hot" else 401, 400]
    assert b"aaa" in received[1].body
