"""The simulation's faults do to a statement what they are said to do."""

import asyncio

import psycopg
import pytest

from proof.simulation.plan import Fault
from proof.simulation.wire import Wire

INSERT = "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at) "
VALUES = "VALUES (%b, 'T', 'BELL', 1, 1, now(), now())"

DONE = {
    "cut_before": False,
    "cut_within": False,
    "cut_after": True,
    "kill_before": False,
    "kill_after": True,
    "away_before": False,
    "away_after": True,
}


async def connected(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


def stored(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT 1 FROM product").fetchone() is not None


@pytest.mark.parametrize("kind", DONE)
async def test_a_break(database_url: str, kind: str) -> None:
    killed = asyncio.Event()
    wire = Wire(database_url, killed.set)
    url = await wire.open()
    connection = await connected(url)
    wire.expect({0: Fault(kind)})
    with pytest.raises(psycopg.OperationalError):
        await connection.execute(INSERT + VALUES, ("a",))
    assert (stored(database_url), killed.is_set()) == (DONE[kind], kind.startswith("kill"))
    assert wire.met == [kind]
    if kind.startswith("away"):
        with pytest.raises(psycopg.OperationalError):
            await connected(url)
        await (await connected(url)).close()
    await connection.close()
    wire.close()


async def test_a_full_disk_and_slowness(database_url: str) -> None:
    wire = Wire(database_url, lambda: None)
    connection = await connected(await wire.open())
    wire.expect({0: Fault("full", 2), 2: Fault("slow"), 3: Fault("slow_answer")})
    for _ in range(2):
        with pytest.raises(psycopg.errors.DiskFull):
            await connection.execute(INSERT + VALUES, ("a",))
    assert not stored(database_url)
    await connection.execute(INSERT + VALUES, ("a",))
    assert await (await connection.execute("SELECT product_id FROM product")).fetchall() == [("a",)]
    assert wire.met == ["full", "full", "slow", "slow_answer"]
    await connection.close()
    wire.close()
