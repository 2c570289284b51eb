"""`lingdang events`: printed from any position on, and forwarded to a server that is being written."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lingdang.keys import Keyring
from lingdang_client import Event, InvalidWebhook, OrderPaid, WalletCredited, verify_webhook
from support.commands import Run
from support.journal import fill
from support.money import credit, open_settlement
from support.served import COMMAND, environ_of, eventually

pytestmark = pytest.mark.slow


def printed(lingdang: Run, *args: str) -> tuple[list[dict[str, Any]], str]:
    """What `tail` prints: the events, and from where to go on."""
    told = lingdang("events", "tail", *args)
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in told.stdout.splitlines()], told.stderr.removeprefix("next: ").strip()


def places(events: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(event["custId"], event["seq"], event["type"]) for event in events]


def credit_one(database_url: str, name: str, credit_id: str) -> None:
    async def settle() -> None:
        async with open_settlement(database_url) as settlement:
            await settlement.submit(credit(name, 1, credit_id=credit_id))

    asyncio.run(settle())


def test_tail_prints_from_a_position_on(lingdang: Run, database_url: str) -> None:
    events, after = printed(lingdang)
    assert places(events) == [
        (name, seq, kind)
        for name in ("ann", "bob")
        for seq, kind in enumerate(("wallet.credited", "wallet.credited", "order.paid"), 1)
    ]
    assert printed(lingdang, "--after", after) == ([], after)
    credit_one(database_url, "ann", "third")
    later, _ = printed(lingdang, "--after", after)
    assert places(later) == [("ann", 4, "wallet.credited")]
    assert printed(lingdang, "--after", "start")[0] == events + later
    assert printed(lingdang, "--after", "now")[0] == []


def test_tail_prints_some_types(lingdang: Run) -> None:
    assert {event["type"] for event in printed(lingdang, "--types", "order.paid")[0]} == {"order.paid"}
    refused = lingdang("events", "tail", "--types", "order.paid,order.lost")
    assert (refused.exit_code, "'order.lost'" in refused.stderr, "order.refunded" in refused.stderr) == (2, True, True)


def test_a_position_of_nowhere_is_refused(lingdang: Run) -> None:
    refused = lingdang("events", "tail", "--after", "elsewhere")
    assert (refused.exit_code, "Not a cursor that this server gave" in refused.stderr) == (1, True)


@contextmanager
def running(keyring: Keyring, database_url: str, data_dir: Path, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """`lingdang events …` on the test's database, until the block ends."""
    process = subprocess.Popen(
        [*COMMAND, "events", *args, "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ_of({"database_url": database_url, "keyring_file": str(keyring.path)}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_tail_follows_until_it_is_asked_to_stop(
    database_url: str, keyring: Keyring, tmp_path: Path, number: signal.Signals
) -> None:
    asyncio.run(fill(database_url))
    with running(keyring, database_url, tmp_path, "tail", "--follow", "--after", "start") as process:
        assert places([json.loads(line) for line in lines(process, 6)])[0] == ("ann", 1, "wallet.credited")
        credit_one(database_url, "bob", "third")
        [line] = lines(process, 1)
        assert places([json.loads(line)]) == [("bob", 4, "wallet.credited")]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors.startswith("next: ")) == (0, "", True)


class _Platform(BaseHTTPRequestHandler):
    """A server that is being written: it verifies, and answers as it is told."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, Platform)
        try:
            server.received += verify_webhook(body, dict(self.headers), server.secret)
        except InvalidWebhook as error:
            server.refused.append(str(error))
        status = server.answers.pop(0) if server.answers else 204
        if status:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"" if status == 204 else b"not \x1b[31m yet\nwritten")

    def log_message(self, *_: object) -> None:
        """It tells nothing."""


class Platform(ThreadingHTTPServer):
    """What it received; `answers` are its next ones, 0 for none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Platform)
        self.secret = ""
        self.answers: list[int] = []
        self.received: list[Event] = []
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/lingdang"


@pytest.fixture
def platform() -> Iterator[Platform]:
    server = Platform()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("with_key", ["secret", "public key"])
def test_listen_forwards_signed_and_goes_on_after_errors(
    database_url: str, keyring: Keyring, tmp_path: Path, platform: Platform, with_key: str
) -> None:
    asyncio.run(fill(database_url))
    platform.answers = [204, 500, 0, 302]
    told = ("listen", "--forward", platform.url, "--after", "start")
    with running(keyring, database_url, tmp_path, *told) as process:
        head = dict(line.split("  ", 1) for line in lines(process, 4))
        platform.secret = head[with_key].strip()
        shown = lines(process, 6)
        credit_one(database_url, "bob", "third")
        [last] = lines(process, 1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert [line.split()[0] for line in shown] == ["wallet.credited", "wallet.credited", "order.paid"] * 2
    assert [line.split("  ")[-1].split(" in ")[0] for line in (shown[0], shown[4], shown[5], last)] == ["204"] * 4
    assert shown[1].endswith("ms: not  [31m yet written")
    assert "  500 in " in shown[1]
    assert "  no answer: " in shown[2]
    assert "  302 in " in shown[3]
    assert platform.refused == [], "each was signed with the secret that was printed"
    assert [(event.cust_id, event.seq) for event in platform.received] == [
        *(("ann", seq) for seq in (1, 2, 3)),
        *(("bob", seq) for seq in (1, 2, 3, 4)),
    ]
    paid = platform.received[2].data
    assert isinstance(paid, OrderPaid)
    assert (paid.total, [line.product_id for line in paid.lines]) == (150, ["book-1", "book-2"])
    assert isinstance(platform.received[6].data, WalletCredited)


def test_listen_goes_on_while_nobody_answers(
    database_url: str, keyring: Keyring, tmp_path: Path, platform: Platform
) -> None:
    """And the secret is the same at each start; thin events tell nothing."""
    asyncio.run(fill(database_url))
    address, secrets = platform.url, []
    for forward, args in (("http://127.0.0.1:9", ()), (address, ("--thin", "--types", "order.paid"))):
        told = ("listen", "--forward", forward, "--after", "start", *args)
        with running(keyring, database_url, tmp_path, *told) as process:
            secrets.append(lines(process, 4)[1])
            platform.secret = secrets[0].split()[-1]
            shown = lines(process, 2)
    assert secrets[0] == secrets[1]
    assert len(shown) == 2
    eventually(lambda: len(platform.received) == 2)
    assert [(event.type, event.data) for event in platform.received] == [("order.paid", None)] * 2


def test_what_is_no_address_is_refused(lingdang: Run) -> None:
    refused = lingdang("events", "listen", "--forward", "localhost:3000")
    assert (refused.exit_code, "http://localhost:3000" in refused.output, refused.stdout) == (1, True, "")
