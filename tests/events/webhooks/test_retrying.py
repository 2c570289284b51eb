"""What is held is tried again in each customer's order: it arrives, has its next time, or is given up."""

import asyncio
from unittest.mock import patch

from lingdang.db.pool import Connection
from lingdang.events.webhooks.retrying import TRIED, retry, retry_due
from proof.webhooks.receiver import Delivery, Receiver, accept, reply
from support.turns import Endpoint, answering, whose

DAY = 86_400.0
RETRYING = "lingdang.events.webhooks.retrying"


async def _at_the_start(_: Connection, bucket: int) -> int:
    """The horizon while a transaction that began before everything else has not ended."""
    return bucket


async def fail(endpoint: Endpoint, *cust_ids: str) -> None:
    """Something arrives; of all that happened to these customers the first fails and the rest is held behind it."""
    endpoint.receiver.answer = answering(500, *((cust_id, 1) for cust_id in cust_ids))
    await endpoint.happen("zoe", *cust_ids)
    await (await endpoint.courier()).turn()
    assert len(endpoint.held()) == len(cust_ids)
    endpoint.receiver.deliveries.clear()
    endpoint.receiver.accepted.clear()


async def test_what_is_due_arrives_in_its_order_and_is_forgotten(endpoint: Endpoint, receiver: Receiver) -> None:
    await fail(endpoint, "ann", "bob", "ann", "ann", "bob")
    assert not await retry_due(await endpoint.turn()), "not before its time"
    receiver.answer = accept
    endpoint.hands.forward(7)
    turn = await endpoint.turn()
    assert await retry_due(turn)
    assert [endpoint.arrived(who) for who in ("ann", "bob")] == [[1, 2, 3], [1, 2]]
    assert (endpoint.held(), len(turn.waiting), turn.waiting.tried) == ([], 0, set())
    assert not await retry_due(await endpoint.turn())


async def test_what_fails_again_has_a_later_time_and_those_behind_it_wait(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await fail(endpoint, "ann", "ann", "ann", "ann")
    receiver.answer = answering(503, ("ann", 3), headers=("Retry-After: 300",))
    endpoint.hands.forward(7)
    turn = await endpoint.turn()
    assert await retry_due(turn)
    assert endpoint.arrived("ann") == [1, 2]
    assert [event["seq"] for event in receiver.events] == [1, 2, 3]
    assert endpoint.held() == [(1, True, False), (0, False, False)]
    assert len(turn.waiting) == 2
    assert endpoint.sql("SELECT reason FROM webhook_held WHERE failures > 0") == [("503 no",)]
    for seconds, due in ((280, False), (30, True)):
        endpoint.hands.forward(seconds)
        receiver.answer = accept
        assert await retry_due(await endpoint.turn()) == due
    assert endpoint.arrived("ann") == [1, 2, 3, 4]


async def test_what_failed_for_three_days_is_given_up_and_the_next_ones_go_on(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await fail(endpoint, "ann", "ann")
    endpoint.hands.forward(2.9 * DAY)
    await retry_due(await endpoint.turn())
    assert endpoint.held() == [(2, True, False), (0, False, False)]
    await endpoint.happen("zoe")
    await (await endpoint.courier()).turn()
    endpoint.hands.forward(1.1 * DAY)
    turn = await endpoint.turn()
    await retry_due(turn)
    assert endpoint.held() == [(3, False, True), (0, True, False)]
    assert len(turn.waiting) == 1
    await retry_due(turn)
    assert (endpoint.arrived("ann"), endpoint.held(), len(turn.waiting)) == ([2], [(3, False, True)], 0)


async def test_nothing_is_given_up_unless_something_arrived_since_it_failed(endpoint: Endpoint) -> None:
    """It may be that everything fails, at an endpoint where little happens."""
    await fail(endpoint, "ann", "ann")
    endpoint.hands.forward(9 * DAY)
    await retry_due(await endpoint.turn())
    assert endpoint.held() == [(2, True, False), (0, False, False)]


async def test_the_three_days_begin_anew_when_the_endpoint_is_written_anew(endpoint: Endpoint) -> None:
    """It was paused for long, say."""
    await fail(endpoint, "ann")
    await endpoint.put(active=False)
    endpoint.hands.forward(9 * DAY)
    await endpoint.put()
    await endpoint.happen("zoe")
    await (await endpoint.courier()).turn()
    await retry_due(await endpoint.turn())
    assert endpoint.held() == [(2, True, False)]
    endpoint.hands.forward(3.1 * DAY)
    await retry_due(await endpoint.turn())
    assert endpoint.held() == [(3, False, True)]


async def test_nothing_is_given_up_while_the_endpoint_fails(endpoint: Endpoint) -> None:
    await fail(endpoint, "ann", "ann")
    endpoint.sql("UPDATE webhook_endpoint SET failing_since = now()")
    endpoint.hands.forward(9 * DAY)
    await retry(await endpoint.turn(), whose("ann"), 1)
    assert endpoint.held() == [(2, True, False), (0, False, False)]


async def test_what_is_under_way_again_is_not_sent_beside_it(endpoint: Endpoint, receiver: Receiver) -> None:
    await fail(endpoint, "ann", "ann")
    came, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Delivery) -> bytes:
        came.set()
        await go_on.wait()
        return reply(204)

    receiver.answer = slow
    turn = await endpoint.turn()
    first = asyncio.create_task(retry(turn, whose("ann"), 9))
    await came.wait()
    assert await retry(turn, whose("ann"), 9) is None
    go_on.set()
    run = await first
    assert run is not None
    assert (len(run.done), endpoint.arrived("ann"), endpoint.held()) == (2, [1, 2], [])


async def test_what_the_journal_tells_no_more_is_forgotten(endpoint: Endpoint, receiver: Receiver) -> None:
    """A restore has lost it."""
    await fail(endpoint, "ann", "ann", "bob")
    endpoint.sql(f"DELETE FROM transfer WHERE customer = {whose('ann')[1]} AND seq = 1")
    receiver.answer = accept
    turn = await endpoint.turn()
    endpoint.hands.forward(7)
    await retry_due(turn)
    assert (endpoint.arrived("ann"), endpoint.arrived("bob")) == ([2], [1])
    assert (endpoint.held(), len(turn.waiting)) == ([], 0)


async def test_whoever_wants_nothing_more_is_sent_nothing_more_and_all_is_kept(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await fail(endpoint, "ann", "ann", "bob", "cleo", "dan", "eve", "fay")
    before = endpoint.sql("SELECT * FROM webhook_held ORDER BY number")
    receiver.answer = answering(410, *((who, 1) for who in ("ann", "bob", "cleo", "dan", "eve", "fay")))
    endpoint.hands.forward(7)
    turn = await endpoint.turn()
    await retry_due(turn)
    assert turn.health.stopped is not None
    assert turn.health.stopped.status == 410
    assert len(receiver.deliveries) <= 4, "those that were under way at the same time"
    assert endpoint.sql("SELECT * FROM webhook_held ORDER BY number") == before


async def test_so_many_customers_are_tried_in_a_turn_and_the_next_ones_in_the_next(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    many = [f"c{number}" for number in range(TRIED + 3)]
    await fail(endpoint, *many)
    receiver.answer = accept
    endpoint.hands.forward(7)
    for left in (3, 0):
        assert await retry_due(await endpoint.turn())
        assert len(endpoint.held()) == left
    assert [endpoint.arrived(who) for who in many] == [[1]] * len(many)


async def test_what_is_above_the_horizon_for_a_while_is_sent_later_and_not_lost(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await fail(endpoint, "ann", "ann", "bob")
    receiver.answer = accept
    endpoint.hands.forward(7)
    turn = await endpoint.turn()
    with patch("lingdang.events.reading.horizon", _at_the_start), patch(f"{RETRYING}.horizon", _at_the_start):
        assert await retry_due(turn)
        assert not await retry_due(await endpoint.turn()), "it has a later time"
    assert (receiver.deliveries, len(endpoint.held()), len(turn.waiting)) == ([], 3, 3)
    with patch("lingdang.events.reading.horizon", _at_the_start):
        endpoint.hands.forward(7)
        assert await retry_due(await endpoint.turn()), "nor when it rises between two looks"
    assert (receiver.deliveries, len(endpoint.held())) == ([], 3)
    endpoint.hands.forward(7)
    await retry_due(await endpoint.turn())
    assert (endpoint.arrived("ann"), endpoint.arrived("bob"), endpoint.held()) == ([1, 2], [1], [])


async def test_what_the_endpoint_asks_for_no_more_is_forgotten_unless_it_was_replayed(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await fail(endpoint, "ann", "bob", "ann")
    endpoint.sql(f"UPDATE webhook_held SET replayed = true WHERE customer = {whose('bob')[1]}")
    receiver.answer = accept
    await endpoint.put(types=("order.paid",))
    turn = await endpoint.turn()
    await retry_due(turn)
    assert (endpoint.arrived("ann"), endpoint.arrived("bob")) == ([], [1])
    assert (endpoint.held(), len(turn.waiting)) == ([], 0)
