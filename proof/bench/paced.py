"""Requests at a set pace, whatever the server does: each has its time, and its latency counts from then."""

import selectors
import time
from collections import deque
from collections.abc import Iterator

from proof.bench.load import PATIENCE, Answer, Connection, Load, LoadError, no_collections, prepared
from proof.server import Target


def run_paced(
    target: Target, requests: Iterator[bytes], connections: int, rate: float, seconds: float, load: Load | None = None
) -> Load:
    """`rate` requests a second for `seconds`, over at most so many connections, added to `load`. Raises LoadError.

    One that finds every connection busy is sent late and counts from when it was due.
    """
    idle: deque[tuple[Connection, Answer | None]] = deque((Connection(target), None) for _ in range(connections))
    opened = [connection for connection, _ in idle]
    load = Load() if load is None else load
    with no_collections(), selectors.DefaultSelector() as selector:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        cpu, started = time.process_time(), time.perf_counter()
        sent, count = 0, int(rate * seconds)
        while sent < count or len(idle) < len(opened):
            while sent < count and idle and started + sent / rate <= time.perf_counter():
                connection, last = idle.popleft()
                if not (connection.start(prepared(requests)) if last is None else connection.go_on(last, True)):
                    raise LoadError("there were not enough requests")
                connection.sent_at = started + sent / rate
                sent += 1
            due = started + sent / rate - time.perf_counter() if sent < count and idle else PATIENCE
            ready = selector.select(max(0.0, due))
            if not ready and due >= PATIENCE:
                raise LoadError(f"no answer for {PATIENCE:.0f} s")
            for key, _ in ready:
                connection = key.data
                answer = connection.receive()
                if answer is not None:
                    load.add(answer, time.perf_counter() - connection.sent_at)
                    idle.append((connection, answer))
        load.seconds = time.perf_counter() - started
        load.cpu_seconds = time.process_time() - cpu
    for connection in opened:
        connection.socket.close()
    return load
