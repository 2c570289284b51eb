"""What is not answered for a while leaves its page, and becomes of it what its answer says, whenever that comes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from lingdang.events.webhooks import strands
from lingdang.events.webhooks.courier import Courier
from lingdang.events.webhooks.leases import EndedError
from lingdang.events.webhooks.running import FAILING
from lingdang.events.webhooks.strands import AT_ONCE
from proof.webhooks.receiver import Delivery, Receiver, accept, reply
from support.tabs import until
from support.turns import Endpoint, answering


class Hanging:
    """A receiver that does not answer to these customers' events until it is told what to answer them, and how many of
    such were under way at the same time."""

    def __init__(self, *cust_ids: str) -> None:
        self.cust_ids = cust_ids
        self.status = asyncio.get_running_loop().create_future()
        self.under_way = self.most = 0

    async def __call__(self, delivery: Delivery) -> bytes:
        [event] = delivery.events
        if event["custId"] not in self.cust_ids:
            return reply(204)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return reply(await asyncio.shield(self.status))
        finally:
            self.under_way -= 1


@pytest.fixture
async def courier(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Courier]:
    """A courier that waits for an answer no longer than a test has to."""
    monkeypatch.setattr(strands, "PATIENCE_SECONDS", 0.2)
    courier = await endpoint.courier()
    yield courier
    await courier.close()


def is_held(endpoint: Endpoint, *rows: tuple[int, bool, bool]) -> bool:
    return endpoint.held() == list(rows)


async def turn_on(courier: Courier) -> None:
    """Until the courier's end."""
    while True:
        await courier.turn()
        await asyncio.sleep(0.05)


async def test_what_arrives_after_its_page_is_held_no_more_and_its_next_ones_follow(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen("ann", "ann", "bob")
    await courier.turn()
    assert endpoint.held() == [(0, True, False), (0, False, False)]
    assert endpoint.arrived("bob") == [1]
    endpoint.hands.forward(60)
    await courier.retry()
    assert len(receiver.deliveries) == 2, "what is under way is not sent beside itself"
    hanging.status.set_result(204)
    await until(partial(is_held, endpoint, (0, True, False)))
    await courier.retry()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([1, 2], [])


async def test_what_is_refused_after_its_page_has_failed_and_is_tried_again_in_its_order(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen("ann", "ann", "bob")
    await courier.turn()
    hanging.status.set_result(500)
    await until(partial(is_held, endpoint, (1, True, False), (0, False, False)))
    hanging.cust_ids = ()
    endpoint.hands.forward(7)
    await courier.retry()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([1, 2], [])


async def test_a_courier_that_ends_before_the_answer_leaves_the_event_to_the_next_one(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen("ann", "bob")
    await courier.turn()
    await courier.close()
    hanging.cust_ids = ()
    endpoint.hands.forward(21)
    successor = await endpoint.courier()
    await successor.turn()
    await successor.retry()
    assert (endpoint.arrived("ann"), endpoint.held()) == ([1], [])


async def test_who_wants_nothing_more_is_paused_though_the_page_is_done_with(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen("ann", "bob")
    await courier.turn()
    hanging.status.set_result(410)
    with pytest.raises(EndedError):
        await asyncio.wait_for(turn_on(courier), 20)
    assert endpoint.sql("SELECT active FROM webhook_endpoint") == [(False,)]


async def test_no_more_than_so_many_are_under_way_and_where_all_fail_the_endpoint_does(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    customers = [f"c{number}" for number in range(AT_ONCE + 3)]
    receiver.answer = hanging = Hanging(*customers)
    await endpoint.happen(*customers[:FAILING])
    await courier.turn()
    await endpoint.happen(*customers[FAILING:])
    turn = asyncio.create_task(courier.turn())
    await until(lambda: hanging.under_way == AT_ONCE)
    await asyncio.sleep(1)
    assert (hanging.most, turn.done()) == (AT_ONCE, False)
    hanging.status.set_result(500)
    await turn
    await courier.turn()
    assert endpoint.sql("SELECT failing_since IS NOT NULL FROM webhook_endpoint") == [(True,)]
    assert len(receiver.deliveries) == AT_ONCE, "nothing more is sent then"


async def test_many_rows_are_not_made_where_nothing_has_arrived(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen(*("ann",) * 60)
    turn = asyncio.create_task(courier.turn())
    await until(lambda: hanging.under_way == 1)
    await asyncio.sleep(1)
    assert (turn.done(), endpoint.held()) == (False, [])
    hanging.status.set_result(204)
    await turn
    assert (endpoint.arrived("ann"), endpoint.held()) == (list(range(1, 61)), [])


async def test_what_is_tried_again_and_not_answered_holds_up_nobody_elses_retry(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = answering(500, ("ann", 1), ("bob", 1))
    await endpoint.happen("zoe", "ann", "bob")
    await courier.turn()
    receiver.answer = hanging = Hanging("ann")
    endpoint.hands.forward(7)
    await courier.retry()
    assert endpoint.arrived("bob") == [1]
    endpoint.sql("UPDATE webhook_held SET due_at = now() - interval '1 day'")
    receiver.answer = answering(500, ("cid", 1))
    await endpoint.happen("cid", "cid")
    await courier.turn()
    receiver.answer = accept
    endpoint.hands.forward(7)
    await courier.retry()
    await courier.retry()
    assert endpoint.arrived("cid") == [1, 2]
    assert (hanging.under_way, endpoint.arrived("ann")) == (1, []), "and it is not sent beside itself"
    hanging.status.set_result(204)
    await until(partial(is_held, endpoint))
    assert endpoint.arrived("ann") == [1]


async def test_what_ends_the_courier_ends_it_in_the_next_turn_where_nobody_waits_for_it(
    endpoint: Endpoint, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = hanging = Hanging("ann")
    await endpoint.happen("ann", "bob")
    await courier.turn()
    endpoint.lose_lease()
    hanging.status.set_result(204)
    await until(lambda: hanging.under_way == 0)
    with pytest.raises(EndedError):
        await asyncio.wait_for(turn_on(courier), 20)
    assert endpoint.held() == [(0, True, False)], "what another one sends for is not written down"
