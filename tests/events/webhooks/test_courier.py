"""A courier delivers all there is, leaves who fails alone for a while, and ends when the endpoint is not its own."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Connection, Pool, transaction
from lingdang.errors import Problem
from lingdang.events.webhooks import held, retrying, strands
from lingdang.events.webhooks.courier import Courier
from lingdang.events.webhooks.delivering import PAGE
from lingdang.events.webhooks.leases import EndedError, InDoubtError, LeaseLostError
from lingdang.events.webhooks.replaying import Part, ask_replay
from lingdang.events.webhooks.running import FAILING
from lingdang.keys import Keyring, retire, rotate
from proof.webhooks.receiver import Delivery, Receiver, accept, reply
from support.hooks import is_signed
from support.turns import ENDPOINT, Endpoint, answering, gone, refuse, whose

CUSTOMERS = ("ann", "bob", "cleo", "dan", "eve", "fay")
DAY = 86_400.0
NEWEST = "SELECT max(position) FROM transfer"


async def rest(_: Delivery) -> bytes:
    return reply(429, b"", "Retry-After: 600")


def failing(endpoint: Endpoint) -> tuple[bool, int]:
    """Whether everything fails there, and how many looks at it have."""
    [(fails, failures)] = endpoint.sql("SELECT failing_since IS NOT NULL, failures FROM webhook_endpoint")
    return fails, failures


async def test_more_than_a_page_arrives_and_the_cursor_is_at_its_end(endpoint: Endpoint) -> None:
    courier = await endpoint.courier()
    before = endpoint.cursor()
    await courier.turn()
    assert endpoint.cursor() == before
    await endpoint.happen(*("ann", "bob") * (PAGE // 2 + 3))
    assert await courier.turn() == 0.0, "there is more"
    assert await courier.turn() > 0.0
    assert [endpoint.arrived(who) for who in ("ann", "bob")] == [list(range(1, PAGE // 2 + 4))] * 2
    assert [(endpoint.cursor(),)] == endpoint.sql(NEWEST)


@pytest.mark.parametrize("batch", [1, 4])
async def test_however_events_fail_each_arrives_once_in_its_customers_order(
    endpoint: Endpoint, receiver: Receiver, batch: int
) -> None:
    """Until it is accepted, each event may fail some times; couriers change meanwhile."""
    chance = random.Random(batch)
    await endpoint.put(batch=batch)
    left = {(who, seq): chance.choice([0, 0, 0, 1, 2]) for who in CUSTOMERS for seq in range(1, 9)}

    async def answer(delivery: Delivery) -> bytes:
        fails = [place for event in delivery.events if left[place := (event["custId"], event["seq"])]]
        if len(delivery.events) == 1:
            for place in fails:
                left[place] -= 1
        return reply(500 if fails else 204)

    receiver.answer = answer
    for _ in range(8):
        await endpoint.happen(*chance.sample(CUSTOMERS, len(CUSTOMERS)))
        courier = await endpoint.courier()
        await courier.turn()
        await courier.retry()
        for who in CUSTOMERS:
            assert endpoint.arrived(who) == list(range(1, len(endpoint.arrived(who)) + 1))
        endpoint.hands.forward(chance.choice([1, 40, 200]))
    courier = await endpoint.courier()
    for _ in range(20):
        endpoint.hands.forward(3600)
        await courier.turn()
        await courier.retry()
    assert [endpoint.arrived(who) for who in CUSTOMERS] == [list(range(1, 9))] * len(CUSTOMERS)
    assert (endpoint.held(), failing(endpoint)) == ([], (False, 0))
    assert [(endpoint.cursor(),)] == endpoint.sql(NEWEST)


async def test_where_everything_fails_one_event_is_tried_at_a_time_until_one_arrives(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = refuse
    await endpoint.happen(*CUSTOMERS)
    before, courier = endpoint.cursor(), await endpoint.courier()
    await courier.turn()
    assert courier.is_failing
    sent = len(receiver.deliveries)
    assert FAILING <= sent <= len(CUSTOMERS)
    await courier.turn()
    assert len(receiver.deliveries) == sent, "not before its time"
    tried = set()
    for failures in range(2, 2 + len(CUSTOMERS)):
        endpoint.hands.forward(100)
        await courier.turn()
        assert failing(endpoint) == (True, failures)
        tried.add(receiver.events[-1]["custId"])
    assert len(receiver.deliveries) == sent + len(CUSTOMERS)
    assert tried == set(CUSTOMERS), "each time another customer's"
    assert (endpoint.held(), endpoint.cursor()) == ([], before)
    receiver.answer = accept
    endpoint.hands.forward(100)
    await courier.turn()
    assert [endpoint.arrived(who) for who in CUSTOMERS] == [[1]] * len(CUSTOMERS)
    assert (courier.is_failing, failing(endpoint)) == (False, (False, 0))


async def test_who_asks_for_rest_is_left_alone_for_so_long(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = rest
    await endpoint.happen("ann")
    courier = await endpoint.courier()
    await courier.turn()
    for seconds, sent in ((0, 1), (590, 1), (20, 2)):
        endpoint.hands.forward(seconds)
        receiver.answer = accept
        await courier.turn()
        assert len(receiver.deliveries) == sent
    assert endpoint.arrived("ann") == [1]


async def test_who_wants_nothing_more_is_paused_and_operators_are_told(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = gone
    await endpoint.happen("ann", "bob")
    before = endpoint.cursor()
    courier = await endpoint.courier()
    with pytest.raises(EndedError):
        await courier.turn()
    assert endpoint.sql("SELECT active, gone_at IS NOT NULL FROM webhook_endpoint") == [(False, True)]
    assert (endpoint.cursor(), endpoint.held()) == (before, [])
    [(kind, told)] = endpoint.sql("SELECT type, data FROM notice")
    assert (kind, told["endpointId"]) == ("endpoint.paused", ENDPOINT)
    with pytest.raises(EndedError):
        await courier.turn()
    receiver.answer = accept
    await endpoint.put()
    await (await endpoint.courier()).turn()
    assert (endpoint.arrived("ann"), endpoint.arrived("bob")) == ([1], [1])


async def test_who_wants_nothing_more_when_something_is_tried_again_is_paused_too(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("bob", "ann")
    courier = await endpoint.courier()
    await courier.turn()
    receiver.answer = gone
    endpoint.hands.forward(7)
    with pytest.raises(EndedError):
        await courier.retry()
    assert endpoint.sql("SELECT active FROM webhook_endpoint") == [(False,)]
    assert endpoint.held() == [(1, True, False)]


async def test_what_arrived_while_another_worker_got_the_lease_is_not_written_down_and_arrives_again(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    async def late(_: Delivery) -> bytes:
        endpoint.lose_lease()
        return reply(204)

    receiver.answer = late
    await endpoint.happen("ann")
    before = endpoint.cursor()
    with pytest.raises(LeaseLostError):
        await (await endpoint.courier()).turn()
    assert (endpoint.cursor(), endpoint.arrived("ann")) == (before, [1])
    endpoint.sql("UPDATE webhook_lease SET holder = NULL, until = now() - interval '1 second'")
    async with transaction(endpoint.parts.pool) as connection:
        assert (await endpoint.parts.leases.take(connection)).new == {ENDPOINT}
    receiver.answer = accept
    await (await endpoint.courier()).turn()
    assert endpoint.arrived("ann") == [1, 1]
    assert endpoint.cursor() > before


async def test_without_a_secret_nothing_is_sent_until_there_is_another_one(
    endpoint: Endpoint, receiver: Receiver, keyring: Keyring
) -> None:
    now = system_clock()
    rotate(keyring.path, now, now)
    retire(keyring.path, 1, now)
    assert [version.kid for version in keyring.versions()] == ["k2"]
    await endpoint.happen("ann")
    courier = await endpoint.courier()
    for _ in range(2):
        await courier.turn()
    assert (receiver.connections, endpoint.held(), failing(endpoint)) == (0, [], (False, 0))
    async with transaction(endpoint.parts.pool) as connection:
        await endpoint.parts.secrets.add(connection, ENDPOINT, endpoint.hands())
    await courier.turn()
    assert endpoint.arrived("ann") == [1]


async def replay(endpoint: Endpoint, cust_id: str) -> None:
    """Ask for all of a customer's past."""
    part = Part([0], [2**63 - 1], None, whose(cust_id)[1])
    async with transaction(endpoint.parts.pool) as connection:
        await ask_replay(connection, ENDPOINT, uuid4(), part, endpoint.hands())


async def test_a_replay_sends_again_what_arrived_and_brings_what_was_given_up(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.answer = answering(500, ("ann", 2))
    await endpoint.happen("ann", "bob", "ann", "ann")
    courier = await endpoint.courier()
    await courier.turn()
    await endpoint.happen("cleo")
    await courier.turn()
    for _ in range(2):
        endpoint.hands.forward(3 * DAY)
        await courier.retry()
    assert endpoint.held() == [(2, False, True)]
    assert endpoint.arrived("ann") == [1, 3]
    receiver.answer = accept
    await replay(endpoint, "ann")
    await endpoint.happen("bob")
    for _ in range(3):
        await courier.turn()
    assert (endpoint.arrived("ann"), endpoint.arrived("bob")) == ([1, 3, 1, 2, 3], [1, 2])
    assert (endpoint.held(), endpoint.sql("SELECT 1 FROM webhook_replay")) == ([], [])


async def test_a_courier_ends_where_the_endpoint_was_made_anew_under_its_name(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """The next one signs with the new secret."""
    await endpoint.happen("ann")
    courier = await endpoint.courier()
    await courier.turn()
    endpoint.sql("DELETE FROM webhook_endpoint")
    endpoint.hands.forward(1)
    await endpoint.put()
    async with transaction(endpoint.parts.pool) as connection:
        made = await endpoint.parts.secrets.add(connection, ENDPOINT, endpoint.hands())
        assert (await endpoint.parts.leases.take(connection)).new == {ENDPOINT}
    await endpoint.happen("ann")
    with pytest.raises(EndedError):
        await courier.turn()
    assert len(receiver.deliveries) == 1
    await (await endpoint.courier()).turn()
    delivery = receiver.deliveries[-1]
    assert (len(receiver.deliveries), is_signed(made.secret, delivery)) == (2, True)


class LostAnswer:
    """A pool whose next transaction that writes is committed, and then fails as if the answer was lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._is_next = True
        monkeypatch.setattr("lingdang.events.webhooks.turn.transaction", self._transaction)

    @asynccontextmanager
    async def _transaction(self, pool: Pool) -> AsyncIterator[Connection]:
        async with transaction(pool) as connection:
            yield connection
        if self._is_next:
            self._is_next = False
            raise Problem("overloaded")


async def test_when_nobody_knows_what_was_written_down_the_next_courier_begins_from_the_database(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("zoe", "ann")
    courier = await endpoint.courier()
    LostAnswer(monkeypatch)
    with pytest.raises(ExceptionGroup) as ended:
        await courier.run()
    assert ended.group_contains(InDoubtError)
    assert endpoint.held() == [(1, True, False)]
    await endpoint.happen("ann")
    await (await endpoint.courier()).turn()
    assert endpoint.arrived("ann") == [], "the second one is not sent before the first one"
    assert endpoint.held() == [(1, True, False), (0, False, False)]


async def test_what_ends_a_courier_ends_it_also_while_something_is_tried_again(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("zoe", "ann")
    courier = await endpoint.courier()
    await courier.turn()
    receiver.answer = accept
    endpoint.hands.forward(7)
    LostAnswer(monkeypatch)
    with pytest.raises(InDoubtError):
        await courier.retry()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([1], [])


async def test_what_was_given_up_and_fails_in_a_replay_is_held_again(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strands, "PATIENCE_SECONDS", 30.0)  # a busy machine is not a silent customer
    receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("zoe", "ann", "bob")
    courier = await endpoint.courier()
    await courier.turn()
    endpoint.sql("UPDATE webhook_held SET due_at = NULL, parked_at = now()")
    courier = await endpoint.courier()
    await replay(endpoint, "ann")
    await endpoint.happen("bob")
    for _ in range(3):
        await courier.turn()
    assert (endpoint.held(), endpoint.sql("SELECT 1 FROM webhook_replay")) == ([(1, True, False)], [])
    receiver.answer = accept
    endpoint.hands.forward(7)
    await courier.retry()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([1], [])


async def test_a_replay_alone_shows_that_an_endpoint_works_again(endpoint: Endpoint, receiver: Receiver) -> None:
    await endpoint.happen("ann", "bob")
    courier = await endpoint.courier()
    await courier.turn()
    await replay(endpoint, "ann")
    endpoint.sql("UPDATE webhook_endpoint SET failing_since = now(), failures = 1")
    for _ in range(3):
        await courier.turn()
    assert (endpoint.arrived("ann"), failing(endpoint)) == ([1, 1], (False, 0))
    assert endpoint.sql("SELECT 1 FROM webhook_replay") == []


async def test_where_little_happens_an_endpoint_fails_after_as_many_customers(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    """Nothing is parked, however long it takes."""
    courier = await endpoint.courier()
    await endpoint.happen("zoe")
    await courier.turn()
    receiver.answer = refuse
    for number, who in enumerate(CUSTOMERS[:FAILING], 1):
        assert failing(endpoint) == (False, 0), number
        await endpoint.happen(who)
        await courier.turn()
    assert failing(endpoint) == (True, 1)
    endpoint.hands.forward(9 * DAY)
    for _ in range(9):
        await courier.turn()
        await courier.retry()
        endpoint.hands.forward(100)
    assert [parked for *_, parked in endpoint.held()] == [False] * (FAILING - 1)
    receiver.answer = accept
    for _ in range(3):
        await courier.turn()
        endpoint.hands.forward(1000)
        await courier.retry()
    assert [endpoint.arrived(who) for who in CUSTOMERS[:FAILING]] == [[1]] * FAILING
    assert endpoint.held() == []


async def test_after_a_long_outage_one_more_failure_parks_nothing(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("zoe", "ann")
    courier = await endpoint.courier()
    await courier.turn()
    endpoint.sql("UPDATE webhook_endpoint SET failing_since = now(), failures = 1")
    endpoint.hands.forward(9 * DAY)
    await endpoint.happen("bob", "bob")
    for _ in range(3):
        await courier.turn()
        endpoint.hands.forward(100)
    assert failing(endpoint) == (False, 0)
    await courier.retry()
    assert [parked for *_, parked in endpoint.held()] == [False]


async def test_who_asks_for_rest_when_something_is_tried_again_gets_it(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.answer = answering(500, ("ann", 1), ("bob", 1))
    await endpoint.happen("zoe", "ann", "bob")
    courier = await endpoint.courier()
    await courier.turn()
    before, sent = endpoint.held(), len(receiver.deliveries)
    receiver.answer = rest
    endpoint.hands.forward(7)
    await courier.retry()
    assert failing(endpoint) == (True, 1)
    came = len(receiver.deliveries)
    assert sent < came <= sent + 2, "those that were under way at the same time"
    assert endpoint.held() == before
    receiver.answer = accept
    await endpoint.happen("cleo")
    endpoint.hands.forward(580)
    await courier.turn()
    await courier.retry()
    assert len(receiver.deliveries) == came
    endpoint.hands.forward(30)
    await courier.turn()
    await courier.retry()
    assert [endpoint.arrived(who) for who in ("ann", "bob", "cleo")] == [[1]] * 3


async def crowd(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, **most: int) -> Courier:
    """Of ann more wait behind her first event, which fails for ever, than may."""
    for name, number in ({"MOST_OF_ONE": 4} | most).items():
        monkeypatch.setattr(held, name, number)
    endpoint.receiver.answer = answering(500, ("ann", 1))
    await endpoint.happen("zoe", *("ann",) * 4)
    courier = await endpoint.courier()
    await courier.turn()
    assert [parked for *_, parked in endpoint.held()] == [False] * 4
    return courier


async def test_a_customer_of_whom_too_many_wait_is_given_up_as_a_whole_and_the_next_ones_go_on(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = await crowd(endpoint, monkeypatch)
    endpoint.hands.forward(7)
    await courier.retry()
    assert [parked for *_, parked in endpoint.held()] == [False] * 4, "perhaps the endpoint fails, and not the event"
    await endpoint.happen("bob")
    await courier.turn()
    endpoint.hands.forward(40)
    await courier.retry()
    assert endpoint.held() == [(3, False, True), *[(0, False, True)] * 3]
    assert endpoint.sql("SELECT DISTINCT reason FROM webhook_held WHERE failures = 0") == [
        ("too many waited behind an event that failed",)
    ]
    await endpoint.happen("ann")
    await courier.turn()
    assert endpoint.arrived("ann") == [5]
    endpoint.receiver.answer = accept
    await replay(endpoint, "ann")
    await courier.turn()
    await courier.turn()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([5, 1, 2, 3, 4, 5], [])


async def test_one_customer_does_not_fill_an_endpoint_for_good(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing else can arrive, because nothing is read any more."""
    courier = await crowd(endpoint, monkeypatch, MOST_WAITING=3)
    lag = courier.lag()
    await endpoint.happen("bob")
    await courier.turn()
    assert (endpoint.arrived("bob"), courier.lag() > lag) == ([], True), "and that is told"
    endpoint.hands.forward(7)
    await courier.retry()
    assert [parked for *_, parked in endpoint.held()] == [True] * 4
    await courier.turn()
    assert endpoint.arrived("bob") == [1]


async def test_an_endpoint_at_which_very_much_was_given_up_is_paused_until_it_is_written_anew(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "LOOKED_AT", 1)
    courier = await crowd(endpoint, monkeypatch, MOST_PARKED=4)
    await endpoint.happen("bob")
    await courier.turn()
    before = endpoint.cursor()
    endpoint.hands.forward(7)
    with pytest.raises(EndedError):
        await courier.retry()
    assert endpoint.sql("SELECT active FROM webhook_endpoint") == [(False,)]
    [(told,)] = endpoint.sql("SELECT data FROM notice")
    assert told["reason"] == "4 events were given up since it was written last."
    await endpoint.put()
    await endpoint.happen("bob")
    courier = await endpoint.courier()
    await courier.turn()
    await courier.retry()
    assert (endpoint.arrived("bob"), endpoint.cursor() > before) == ([1, 2], True)
    assert [parked for *_, parked in endpoint.held()] == [True] * 4, "nothing of it is forgotten"
