"""What is sent arrives whole, and what comes back is told, however it comes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from lingdang.clock import system_clock
from lingdang.events.webhooks import sending
from lingdang.events.webhooks.sending import Answer, Rules, Sender
from lingdang.events.webhooks.targets import read_target
from lingdang.serving.tls import context, local_certificate
from proof.webhooks.receiver import Delivery, Receiver, receiving, reply

LOOPBACK = (ip_network("127.0.0.0/8"),)


async def send(receiver: Receiver, sender: Sender | None = None) -> Answer:
    used = sender or Sender(Rules(LOOPBACK, (receiver.port,)))
    answer = await used.send(read_target(receiver.url), {"webhook-id": "evt_1"}, b'{"a":1}')
    if sender is None:
        await used.close()
    return answer


async def test_a_message_arrives_as_it_is() -> None:
    async with receiving() as receiver:
        answer = await send(receiver)
        [delivery] = receiver.deliveries
    assert (answer.status, answer.accepted, answer.reason) == (204, True, None)
    assert (delivery.path, delivery.body, delivery.headers["webhook-id"]) == ("/hooks", b'{"a":1}', "evt_1")
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_connections_are_used_again() -> None:
    async with receiving() as receiver:
        sender = Sender(Rules(LOOPBACK, (receiver.port,)))
        for _ in range(3):
            assert (await send(receiver, sender)).accepted
        await sender.close()
        assert (receiver.connections, len(receiver.deliveries)) == (1, 3)


async def test_an_answer_is_told_by_its_beginning_in_one_line() -> None:
    async def answer(_: Delivery) -> bytes:
        return reply(503, b"out\r\n\x1b[31mof order " + b"x" * 1000, "Retry-After: 120")

    async with receiving(answer) as receiver:
        told = await send(receiver)
    assert (told.status, told.retry_after) == (503, "120")
    assert told.body.startswith("out [31mof order x")
    assert len(told.body) == 200


async def test_of_an_endless_answer_little_is_read() -> None:
    async def endless(_: Delivery) -> bytes:
        return b"HTTP/1.1 200 -\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000

    async with receiving(endless) as receiver:
        assert (await send(receiver)).accepted


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 what", b"HTTP/9.9 abc\r\n\r\n", b"200 OK\r\n\r\n", None])
async def test_garbage_is_no_answer(garbage: bytes | None) -> None:
    async def answer(_: Delivery) -> bytes | None:
        return garbage

    async with receiving(answer) as receiver:
        told = await send(receiver)
    assert told.status is None
    assert told.reason


async def test_who_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.2)
    hung = asyncio.Event()

    async def hang(_: Delivery) -> None:
        await hung.wait()

    async with receiving(hang) as receiver:
        told = await send(receiver)
        hung.set()
    assert (told.status, told.reason) == (None, "no answer within 0 s")


async def test_where_nobody_listens() -> None:
    async with receiving() as receiver:
        pass
    assert (await send(receiver)).status is None


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[tuple[Receiver, ssl.SSLContext]]:
    """A receiver with a certificate of `hooks.example`, and a client's context that trusts its authority."""
    certificate = local_certificate(tmp_path, "hooks.example", system_clock())
    trusted = ssl.create_default_context(cafile=str(certificate.authority))
    async with receiving(tls=context(certificate)) as receiver:
        yield receiver, trusted


async def at_home(_: str) -> list[str]:
    return ["127.0.0.1"]


async def test_the_certificate_is_the_hosts_and_not_the_addresss(secured: tuple[Receiver, ssl.SSLContext]) -> None:
    receiver, trusted = secured
    sender = Sender(Rules(LOOPBACK, (receiver.port,)), at_home, trusted)
    good = await sender.send(read_target(f"https://hooks.example:{receiver.port}/"), {}, b"{}")
    other = await sender.send(read_target(f"https://other.example:{receiver.port}/"), {}, b"{}")
    await sender.close()
    assert good.accepted
    assert other.status is None
    assert "certificate" in (other.reason or "")
    assert receiver.names == ["hooks.example", "other.example"]
    assert [delivery.headers["host"] for delivery in receiver.deliveries] == [f"hooks.example:{receiver.port}"]


async def test_an_authority_nobody_trusts_is_refused(secured: tuple[Receiver, ssl.SSLContext]) -> None:
    receiver, _ = secured
    sender = Sender(Rules(LOOPBACK, (receiver.port,)), at_home)
    answer = await sender.send(read_target(f"https://hooks.example:{receiver.port}/"), {}, b"{}")
    await sender.close()
    assert (answer.status, receiver.deliveries) == (None, [])
    assert "certificate" in (answer.reason or "")


async def test_a_proxy_is_asked_for_the_name() -> None:
    async def refuse(_: Delivery) -> bytes:
        return reply(403, b"not there")

    async with receiving(refuse) as proxy:
        sender = Sender(Rules((), (443,), f"http://shop:p%40ss@127.0.0.1:{proxy.port}"))
        answer = await sender.send(read_target("https://hooks.example/"), {}, b"{}")
        inner = await sender.send(read_target("https://127.0.0.1/"), {}, b"{}")
        await sender.close()
    assert (answer.status, inner.status) == (None, None)
    assert [delivery.path for delivery in proxy.deliveries] == ["hooks.example:443"], "and for no inner address"
    assert proxy.deliveries[0].headers["proxy-authorization"] == "Basic c2hvcDpwQHNz", "shop:p@ss"


async def connect_through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that lets whoever asks through to this machine, whatever name is asked for."""
    head = await reader.readuntil(b"\r\n\r\n")
    port = int(head.split(b" ")[1].rpartition(b":")[2])
    there, to_there = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HTTP/1.1 200 -\r\n\r\n")
    await asyncio.gather(_carry(reader, to_there), _carry(there, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
    writer.close()


async def test_through_a_proxy_the_certificate_is_still_the_hosts(secured: tuple[Receiver, ssl.SSLContext]) -> None:
    receiver, trusted = secured
    proxy = await asyncio.start_server(connect_through, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    sender = Sender(Rules((), (receiver.port,), address), tls=trusted)
    good = await sender.send(read_target(f"https://hooks.example:{receiver.port}/"), {}, b"{}")
    other = await sender.send(read_target(f"https://other.example:{receiver.port}/"), {}, b"{}")
    await sender.close()
    proxy.close()
    assert (good.status, other.status, len(receiver.deliveries)) == (204, None, 1)
    assert "certificate" in (other.reason or "")
