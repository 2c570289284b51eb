"""`lingdang events`: printed from any position on, some types or all, as they come."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lingdang.keys import Keyring
from support.commands import Run
from support.journal import fill
from support.money import credit, open_settlement
from support.served import COMMAND, environ_of

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
