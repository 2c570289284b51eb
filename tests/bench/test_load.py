"""The load generator against servers that answer in every awkward way."""

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from proof.bench.load import (
    Answer,
    Flow,
    LoadError,
    Target,
    between,
    connected,
    no_collections,
    parse,
    percentile,
    prepared,
    run,
)
from proof.bench.sides import Side

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
GONE = b'HTTP/1.1 409 Conflict\r\ncontent-length: 24\r\n\r\n{"code":"already_owned"}'


@contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[Target]:
    """A server that handles each connection with `talk` in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection:
                talk(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield Target("127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def echo_in_parts(*parts: bytes) -> Callable[[socket.socket], None]:
    """Answers each request with the parts, each in a segment of its own."""

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while connection.recv(65536):
            for part in parts:
                connection.sendall(part)

    return talk


@pytest.mark.parametrize("cut", range(1, len(OK)))
def test_a_response_is_whole_wherever_it_was_cut(cut: int) -> None:
    assert parse(OK[:cut]) is None
    assert parse(OK) == Answer(200, b"{}")


@pytest.mark.parametrize("data", [b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", OK + b"x"])
def test_what_is_not_one_response_is_refused(data: bytes) -> None:
    with pytest.raises(LoadError):
        parse(data)


def test_every_prepared_request_is_answered_once() -> None:
    requests = iter([b"GET / HTTP/1.1\r\n\r\n"] * 500)
    with answering(echo_in_parts(OK[:30], OK[30:])) as target:
        load = run(target, [prepared(requests) for _ in range(7)], 60)
    assert load.outcomes == {"200": 500}
    assert len(load.latencies) == 500
    assert next(requests, None) is None
    assert load.seconds >= max(load.latencies) > 0


def test_a_flow_is_handed_its_last_answer_when_time_is_up() -> None:
    answers: list[Answer] = []

    def flow() -> Flow:
        while True:
            answers.append((yield b"GET / HTTP/1.1\r\n\r\n"))

    with answering(echo_in_parts(GONE)) as target:
        load = run(target, [flow()], 0)
    assert len(answers) == 1
    assert load.outcomes == {"409 already_owned": 1}


def test_more_connections_than_requests() -> None:
    with answering(echo_in_parts(OK)) as target:
        load = run(target, [prepared(iter([b"x"])), prepared(iter([]))], 60)
    assert load.outcomes == {"200": 1}


def test_a_slice_begins_where_the_last_has_ended_on_the_same_connections() -> None:
    received: list[bytes] = []
    peers: set[int] = set()

    def talk(connection: socket.socket) -> None:
        while request := connection.recv(65536):
            received.append(request)
            peers.add(connection.getpeername()[1])
            connection.sendall(OK)

    side = Side("hot", [b"%d" % number for number in range(10)])
    with answering(talk) as target, connected(target, 4) as connections:
        slices = [side.run(connections, seconds) for seconds in (0, 60)]
    assert [load.outcomes["200"] for _, load in slices] == [4, 5], "half of the requests at most"
    assert sorted(received[:4]) == [b"0", b"1", b"2", b"3"]
    assert sorted(received[4:]) == [b"4", b"5", b"6", b"7", b"8"]
    assert len(peers) == 4


def test_nothing_is_collected_until_the_outer_block_ends() -> None:
    with no_collections():
        with no_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_closed_connection_is_told() -> None:
    with answering(lambda connection: connection.recv(10) and None) as target, pytest.raises(LoadError, match="closed"):
        run(target, [prepared(iter([b"x"]))], 60)


def test_between_and_percentile() -> None:
    assert between(b'{"a":"b","c":1}', b'"a":"', b'"') == b"b"
    assert between(b"{}", b'"a":"', b'"') == b""
    assert percentile([], 0.5) == 0
    assert percentile([1, 2, 3, 4], 0.5) == 3
    assert percentile([1, 2, 3, 4], 0.99) == 4
