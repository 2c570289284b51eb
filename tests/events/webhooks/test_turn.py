"""A turn sends signed messages and writes down what became of them, as long as it may."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from lingdang.db.pool import connection_of, transaction
from lingdang.events.event import Event
from lingdang.events.reading import read_events
from lingdang.events.webhooks import held
from lingdang.events.webhooks.held import Held
from lingdang.events.webhooks.leases import LeaseLostError
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.places import Endpoint as Place
from lingdang.events.webhooks.running import Failure
from lingdang.events.webhooks.sending import Answer
from lingdang.events.webhooks.turn import Turn, first_failure, is_wanted, outcome, reason, row_behind
from proof.webhooks.receiver import Delivery, Receiver, reply
from support.turns import ENDPOINT, Endpoint, answering

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TOLD = Told((3, 12), 50, Event(id="evt_1", type="order.paid", time=NOW, position="3:50"))


async def events_of(endpoint: Endpoint) -> list[Told]:
    """Everything that has happened."""
    async with connection_of(endpoint.parts.pool) as connection:
        read = await read_events(connection, 0, 0, 100)
    return [
        Told((0, customer), int(event.position), event)
        for event, customer in zip(read.events, read.customers, strict=True)
    ]


async def send(endpoint: Endpoint, turn: Turn) -> Answer | None:
    """Send what has happened; how the last of it was answered."""
    run = turn.run(set())
    await run.in_order(await events_of(endpoint))
    return run.last


async def hold(turn: Turn) -> None:
    """Write down that an event waits."""
    async with turn.writing() as connection:
        await held.add(connection, ENDPOINT, [row_behind(TOLD)], NOW)


async def test_messages_are_signed_counted_and_noted(endpoint: Endpoint, receiver: Receiver) -> None:
    await endpoint.happen("ann", "ann", "bob")
    receiver.answer = answering(503, ("bob", 1))
    turn = await endpoint.turn()
    await send(endpoint, turn)
    async with connection_of(endpoint.parts.pool) as connection:
        [secret] = await endpoint.parts.secrets.in_use(connection, ENDPOINT, endpoint.hands())
    verifier = Webhook(secret.secret)
    assert [verifier.verify(each.body, each.headers) for each in receiver.deliveries] == receiver.events
    assert [event["seq"] for event in receiver.events] == [1, 2, 1]
    assert endpoint.parts.counts == {"accepted": 2, "refused": 1, "unanswered": 0}
    figures = endpoint.record.figures()
    assert [each.status for each in figures.attempts] == [503, 204, 204]
    assert {each.message_id for each in figures.attempts} == {event["id"] for event in receiver.events}
    assert figures.delays is not None


async def test_what_is_sent_has_the_form_that_the_endpoint_asks_for(endpoint: Endpoint, receiver: Receiver) -> None:
    await endpoint.put(batch=2, thin=True)
    await endpoint.happen("ann", "bob", "ann")
    await send(endpoint, await endpoint.turn())
    assert [len(delivery.events) for delivery in receiver.deliveries] == [2, 1]
    assert all(delivery.body.startswith(b"[") for delivery in receiver.deliveries)
    assert not any("data" in event for event in receiver.events)


async def test_an_address_that_nothing_can_be_sent_to_is_told_as_the_answer(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    await endpoint.happen("ann")
    endpoint.sql("UPDATE webhook_endpoint SET url = 'https://user@hooks.example/'")
    answer = await send(endpoint, await endpoint.turn())
    assert answer is not None
    assert (answer.status, receiver.connections) == (None, 0)
    assert "user name" in (answer.reason or "")


async def test_nobody_writes_down_anything_whose_lease_another_worker_has(endpoint: Endpoint) -> None:
    turn = await endpoint.turn()
    await hold(turn)
    assert endpoint.held() == [(0, True, False)]
    endpoint.sql("DELETE FROM webhook_held")
    endpoint.lose_lease()
    with pytest.raises(LeaseLostError):
        await hold(turn)
    assert endpoint.held() == []


@pytest.mark.parametrize(
    ("answer", "counted", "why"),
    [
        (Answer(200, 0.1), "accepted", "200"),
        (Answer(299, 0.1, "fine"), "accepted", "299 fine"),
        (Answer(307, 0.1, "over there"), "refused", "307 over there"),
        (Answer(500, 0.1), "refused", "500"),
        (Answer(None, 15.0, reason="no answer within 15 s"), "unanswered", "no answer within 15 s"),
    ],
)
def test_answers_are_counted_and_told_in_a_line(answer: Answer, counted: str, why: str) -> None:
    assert (outcome(answer), reason(answer)) == (counted, why)


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [(None, 5, 6), ("1", 5, 6), ("600", 600, 600), ("Mon, 23 Nov 2026 08:02:00 GMT", 120, 120), ("soon", 5, 6)],
)
def test_what_failed_for_the_first_time_is_due_soon_or_when_the_receiver_asks_for_it(
    retry_after: str | None, least: int, most: int
) -> None:
    row = first_failure(Failure(TOLD, Answer(429, 0.1, "slow down", retry_after=retry_after)), NOW)
    due = row.due_at
    assert due is not None
    assert timedelta(seconds=least) <= due - NOW <= timedelta(seconds=most)
    assert row == Held(3, 12, 50, "evt_1", NOW, 1, NOW, due, "429 slow down")
    assert row_behind(TOLD) == Held(3, 12, 50, "evt_1", NOW, 0, None, None, None)


@pytest.mark.parametrize(
    ("types", "wanted"), [(None, True), (("order.paid",), True), (("wallet.low", "order.refunded"), False)]
)
def test_events_are_wanted_of_the_types_that_were_asked_for(types: tuple[str, ...] | None, wanted: bool) -> None:
    place = Place("https://hooks.example/", types, False, 1, None, 0, None, (1,), False, NOW, NOW, None)
    assert is_wanted(place, TOLD.event) == wanted
    assert is_wanted(place, Event(id="evt_2", type="feed.reset", time=NOW, position="3:51")), "everybody is told"


@pytest.mark.parametrize("change", ["secret", "written", "paused", "deleted"])
async def test_what_becomes_of_an_endpoint_ends_the_turn(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr("lingdang.events.webhooks.turn.LOOK_SECONDS", 0.0)
    await endpoint.happen("ann", "bob", "cleo")

    async def answer(_: Delivery) -> bytes:
        async with transaction(endpoint.parts.pool) as connection:
            if change == "secret":
                await endpoint.parts.secrets.add(connection, ENDPOINT, endpoint.hands())
        if change == "deleted":
            endpoint.sql("DELETE FROM webhook_endpoint")
        elif change != "secret":
            await endpoint.put(active=change == "written")
        return reply(204)

    receiver.answer = answer
    turn = await endpoint.turn()
    await send(endpoint, turn)
    assert (len(receiver.deliveries), turn.may_send()) == (1, False)


async def test_a_turn_goes_on_while_the_endpoint_stays_as_it_is(
    endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lingdang.events.webhooks.turn.LOOK_SECONDS", 0.0)
    await endpoint.happen("ann", "bob", "cleo")
    endpoint.sql("UPDATE webhook_endpoint SET failures = 3")
    turn = await endpoint.turn()
    endpoint.sql("UPDATE webhook_endpoint SET failures = 4")
    await send(endpoint, turn)
    assert (len(receiver.deliveries), turn.may_send()) == (3, True)
