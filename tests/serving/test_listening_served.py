"""Connections are spread over the workers, on all addresses that were asked for."""

import socket
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from support.served import eventually, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "shop"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all workers accept from one socket")
def test_connections_are_spread_over_the_workers(data_dir: Path) -> None:
    with serving(data_dir, "--http", "--workers", "2") as served:
        url = httpx.URL(served.url)
        connections = [socket.create_connection((url.host, url.port or 0)) for _ in range(64)]
        for connection in connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        taken = [
            sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == url.port for c in worker.net_connections())
            for worker in served.workers()
        ]
        for connection in connections:
            connection.close()
    assert sum(taken) == 64
    assert min(taken) > 8


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="a system without IPv6")
def test_all_addresses_are_those_of_both_families(data_dir: Path) -> None:
    """A client of IPv4 counts under its own address: to the limit on guesses, one /64 of IPv6 is one client."""
    with serving(data_dir, "--http", "--workers", "2", "--host", "::", access_log="true") as served:
        assert "IPv6 and IPv4" in " ".join(served.banner)
        port = httpx.URL(served.url).port
        for host in ("127.0.0.1", "[::1]"):
            assert httpx.get(f"http://{host}:{port}/healthz").status_code == 200
        eventually(lambda: served.errors().count('"event": "request"') == 2)
    assert '"client": "127.0.0.1"' in served.errors()
    assert '"client": "::1"' in served.errors()
