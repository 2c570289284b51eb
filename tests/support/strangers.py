"""Connections of whoever says nothing, or not enough."""

import socket

import httpx

from support.served import Served
from support.shop import PATIENCE

HELLO = bytes.fromhex("1603010200010001fc0303")
"""How a TLS client begins; the rest never comes."""


STARTS = {"nothing": b"", "half a hello": HELLO, "half a head": b"GET / HTTP/1.1\r\nHost:"}


def strangers(served: Served, count: int, sent: bytes) -> list[socket.socket]:
    url = httpx.URL(served.url)
    opened = []
    for _ in range(count):
        connection = socket.create_connection((url.host, url.port or 0), timeout=PATIENCE)
        connection.sendall(sent)
        opened.append(connection)
    return opened
