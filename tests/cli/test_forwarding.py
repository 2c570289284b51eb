"""Forwarding to a receiver that is being written: signed like a webhook, each answer in a line, no redirect taken."""

from datetime import UTC, datetime

import pytest

from lingdang.cli.forwarding import Forwarder, local_secret
from lingdang.clock import system_clock
from lingdang.errors import CommandError
from lingdang.events.event import Event
from lingdang.events.kinds import WalletLow
from lingdang.keys import Keyring, create_keyring, rotate
from lingdang_client import WalletLow as Received
from lingdang_client import verify_webhook
from proof.webhooks.receiver import Answer, Delivery, receiving, reply

LOW = Event(
    id="evt_1",
    type="wallet.low",
    time=datetime(2026, 11, 23, 8, tzinfo=UTC),
    cust_id="ann",
    position="17",
    data=WalletLow(currency="BELL", balance=9, threshold=10),
)


def answering(*answers: bytes | None) -> Answer:
    """Answers with these, one after the other."""
    rest = iter(answers)

    async def answer(_: Delivery) -> bytes | None:
        return next(rest)

    return answer


@pytest.mark.parametrize("thin", [False, True])
async def test_what_is_sent_verifies_as_a_webhook(keyring: Keyring, thin: bool) -> None:
    secret = local_secret(keyring)
    async with receiving() as receiver, Forwarder(receiver.url, secret, system_clock, thin=thin) as forwarder:
        assert (await forwarder.send(LOW)).startswith("204 in ")
    [delivery] = receiver.deliveries
    assert delivery.headers["content-type"] == "application/json"
    for key in (secret.secret, secret.public_key):
        [event] = verify_webhook(delivery.body, delivery.headers, key)
        assert (event.id, event.cust_id) == ("evt_1", "ann")
        assert event.data == (None if thin else Received(currency="BELL", balance=9, threshold=10))


async def test_every_answer_is_a_line_and_the_next_one_is_sent(keyring: Keyring) -> None:
    answers = (
        reply(500, "no\x1b[2J\nnot 还没 yet".encode() + b"." * 1000),
        reply(302, b"", "Location: http://127.0.0.1:9/elsewhere"),
        None,
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        reply(200, b"done"),
    )
    async with (
        receiving(answering(*answers)) as receiver,
        Forwarder(receiver.url, local_secret(keyring), system_clock, thin=False) as forwarder,
    ):
        told = [await forwarder.send(LOW) for _ in answers]
    assert len(receiver.deliveries) == len(answers)
    assert [line.partition(" in ")[0] for line in (told[0], told[1], told[4])] == ["500", "302", "200"]
    assert [line.partition(": ")[0] for line in told[2:4]] == ["no answer"] * 2
    assert ": no [2J not 还没 yet..." in told[0]
    assert all(line.isprintable() and len(line) < 300 for line in told), told


async def test_nobody_listens(keyring: Keyring) -> None:
    async with Forwarder("http://127.0.0.1:9", local_secret(keyring), system_clock, thin=False) as forwarder:
        assert (await forwarder.send(LOW)).startswith("no answer: ")


def test_the_secret_is_the_shops_own(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is the same at each start, until the master secrets are rotated."""
    first = local_secret(keyring).secret
    assert local_secret(Keyring(keyring.path)).secret == first
    other = tmp_path_factory.mktemp("other") / "keyring.json"
    create_keyring(other, system_clock())
    rotate(keyring.path, system_clock(), system_clock())
    assert len({first, local_secret(Keyring(other)).secret, local_secret(Keyring(keyring.path)).secret}) == 3


@pytest.mark.parametrize(
    "url", ["localhost:3000", "/lingdang", "ftp://localhost/", "http://", "http:///lingdang", "", "http://[::1"]
)
def test_what_is_no_address(keyring: Keyring, url: str) -> None:
    with pytest.raises(CommandError, match="http://localhost:3000"):
        Forwarder(url, local_secret(keyring), system_clock, thin=False)
