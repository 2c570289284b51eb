"""A move that is killed goes on when it is started again. Two at once, and payments meanwhile, double nothing."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.customers import key_of, make_known
from support.money import add_products, credit, line, open_settlement, pay
from support.moving import asked, json_lines, lot, require_agreement, right
from support.shop import PATIENCE

CUSTOMERS = 3000
BOOKS = ("a", "b", "c")
MOST_PAYMENTS = 5000


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Any]:
    """Starts moves as processes of their own, and leaves none behind."""
    rows = [lot(f"c{n}", 10 + n % 7) for n in range(CUSTOMERS)]
    rows += [right(f"c{n}", book) for n in range(CUSTOMERS) for book in BOOKS]
    file = json_lines(tmp_path / "rows.jsonl", rows)
    add_products(database_url, *BOOKS)
    environ = os.environ | {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
    started: list[subprocess.Popen[bytes]] = []

    def start(number: int = 0) -> subprocess.Popen[bytes]:
        refused = tmp_path / f"refused-{number}.jsonl"
        command = [sys.executable, "-m", "lingdang", "move-in", str(file), "--refused", str(refused), "--json"]
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def booked(database_url: str) -> int:
    return int(asked(database_url, "SELECT count(*) FROM transfer WHERE kind IN ('credit', 'grant')")[0][0])


def require_all_once(database_url: str) -> None:
    expected = sum(10 + n % 7 for n in range(CUSTOMERS))
    credited = (
        "SELECT count(*), sum(amount) FROM transfer WHERE kind = 'credit' AND detail->>'reason' = 'Moved in: main'"
    )
    assert asked(database_url, credited) == [(CUSTOMERS, expected)]
    granted = "SELECT count(*) FROM transfer WHERE kind = 'grant'"
    assert asked(database_url, granted) == [(CUSTOMERS * len(BOOKS),)]
    require_agreement(database_url)


def test_killed_three_times_it_ends_whole(database_url: str, start: Any) -> None:
    for _ in range(3):
        before, process = booked(database_url), start()
        while booked(database_url) <= before and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
    stdout, stderr = start().communicate(timeout=PATIENCE)
    assert b'"agrees":true' in stdout, stderr
    require_all_once(database_url)


def test_two_beside_each_other_book_everything_once(database_url: str, start: Any) -> None:
    processes = [start(number) for number in range(2)]
    for process in processes:
        stdout, stderr = process.communicate(timeout=PATIENCE)
        assert (process.returncode, b'"agrees":true' in stdout) == (0, True), stderr
    require_all_once(database_url)


async def test_customers_who_pay_meanwhile(database_url: str, start: Any) -> None:
    """Those of the move as well: what they paid with before, they keep on paying with."""
    names = [f"c{n}" for n in range(0, CUSTOMERS, 100)]
    make_known(database_url, *names)
    add_products(database_url, *(f"d{n}" for n in range(MOST_PAYMENTS)))
    async with open_settlement(database_url, seconds=PATIENCE, give_up_seconds=PATIENCE) as settlement:
        await asyncio.gather(*(settlement.submit(credit(key_of(name), 1000)) for name in names))
        process = start()
        paid = 0
        while process.poll() is None and paid < MOST_PAYMENTS:
            await settlement.submit(pay(key_of(names[paid % len(names)]), line(f"d{paid}", 1)))
            paid += 1
    stdout, stderr = process.communicate()
    assert (process.returncode, b'"agrees":true' in stdout) == (0, True), stderr
    spent = asked(database_url, "SELECT count(*), coalesce(sum(amount), 0) FROM transfer WHERE kind = 'payment'")
    assert spent == [(paid, -paid)]
    require_all_once(database_url)
