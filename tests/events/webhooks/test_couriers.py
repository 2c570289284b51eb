"""A process delivers to the endpoints that are its own, counts what is overdue, and lets go of all when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lingdang.clock import system_clock
from lingdang.db.pool import Pool, transaction
from lingdang.events.webhooks import leases
from lingdang.events.webhooks.couriers import LATE, Couriers
from lingdang.events.webhooks.endpoints import EndpointInput, delete_endpoint, put_endpoint
from lingdang.events.webhooks.secrets import Secrets
from lingdang.events.webhooks.sending import Rules
from lingdang.journal.witness import Witness
from lingdang.keys import Keyring
from proof.webhooks.receiver import Receiver
from support.customers import make_known
from support.hands import Hands
from support.hooks import is_signed
from support.journal import seal_all, sql
from support.money import credit, open_settlement
from support.tabs import until
from support.turns import LOOPBACK

NAMES = ("a", "b", "c")
HOLDERS = "SELECT count(DISTINCT holder), count(holder) FROM webhook_lease"
DELIVERED = "SELECT endpoint_id FROM webhook_cursor c, transfer t WHERE c.position >= t.position"
_HOLD = """
INSERT INTO webhook_held (endpoint_id, bucket, customer, position, event_id, happened_at, failures, due_at)
SELECT endpoint_id, 0, 1, 1, 'evt_1', now(), 1, now() FROM webhook_endpoint
"""


@pytest.fixture(autouse=True)
def quick_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a second is done at once."""
    monkeypatch.setattr("lingdang.events.webhooks.couriers.RENEW_SECONDS", 0.05)


@pytest.fixture
async def pool(database_url: str, keyring: Keyring, receiver: Receiver) -> AsyncIterator[Pool]:
    """Connections to a shop with three endpoints at one receiver."""
    async with Pool(database_url, 8, False) as opened:
        for name in NAMES:
            async with transaction(opened) as connection:
                await put_endpoint(connection, name, EndpointInput(receiver.url), 1, system_clock())
                await Secrets(keyring).add(connection, name, system_clock())
        yield opened


def couriers_of(pool: Pool, keyring: Keyring, receiver: Receiver, hands: Hands, witness: Path) -> Couriers:
    rules = Rules(LOOPBACK, (receiver.port,))
    return Couriers(pool, keyring, rules, hands, 1, {}, Witness(witness))


@pytest.fixture
def couriers(pool: Pool, keyring: Keyring, receiver: Receiver, tmp_path: Path) -> Couriers:
    return couriers_of(pool, keyring, receiver, Hands(), tmp_path / "none.jws")


@asynccontextmanager
async def running(couriers: Couriers) -> AsyncIterator[None]:
    """They deliver until the block ends."""
    task = asyncio.create_task(couriers.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def happen(database_url: str, *cust_ids: str) -> None:
    make_known(database_url, *cust_ids)
    async with open_settlement(database_url) as settlement:
        for cust_id in cust_ids:
            await settlement.submit(credit(cust_id, 1))


async def test_every_endpoint_is_delivered_to_and_let_go_of_at_the_end(
    couriers: Couriers, database_url: str, receiver: Receiver
) -> None:
    assert couriers.lag() == 0.0
    async with running(couriers):
        await happen(database_url, "ann", "bob")
        await until(lambda: couriers.gauges["lingdang_webhook_accepted_total"]() == 6)
        assert sql(database_url, HOLDERS) == [(1, 3)]
        gauges = {name: gauge() for name, gauge in couriers.gauges.items()}
    assert gauges == {
        "lingdang_webhook_accepted_total": 6,
        "lingdang_webhook_refused_total": 0,
        "lingdang_webhook_unanswered_total": 0,
        "lingdang_webhook_endpoints": 3,
        "lingdang_webhook_endpoints_failing": 0,
    }
    assert sql(database_url, HOLDERS) == [(0, 0)]
    assert couriers.gauges["lingdang_webhook_endpoints"]() == 0


async def test_an_endpoint_that_is_made_is_taken_up_and_one_that_is_paused_or_gone_is_left(
    couriers: Couriers, database_url: str, pool: Pool, receiver: Receiver, keyring: Keyring
) -> None:
    taken_up = couriers.gauges["lingdang_webhook_endpoints"]
    async with running(couriers):
        await until(lambda: taken_up() == 3)
        sql(database_url, "UPDATE webhook_endpoint SET active = false WHERE endpoint_id = 'a'")
        sql(database_url, "DELETE FROM webhook_endpoint WHERE endpoint_id = 'b'")
        await until(lambda: taken_up() == 1)
        await happen(database_url, "ann")
        async with transaction(pool) as connection:
            await put_endpoint(connection, "d", EndpointInput(receiver.url), 1, system_clock())
            await Secrets(keyring).add(connection, "d", system_clock())
        await until(lambda: taken_up() == 2)
        await happen(database_url, "bob")
        await until(lambda: len(receiver.accepted) == 3)
    assert sorted(event["custId"] for event in receiver.events) == ["ann", "bob", "bob"]


async def test_an_endpoint_that_is_made_anew_under_its_name_is_signed_for_with_its_new_secret(
    couriers: Couriers, database_url: str, pool: Pool, receiver: Receiver, keyring: Keyring
) -> None:
    async with running(couriers):
        await happen(database_url, "ann")
        await until(lambda: len(receiver.accepted) == 3)
        async with transaction(pool) as connection:
            await delete_endpoint(connection, "a")
            await put_endpoint(connection, "a", EndpointInput(receiver.url), 1, system_clock())
            made = await Secrets(keyring).add(connection, "a", system_clock())
        await happen(database_url, "bob")
        await until(lambda: len(receiver.accepted) == 6)
    assert sorted(is_signed(made.secret, each) for each in receiver.accepted) == [False] * 5 + [True]


async def test_while_a_restore_is_not_declared_nothing_is_sent(
    database_url: str, pool: Pool, receiver: Receiver, keyring: Keyring
) -> None:
    """Nor is a lease taken: what would be sent may not be true."""
    await happen(database_url, "ann")
    await seal_all(database_url, keyring)
    witness = keyring.path.with_name("witness.jws")
    assert witness.exists()
    sql(database_url, "DELETE FROM seal_checkpoint")
    sql(database_url, "UPDATE webhook_cursor SET position = 0")
    with capture_logs() as logs:
        async with running(couriers_of(pool, keyring, receiver, Hands(), witness)):
            await until(lambda: [each.get("code") for each in logs].count("feed_stopped") >= 3)
    assert {each["event"] for each in logs} == {"webhooks_postponed"}
    assert (receiver.connections, sql(database_url, HOLDERS)) == (0, [(0, 0)])


async def test_what_nobody_sends_for_and_what_is_due_and_not_tried_is_overdue(
    couriers: Couriers, database_url: str, pool: Pool, keyring: Keyring, receiver: Receiver, tmp_path: Path
) -> None:
    async def overdue(each: Couriers) -> int:
        await each.look()
        return each.overdue["webhook"]

    sql(database_url, "UPDATE webhook_lease SET until = now() + interval '1 hour'")
    sql(database_url, _HOLD)
    assert await overdue(couriers) == 0
    sql(database_url, "UPDATE webhook_lease SET until = now() - interval '2 minutes' WHERE endpoint_id <> 'c'")
    assert await overdue(couriers) == 2
    hands = Hands()
    late = couriers_of(pool, keyring, receiver, hands, tmp_path / "none.jws")
    hands.forward((LATE + timedelta(minutes=1)).total_seconds())
    assert await overdue(late) == 2 + 3
    sql(database_url, "UPDATE webhook_endpoint SET failing_since = now() WHERE endpoint_id = 'b'")
    assert await overdue(late) == 2 + 2, "where everything fails, what is held waits"
    sql(database_url, "UPDATE webhook_endpoint SET active = false WHERE endpoint_id <> 'c'")
    assert await overdue(late) == 1
    sql(database_url, "UPDATE webhook_held SET due_at = NULL, parked_at = now()")
    assert await overdue(late) == 0


async def test_an_endpoint_whose_lease_another_process_has_is_left_to_it(
    couriers: Couriers, database_url: str, pool: Pool, receiver: Receiver
) -> None:
    other = leases.Leases()
    async with transaction(pool) as connection:
        assert (await other.take(connection)).all == set(NAMES)
    sql(database_url, "UPDATE webhook_lease SET until = now() + interval '1 hour' WHERE endpoint_id <> 'a'")
    sql(database_url, "UPDATE webhook_lease SET until = now() - interval '1 second' WHERE endpoint_id = 'a'")
    async with running(couriers):
        await happen(database_url, "ann")
        await until(lambda: sql(database_url, DELIVERED) != [])
    assert sql(database_url, DELIVERED) == [("a",)]
    assert len(receiver.deliveries) == 1
    assert sql(database_url, f"SELECT count(*) FROM webhook_lease WHERE holder = '{other.holder}'") == [(2,)]
