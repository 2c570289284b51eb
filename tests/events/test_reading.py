"""Events are read on from a cursor: rows and notices in one order, whole transactions, nothing twice or missed."""

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.events import kinds, notices
from lingdang.events.notices import NOBODY, Notice
from lingdang.events.reading import read_events
from proof.consumer import Consumer, books_of, who
from support.consumer import read_all
from support.customers import key_of, make_known
from support.happened import everything
from support.journal import connected, in_flight, sql, write
from support.money import credit, open_settlement

PAUSED = kinds.EndpointPaused(endpoint_id="main", reason="test")


async def test_a_consumer_rebuilds_the_shop(database_url: str) -> None:
    """Every kind of row that the ledger can write is among them, each told once."""
    await everything(database_url)
    written = {str(kind) for (kind,) in sql(database_url, "SELECT DISTINCT kind FROM transfer")}
    assert written == kinds.KINDS.keys()
    events = await read_all(database_url)
    assert {event["type"] for event in events} == {name for name, _ in kinds.KINDS.values()}
    assert sql(database_url, "SELECT count(*) FROM transfer") == [(len(events),)]
    assert len({event["id"] for event in events}) == len(events)
    consumer = Consumer()
    consumer.take(events)
    expected = books_of(database_url)
    assert all(expected), "there is some of everything"
    assert consumer.rebuilt() == expected


async def test_pages_of_any_size_tell_the_same(database_url: str) -> None:
    await everything(database_url)
    whole = await read_all(database_url)
    for most in (1, 2, 3, 7):
        assert await read_all(database_url, most) == whole


async def test_who_was_erased_is_told_apart_from_all_others(database_url: str) -> None:
    await everything(database_url)
    before = await read_all(database_url)
    for name in ("ann", "bob"):
        sql(
            database_url,
            f"UPDATE customer SET customer_id = 'erased ' || gen_random_uuid() WHERE customer_id = '{name}'",
        )
    events = await read_all(database_url)
    assert [event["id"] for event in events] == [event["id"] for event in before]
    assert {event.get("custId") for event in events} == {None, "cleo", "dan", "eve"}
    assert len({who(event) for event in events}) == 5
    consumer = Consumer()
    consumer.take(events)
    assert consumer.rebuilt() == books_of(database_url)


async def test_notices_stand_between_rows(database_url: str) -> None:
    """In the order in which they were written, each key once."""
    make_known(database_url, "ann")
    async with connected(database_url) as writer:
        await write(writer, [credit("ann", 1)])
        assert await notices.write(writer, 0, system_clock(), [Notice(NOBODY, kinds.PAUSED, "1", PAUSED)]) == 1
        await write(writer, [credit("ann", 1)])
        again = [Notice(NOBODY, kinds.PAUSED, key, PAUSED) for key in ("1", "2")]
        assert await notices.write(writer, 0, system_clock(), again) == 1
    for most in (1, 2, 100):
        events = await read_all(database_url, most)
        assert [event["type"] for event in events] == [
            "wallet.credited",
            "endpoint.paused",
            "wallet.credited",
            "endpoint.paused",
        ]
        assert len({event["id"] for event in events}) == 4
    assert events[1] == {
        "id": events[1]["id"],
        "type": "endpoint.paused",
        "time": events[1]["time"],
        "position": events[1]["position"],
        "data": {"endpointId": "main", "reason": "test"},
    }


async def test_a_notice_waits_for_settlements_below_it(database_url: str) -> None:
    """A settlement under way holds a reader back from a notice as from a row, and a notice under way from a row."""
    make_known(database_url, "ann", "bob")
    async with in_flight(database_url, credit("ann", 1)) as slow, connected(database_url) as other:
        await notices.write(other, 0, system_clock(), [Notice(NOBODY, kinds.PAUSED, "1", PAUSED)])
        assert await read_all(database_url) == []
        await slow.execute("COMMIT")
        assert [event["type"] for event in await read_all(database_url)] == ["wallet.credited", "endpoint.paused"]
        await slow.execute("BEGIN")
        await notices.write(slow, 0, system_clock(), [Notice(NOBODY, kinds.PAUSED, "2", PAUSED)])
        await write(other, [credit("bob", 1)])
        assert len(await read_all(database_url)) == 2
        await slow.execute("COMMIT")
        assert [event["type"] for event in await read_all(database_url)][2:] == ["endpoint.paused", "wallet.credited"]


async def test_a_notice_is_refused_where_a_reader_could_miss_it(database_url: str) -> None:
    """Before this start of the server has an epoch, and in a transaction that has an id already."""
    notice = [Notice(NOBODY, kinds.PAUSED, "1", PAUSED)]
    async with connected(database_url) as writer:
        with pytest.raises(psycopg.OperationalError, match="no epoch was begun"):
            await notices.write(writer, 0, system_clock(), notice)
        await notices.begin(writer, 0)
        await writer.execute("BEGIN")
        await writer.execute("SELECT pg_current_xact_id()")
        with pytest.raises(psycopg.errors.RaiseException, match="has written before"):
            await notices.write(writer, 0, system_clock(), notice)
        await writer.execute("ROLLBACK")
        assert sql(database_url, "SELECT count(*) FROM notice") == [(0,)]
        assert await notices.write(writer, 0, system_clock(), notice) == 1


async def test_low_wallets_are_told_behind_their_row(database_url: str) -> None:
    await everything(database_url)
    async with connected(database_url) as reader:
        page = await read_events(reader, 0, 0, 1000, {"BELL": 300})
        plain = await read_events(reader, 0, 0, 1000)
    assert len(page.events) == len(page.customers)
    lows = [number for number, event in enumerate(page.events) if event.type == kinds.LOW]
    assert lows
    for number in lows:
        cause, low = page.events[number - 1 : number + 1]
        assert (cause.position, cause.cust_id) == (low.position, low.cust_id)
        assert page.customers[number] == key_of(str(low.cust_id))
    assert [event for event in page.events if event.type != kinds.LOW] == plain.events


async def test_each_bucket_has_its_own(database_url: str) -> None:
    async with open_settlement(database_url, buckets=2) as settlement:
        for number in range(8):
            await settlement.submit(credit(f"cust-{number}", 1))
    for bucket in range(2):
        events = await read_all(database_url, bucket=bucket)
        assert {event["custId"] for event in events} == {
            f"cust-{number}" for number in range(8) if key_of(f"cust-{number}") % 2 == bucket
        }
        assert all(event["position"].startswith("1:") == (bucket == 1) for event in events)
