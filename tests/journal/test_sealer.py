"""The sealer of a worker: it goes on where another one stopped, and steps back for payments."""

import asyncio
import itertools
import time

import pytest

from lingdang.db.pool import Connection
from lingdang.journal import positions, sealing
from lingdang.journal.pace import PATIENCE_SECONDS, Pace
from lingdang.journal.positions import RowsAfter
from lingdang.journal.sealer import Sealer
from lingdang.keys import Keyring
from lingdang.serving.metrics import Metrics
from lingdang.watch import Watch
from support.buyer import buyer, give, stock
from support.customers import key_of
from support.journal import fill, open_sealer, sql, verify
from support.money import credit, open_settlement
from support.served import eventually
from support.shop import open_shop

FIVE = ("ann", "bob", "cat", "dan", "eve")


async def credit_five(database_url: str, favourite: str) -> None:
    """Eleven transfers: one for each of five customers, and six more for one of them."""
    async with open_settlement(database_url) as settlement:
        for name in FIVE:
            await settlement.submit(credit(name, 1))
        for number in range(6):
            await settlement.submit(credit(favourite, 1, credit_id=f"more-{number}"))


def steps_of(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Whose rows each step has read, from now on."""
    names = {key_of(name): name for name in FIVE}
    steps: list[list[str]] = []

    async def read_on(connection: Connection, bucket: int, after: int, most: int) -> RowsAfter:
        read = await positions.read_on(connection, bucket, after, most)
        steps.append([names[place.customer] for place in read.places])
        return read

    monkeypatch.setattr(sealing, "read_on", read_on)
    return steps


async def test_a_served_shop_seals_by_itself(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lingdang.journal.sealer.ROUND_SECONDS", 0.02)
    metrics = Metrics()
    watch = Watch(gauge=metrics.gauge)
    opened = time.monotonic()
    async with open_shop(database_url, keyring, watch) as shop:
        stock(shop, "book-1")
        await give(shop, "ann", 100)
        assert (await buyer(shop).buy("book-1")).status_code == 200
        await asyncio.to_thread(eventually, lambda: bool(shop.sql("SELECT 1 FROM seal WHERE last_seq = 2")))
        figures = dict(line.rsplit(" ", 1) for line in metrics.render().decode().splitlines() if line[0] != "#")
    worker = '{worker="1"}'
    assert float(figures["lingdang_journal_sealed_transfers_total" + worker]) == 2
    assert float(figures['lingdang_overdue{state="transfer"}']) == 0
    assert float(figures["lingdang_journal_rolled_back" + worker]) == 0
    assert 0 <= float(figures['lingdang_background_lag_seconds{task="sealing"}']) <= time.monotonic() - opened
    assert verify(database_url, keyring).differences == []


async def test_a_round_goes_on_where_another_sealer_stopped(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step reads the journal on from the newest checkpoint, whoever made it, and nothing twice."""
    monkeypatch.setattr("lingdang.journal.pace.MANY", 2)
    monkeypatch.setattr(sealing, "AT_MOST", 3)
    read = steps_of(monkeypatch)
    await credit_five(database_url, "cat")
    for expected in (11, 0):
        async with open_sealer(database_url, keyring) as sealer:
            await sealer.round()
            assert sealer.sealed == expected
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("cat", 1))
    async with open_sealer(database_url, keyring) as sealer:
        await sealer.round()
        assert sealer.sealed == 1
    assert read == [*by_two("ann", "bob", "cat", "dan", "eve", *["cat"] * 6), [], ["cat"]]
    assert verify(database_url, keyring).differences == []
    [(positions, newest)] = sql(
        database_url,
        "SELECT positions, (SELECT max(position) FROM transfer) FROM seal_checkpoint ORDER BY number DESC LIMIT 1",
    )
    assert positions == [newest]


async def test_payments_come_first_for_a_while(database_url: str, keyring: Keyring) -> None:
    """A worker that settles all the time seals nothing, until the journal has waited for too long."""
    await fill(database_url)
    async with open_sealer(database_url, keyring) as sealer:
        sealer.pace = all_day()
        await sealer.round()
        assert sealer.sealed == 0
        sealer.caught_up -= PATIENCE_SECONDS + 1
        await sealer.round()
        assert sealer.sealed == 6


async def test_a_busy_worker_seals_step_by_step(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step reads and seals so few transfers, and signs where the log stands then."""
    monkeypatch.setattr("lingdang.journal.pace.FEW", 2)
    read = steps_of(monkeypatch)
    await credit_five(database_url, "ann")
    async with open_sealer(database_url, keyring) as sealer:
        sealer.pace = all_day()
        sealer.caught_up -= PATIENCE_SECONDS + 1
        await sealer.round()
        assert sealer.sealed == 11
    assert read == by_two("ann", "bob", "cat", "dan", "eve", *["ann"] * 6)
    assert verify(database_url, keyring).differences == []
    assert sql(database_url, "SELECT max(number) FROM seal_checkpoint") == [(6,)]


async def test_beside_payments_one_sealer_is_enough(database_url: str, keyring: Keyring) -> None:
    """Of two busy workers' sealers that have waited for too long one seals; the other leaves it to that one."""
    await fill(database_url)

    async def pay_and_seal(sealer: Sealer) -> int:
        async with open_settlement(database_url) as settlement:
            await settlement.submit(credit("ann", 1))
        before, sealer.caught_up = sealer.sealed, sealer.caught_up - PATIENCE_SECONDS - 1
        await sealer.round()
        return sealer.sealed - before

    async with open_sealer(database_url, keyring) as one, open_sealer(database_url, keyring) as two:
        one.pace = two.pace = all_day()
        assert await pay_and_seal(one) == 7
        assert await pay_and_seal(two) == 1, "it does not know of the other one yet"
        assert await pay_and_seal(one) == 0
        for _ in range(3):
            assert await pay_and_seal(two) > 0
            assert await pay_and_seal(one) == 0
        one.pace = Pace(lambda: 0.0)
        assert await pay_and_seal(one) == 2, "who has nothing to settle seals whatever there is"


def by_two(*names: str) -> list[list[str]]:
    return [list(names[start : start + 2]) for start in range(0, len(names), 2)]


def all_day() -> Pace:
    """The pace of a worker that does nothing but settle."""
    return Pace(itertools.count(0, 60).__next__, itertools.count(0, 60).__next__)
