"""Payments over a network that fails: one debit and the one right answer, whatever happens to the messages."""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import pytest
from customers import debits, log_in, new_books, new_customer
from unreliable import Fault, network

from lingdang_client import (
    AsyncClient,
    Client,
    FileOfferStore,
    MemoryOfferStore,
    PaymentUnfinished,
    Retry,
    Session,
    Unreachable,
    UntrustedServer,
)
from support.people import PASSWORD
from support.shop import Shop

pytestmark = pytest.mark.slow

QUICK = Retry(attempts=6, first=0.01, most=0.02)
ARRIVED = {"lose", "cut", "hang"}


@pytest.mark.parametrize("fault", ["drop", "lose", "cut", "hang", "garbage", "busy", "html"])
async def test_one_fault_is_survived(shop: Shop, fault: Fault) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with (
        network(shop.url, fault, fault) as net,
        AsyncClient(net.url, retry=QUICK, timeout=3 if fault == "hang" else 120) as client,
    ):
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        payment = await client.pay(offer)
        assert payment.replayed == (fault in ARRIVED)
        assert (payment.order_id, payment.paid, payment.balance) == (offer.order_id, 300, 700)
        assert net.payments == 3
        assert await client.unfinished() == []
    assert debits(shop, cust_id) == [-300]


async def test_the_synchronous_client_survives_the_same(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)

    def buy(url: str) -> tuple[bool, int]:
        with Client(url, retry=QUICK) as client:
            client.open_session(cust_id, PASSWORD, sign_type="HMAC-SHA256")
            payment = client.pay(client.checkout(books))
            return payment.replayed, payment.balance

    async with network(shop.url, "drop", "busy", "lose", "html", "cut") as net:
        assert await asyncio.to_thread(buy, net.url) == (True, 700)
        assert net.payments == 6
    assert debits(shop, cust_id) == [-300]


async def test_patience_ends_and_the_payment_is_resumed(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    store = MemoryOfferStore()
    async with (
        network(shop.url, *["lose"] * 6) as net,
        AsyncClient(net.url, retry=QUICK, store=store) as client,
    ):
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        with pytest.raises(PaymentUnfinished) as unfinished:
            await client.pay(offer)
        assert isinstance(unfinished.value.last, Unreachable)
        assert [p.offer.order_id for p in await client.unfinished()] == [offer.order_id]
        assert (await client.resume(offer.order_id)).replayed
        assert await client.unfinished() == []
    assert debits(shop, cust_id) == [-300]


async def test_nobody_listens(shop: Shop) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        session = client.session
    assert session is not None
    async with AsyncClient("http://127.0.0.1:1", session=session, retry=QUICK) as client:
        with pytest.raises(Unreachable):
            await client.wallet()
        with pytest.raises(PaymentUnfinished):
            await client.pay(offer)
        assert len(await client.unfinished()) == 1
    assert debits(shop, cust_id) == []


CRASHING = """
import sys
from pathlib import Path
from lingdang_client import Client, FileOfferStore
url, directory, cust_id, password, *books = sys.argv[1:]
client = Client(url, store=FileOfferStore(directory + "/payments"))
session = client.open_session(cust_id, password)
Path(directory, "session").write_bytes(session.dump())
client.pay(client.checkout(books))
"""


@pytest.mark.parametrize("same_session", [True, False])
async def test_kill_9_between_the_payment_and_its_answer(shop: Shop, tmp_path: Path, same_session: bool) -> None:
    cust_id, books = await new_customer(shop), new_books(shop)
    async with network(shop.url, "hang") as net:
        command = [sys.executable, "-c", CRASHING, net.url, str(tmp_path), cust_id, PASSWORD, *books]
        process = await asyncio.create_subprocess_exec(*command)
        while not debits(shop, cust_id):
            assert process.returncode is None
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
    store = FileOfferStore(tmp_path / "payments")
    async with AsyncClient(shop.url, store=store, session=Session.load((tmp_path / "session").read_bytes())) as client:
        if not same_session:
            await log_in(client, cust_id)
        (pending,) = await client.unfinished()
        payment = await client.resume(pending.offer.order_id)
        assert payment.replayed
        assert (payment.paid, payment.balance) == (300, 700)
        assert [granted.product_id for granted in payment.entitlements] == books
        assert await client.unfinished() == []
    assert debits(shop, cust_id) == [-300]


async def test_a_certificate_of_an_unknown_authority(shop: Shop, tmp_path: Path) -> None:
    from lingdang.clock import system_clock
    from lingdang.serving.tls import local_certificate

    ours = local_certificate(tmp_path / "ours", "127.0.0.1", system_clock())
    other = local_certificate(tmp_path / "other", "127.0.0.1", system_clock())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.chain, ours.key)

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"keys": []}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with AsyncClient(url, ca=ours.authority) as client:
        assert (await client.jwks()).keys == []
    for wrong in (other.authority, None):
        async with AsyncClient(url, ca=wrong) as client:
            with pytest.raises(UntrustedServer):
                await client.jwks()
    server.close()


@pytest.mark.parametrize("url", ["http://shop.example", "http://10.0.0.1:8080", "ftp://127.0.0.1", "shop.example"])
def test_no_secret_goes_in_the_clear_to_another_machine(url: str) -> None:
    with pytest.raises(ValueError, match="only https"):
        Client(url)


def test_unless_that_is_asked_for() -> None:
    Client("http://shop.example", plain_http=True).close()
    Client("http://localhost:8080").close()
    Client("http://[::1]:8080").close()
