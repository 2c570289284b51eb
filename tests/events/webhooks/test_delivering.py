"""Events arrive: signed, in each customer's order, each at least once; who fails holds up nobody else."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
from standardwebhooks import Webhook

from lingdang.cli.epoch import declare_lost
from lingdang.keys import Keyring
from proof.webhooks.receiver import Delivery, Receiver, accept, reply
from support.hooks import Platform, platform_of, seqs
from support.journal import deployment_of
from support.tabs import until
from support.turns import answering, gone, refuse

DAY = 86_400.0
BEHIND = "SELECT 1 FROM transfer t, webhook_cursor c WHERE t.position > c.position"


def has_failed(platform: Platform, times: int) -> bool:
    """Whether what is held first has failed so many times."""
    return bool(platform.held()[0][0] == times)


async def test_events_arrive_signed_and_in_order(platform: Platform, receiver: Receiver) -> None:
    made = await platform.put(receiver)
    await platform.happen(*("ann", "bob") * 5)
    await until(lambda: len(receiver.events) == 10)
    assert [seqs(receiver, who) for who in ("ann", "bob")] == [[1, 2, 3, 4, 5]] * 2
    for delivery in receiver.deliveries:
        [event] = delivery.events
        assert Webhook(made["secret"]).verify(delivery.body, delivery.headers) == event
        assert (delivery.headers["webhook-id"], event["type"]) == (event["id"], "wallet.credited")
        assert event["data"]["amount"] == 1
    assert receiver.connections < 10


async def test_batches_are_lists_with_one_signature(platform: Platform, receiver: Receiver) -> None:
    made = await platform.put(receiver, batch=4, thin=True, active=False)
    await platform.happen(*("ann", "bob") * 5)
    await platform.put(receiver, batch=4, thin=True)
    await until(lambda: len(receiver.events) == 10)
    assert [len(delivery.events) for delivery in receiver.deliveries] == [4, 4, 2]
    assert [seqs(receiver, who) for who in ("ann", "bob")] == [[1, 2, 3, 4, 5]] * 2
    assert all("data" not in event for event in receiver.events)
    for delivery in receiver.deliveries:
        Webhook(made["secret"]).verify(delivery.body, delivery.headers)
    assert len({delivery.headers["webhook-id"] for delivery in receiver.deliveries}) == 3


async def test_only_types_that_were_asked_for(platform: Platform, receiver: Receiver) -> None:
    await platform.put(receiver, types=["order.paid"])
    await platform.happen("ann", "bob")
    await platform.put(receiver, endpoint_id="second", types=["wallet.credited"])
    await platform.happen("ann")
    await until(lambda: len(receiver.events) == 1)
    await until(lambda: platform.shop.sql("SELECT DISTINCT position FROM webhook_cursor")[1:] == [])
    assert (seqs(receiver, "ann"), seqs(receiver, "bob")) == ([2], [])


async def test_a_failing_event_holds_up_its_customer_and_nobody_else(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = answering(500, ("ann", 2))
    await platform.put(receiver)
    await platform.happen(*("ann", "bob", "cleo") * 4)
    await until(lambda: len(seqs(receiver, "bob")) == len(seqs(receiver, "cleo")) == 4)
    await until(lambda: len(platform.held()) == 3)
    assert platform.held() == [(1, True, False), (0, False, False), (0, False, False)]
    assert seqs(receiver, "ann") == [1, 2]
    told = await platform.look()
    assert (told["state"], told["backlog"]["waiting"], told["backlog"]["parked"]) == ("delivering", 3, 0)
    [failed] = told["failed"]
    assert (failed["failures"], failed["parkedAt"], failed["reason"]) == (1, None, "500 no")
    assert failed["eventId"] in [event["id"] for event in receiver.events if event["seq"] == 2]
    await platform.happen("bob")
    await until(lambda: len(seqs(receiver, "bob")) == 5)
    receiver.answer = accept
    platform.hands.forward(7)
    await until(lambda: seqs(receiver, "ann") == [1, 2, 3, 4])
    await until(lambda: platform.held() == [])
    await platform.happen("ann")
    await until(lambda: seqs(receiver, "ann") == [1, 2, 3, 4, 5])
    await until(lambda: platform.shop.sql(BEHIND) == [])
    assert (await platform.look())["backlog"] == {"since": None, "waiting": 0, "parked": 0}


async def test_where_everything_fails_no_rows_pile_up(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = refuse
    await platform.put(receiver)
    customers = [f"c{number}" for number in range(20)]
    await platform.happen(*customers * 3)
    await until(lambda: platform.state() == "failing")
    assert platform.held() == []
    receiver.answer = accept
    receiver.deliveries.clear()
    platform.hands.forward(80)
    await until(lambda: len(receiver.events) >= 60)
    assert [seqs(receiver, who) for who in customers] == [[1, 2, 3]] * 20
    await until(lambda: platform.state() == "delivering")


async def test_one_customer_whose_events_fail_does_not_hide_that_others_arrive(
    platform: Platform, receiver: Receiver
) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await platform.put(receiver)
    await platform.happen(*("ann",) * 60)
    await until(lambda: platform.state() == "failing")
    await platform.happen("bob")
    for _ in range(3):
        platform.hands.forward(80)
        await asyncio.sleep(1)
    await until(lambda: seqs(receiver, "bob") == [1])
    await until(lambda: len(platform.held()) == 60)


async def test_after_three_days_an_event_is_parked_and_the_next_ones_go_on(
    platform: Platform, receiver: Receiver
) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await platform.put(receiver)
    await platform.happen("ann", "ann", "bob")
    await until(lambda: len(platform.held()) == 2)
    await platform.happen("bob")
    await until(lambda: seqs(receiver, "bob") == [1, 2])
    for failures in (2, 3):
        platform.hands.forward(1.3 * DAY)
        await until(partial(has_failed, platform, failures))
    platform.hands.forward(1.3 * DAY)
    await until(lambda: seqs(receiver, "ann") == [1, 2])
    await until(lambda: len(platform.held()) == 1)
    assert platform.held() == [(4, False, True)]
    told = await platform.look()
    assert (told["backlog"]["parked"], [each["nextTryAt"] for each in told["failed"]]) == (1, [None])
    await platform.happen("ann")
    await until(lambda: seqs(receiver, "ann") == [1, 2, 3])


async def test_410_pauses_the_endpoint_which_keeps_its_position(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = gone
    await platform.put(receiver)
    await platform.happen("ann", "bob")
    await until(lambda: platform.state() == "paused")
    assert (await platform.look())["goneAt"] is not None
    await platform.happen("ann")
    feed = await platform.shop.http.get(
        "/v1/admin/events", params={"types": "endpoint.paused", "wait": 20}, headers=platform.key
    )
    assert [event["data"]["endpointId"] for event in feed.json()["items"]] == ["main"]
    receiver.answer = accept
    receiver.deliveries.clear()
    await platform.put(receiver)
    await until(lambda: (seqs(receiver, "ann"), seqs(receiver, "bob")) == ([1, 2], [1]))


async def test_of_a_batch_the_event_that_fails_is_found(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = answering(500, ("ann", 2))
    await platform.put(receiver, batch=100, active=False)
    await platform.happen(*("ann", "bob") * 10)
    await platform.put(receiver, batch=100)
    await until(lambda: len(seqs(receiver, "bob")) == 10 and len(platform.held()) == 9)
    receiver.answer = accept
    platform.hands.forward(7)
    await until(lambda: seqs(receiver, "ann") == list(range(1, 11)) and platform.held() == [])


async def test_an_endpoint_that_asks_for_a_pause_gets_it(platform: Platform, receiver: Receiver) -> None:
    async def slow_down(_: Delivery) -> bytes:
        return reply(429, b"", "Retry-After: 600")

    receiver.answer = slow_down
    await platform.put(receiver)
    await platform.happen("ann")
    await until(lambda: platform.state() == "failing")
    receiver.answer = accept
    platform.hands.forward(500)
    await asyncio.sleep(1.5)
    assert len(receiver.deliveries) == 1
    platform.hands.forward(150)
    await until(lambda: len(receiver.deliveries) == 2)
    assert platform.held() == []


async def test_the_past_is_sent_again_by_customer_and_type(platform: Platform, receiver: Receiver) -> None:
    feed = await platform.shop.http.get("/v1/admin/events", params={"after": "latest"}, headers=platform.key)
    await platform.put(receiver)
    await platform.happen(*("ann", "bob") * 3)
    await until(lambda: len(receiver.events) == 6)
    first = [event["id"] for event in receiver.events if event["custId"] == "ann"]
    receiver.deliveries.clear()
    asked = {"after": feed.json()["next"], "custId": "ann", "types": ["wallet.credited"]}
    answer = await platform.ask("POST", "main/replay", asked)
    assert (answer.status_code, list(answer.json())) == (202, ["replayId"])
    await until(lambda: [event["id"] for event in receiver.events] == first)
    await until(lambda: platform.shop.sql("SELECT 1 FROM webhook_replay") == [])
    unknown = await platform.ask("POST", "main/replay", asked | {"custId": "nobody"})
    foreign = await platform.ask("POST", "main/replay", asked | {"after": "MDE5YWIwYzU"})
    assert (unknown.status_code, foreign.status_code, foreign.json()["errors"][0]["path"]) == (404, 400, "$.after")
    assert platform.shop.sql("SELECT 1 FROM webhook_replay") == []


async def test_another_worker_goes_on_when_one_ends(database_url: str, keyring: Keyring, receiver: Receiver) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(platform_of(database_url, keyring, receiver))
        async with platform_of(database_url, keyring, receiver) as second:
            await second.put(receiver)
            await first.happen(*("ann", "bob") * 3)
            await until(lambda: len(receiver.events) == 6)
        await first.happen("ann", "bob")
        await until(lambda: len(receiver.events) == 8)
        assert [seqs(receiver, who) for who in ("ann", "bob")] == [[1, 2, 3, 4]] * 2


async def test_of_two_workers_one_sends(database_url: str, keyring: Keyring, receiver: Receiver) -> None:
    async with (
        platform_of(database_url, keyring, receiver) as first,
        platform_of(database_url, keyring, receiver),
        platform_of(database_url, keyring, receiver),
    ):
        await first.put(receiver)
        await first.happen(*("ann", "bob", "cleo") * 10)
        await until(lambda: len(receiver.events) >= 30)
        await asyncio.sleep(1)
        assert len(receiver.events) == 30, "each once"


async def test_after_a_restore_what_is_true_comes_again(platform: Platform, receiver: Receiver) -> None:
    await platform.put(receiver)
    await platform.happen("ann", "ann", "bob")
    await until(lambda: len(receiver.events) == 3 and platform.shop.sql(BEHIND) == [])
    first = receiver.events
    receiver.deliveries.clear()
    declared = await declare_lost(deployment_of(platform.shop.database_url, platform.shop.keyring))
    assert declared.last_true == ["0"]
    await until(lambda: len({event["id"] for event in receiver.events}) == 4)
    again = {event["id"]: event for event in receiver.events}
    [reset] = [event for event in again.values() if event["type"] == "feed.reset"]
    assert reset["data"] == {"lastTrue": "0"}
    assert again.keys() == {event["id"] for event in [*first, reset]}


@pytest.mark.parametrize("batch", [1, 10])
async def test_of_a_restore_everybody_is_told_before_what_is_behind_it(
    platform: Platform, receiver: Receiver, batch: int
) -> None:
    """Whatever types are asked for, and though it is refused at first."""
    await platform.put(receiver, types=["wallet.credited"], batch=batch)
    await platform.happen("ann", "ann", "bob", "cleo")
    await until(lambda: len(receiver.events) == 4 and platform.shop.sql(BEHIND) == [])
    receiver.deliveries.clear()
    receiver.answer = refuse
    await declare_lost(deployment_of(platform.shop.database_url, platform.shop.keyring))
    await until(lambda: platform.state() == "failing")
    for failures in (2, 3):
        platform.hands.forward(80)
        await until(partial(_has_looked, platform, failures))
    assert {event["type"] for event in receiver.events} == {"feed.reset"}
    assert platform.held() == []
    receiver.deliveries.clear()
    receiver.answer = accept
    platform.hands.forward(80)
    await until(lambda: len(receiver.events) == 1 + 4)
    assert receiver.events[0]["type"] == "feed.reset"
    assert [seqs(receiver, who) for who in ("ann", "bob", "cleo")] == [[1, 2], [1], [1]]


def _has_looked(platform: Platform, failures: int) -> bool:
    """Whether so many looks at the only endpoint have failed."""
    return bool(platform.shop.sql(f"SELECT failures FROM webhook_endpoint WHERE failures >= {failures}"))


async def test_what_is_held_waits_until_a_restore_was_told_of(platform: Platform, receiver: Receiver) -> None:
    receiver.answer = answering(500, ("ann", 1))
    await platform.put(receiver)
    await platform.happen("ann", "bob")
    await until(lambda: len(platform.held()) == 1)
    receiver.deliveries.clear()
    receiver.answer = accept
    await declare_lost(deployment_of(platform.shop.database_url, platform.shop.keyring))
    platform.hands.forward(7)
    await until(lambda: seqs(receiver, "ann") == [1] and platform.held() == [])
    assert receiver.events[0]["type"] == "feed.reset"


async def test_who_does_not_answer_to_one_customers_event_is_sent_the_others_next_ones_meanwhile(
    platform: Platform, receiver: Receiver
) -> None:
    """Neither is anything of the customer sent before the first event was answered, nor any of it twice."""
    answered = asyncio.Event()

    async def hang(delivery: Delivery) -> bytes:
        [event] = delivery.events
        if (event["custId"], event["seq"]) == ("ann", 1):
            await answered.wait()
        return reply(204)

    receiver.answer = hang
    await platform.put(receiver)
    await platform.happen("ann")
    await until(lambda: seqs(receiver, "ann") == [1])
    for seq in (1, 2, 3):
        await platform.happen("bob", "ann")
        await until(partial(_has_come, receiver, "bob", seq), 5)
    assert seqs(receiver, "ann") == [1]
    await until(lambda: len(platform.held()) == 4)
    answered.set()
    await until(lambda: seqs(receiver, "ann") == [1, 2, 3, 4] and platform.held() == [])
    assert len(receiver.events) == 7, "each once"
    await until(lambda: platform.shop.sql(BEHIND) == [])


def _has_come(receiver: Receiver, cust_id: str, seq: int) -> bool:
    return seq in seqs(receiver, cust_id)
