"""Of a run every event arrives, fails, or stands behind its customer's failure; and no customer's order is broken."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.event import Event
from lingdang.events.webhooks.held import Whose
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.running import FAILING, GONE, TOO_MANY, Health, Run
from lingdang.events.webhooks.sending import Answer

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CUSTOMERS = st.lists(st.integers(1, 8), max_size=40)


def told(customer: int, position: int) -> Told:
    event = Event(id=f"evt_{position}", type="wallet.credited", time=NOW, position=str(position))
    return Told((0, customer), position, event)


def all_told(customers: Sequence[int]) -> list[Told]:
    """An event of each of these customers, one after the other."""
    return [told(customer, position) for position, customer in enumerate(customers)]


class Receiver:
    """Answers 204, unless one of the positions it refuses is among what it is sent."""

    def __init__(self, refused: set[int], status: int | None = 500) -> None:
        self.refused = refused
        self.status = status
        self.came: list[list[Told]] = []
        self.accepted: list[Told] = []

    async def __call__(self, events: Sequence[Told]) -> Answer:
        await asyncio.sleep(0)
        self.came.append(list(events))
        if any(each.position in self.refused for each in events):
            return Answer(self.status, 0.1)
        self.accepted += events
        return Answer(204, 0.1)


async def always() -> bool:
    return True


def run_of(receiver: Receiver, size: int = 1, health: Health | None = None, done: set[str] | None = None) -> Run:
    return Run(receiver, size, health or Health(False, set()), always, set() if done is None else done)


@given(CUSTOMERS, st.sets(st.integers(0, 39)), st.integers(1, 12), st.booleans(), st.booleans())
async def test_every_event_arrives_once_or_fails_or_is_behind_a_failure_and_order_is_kept(
    customers: list[int], refused: set[int], size: int, arrived: bool, side_by_side: bool
) -> None:
    events = all_told(customers)
    receiver, health = Receiver(refused), Health(arrived, set())
    run = run_of(receiver, size, health)
    if side_by_side:
        own = [[each for each in events if each.whose == whose] for whose in {each.whose for each in events}]
        await asyncio.gather(*map(run.in_order, own))
    else:
        await run.in_order(events)
    accepted = [each.position for each in receiver.accepted]
    assert len(set(accepted)) == len(accepted)
    assert run.done == {each.event.id for each in receiver.accepted}
    for whose in {each.whose for each in events}:
        mine = [each.position for each in events if each.whose == whose]
        came = [position for position in accepted if position in mine]
        assert came == mine[: len(came)], "in order, without a gap"
        failure = run.failures.get(whose)
        if failure is not None:
            assert failure.told.position == mine[len(came)]
            assert failure.told.position in refused
        elif health.stopped is None:
            assert came == mine
    if health.stopped is not None:
        assert not arrived
        assert side_by_side or not accepted, "what was under way beside it may arrive after all"
        assert len({each.whose for each in events}) >= FAILING


@given(CUSTOMERS, st.sets(st.integers(0, 39)))
async def test_what_arrived_before_is_not_sent_again(customers: list[int], before: set[int]) -> None:
    events = all_told(customers)
    receiver = Receiver(set())
    done = {each.event.id for each in events if each.position in before}
    await run_of(receiver, 3, done=done).in_order(events)
    assert {each.position for each in receiver.accepted} == {each.position for each in events} - before
    assert done == {each.event.id for each in events}


async def test_whoever_may_no_longer_send_sends_nothing() -> None:
    receiver = Receiver(set())

    async def may() -> bool:
        return len(receiver.came) < 2

    run = Run(receiver, 1, Health(False, set()), may, set())
    await run.in_order(all_told([1, 2, 3, 4]))
    assert [each.position for each in receiver.accepted] == [0, 1]
    assert (run.done, run.failures) == ({"evt_0", "evt_1"}, {})


async def test_of_a_batch_the_event_that_fails_is_found_by_halves() -> None:
    receiver = Receiver({5})
    run = run_of(receiver, 8)
    await run.in_order(all_told(range(1, 9)))
    assert sorted(each.position for each in receiver.accepted) == [0, 1, 2, 3, 4, 6, 7]
    assert [failure.told.position for failure in run.failures.values()] == [5]
    assert len(receiver.came) == 7


async def test_when_many_customers_fail_and_nothing_arrives_nothing_more_is_sent() -> None:
    receiver, health = Receiver(set(range(20))), Health(False, set())
    run = run_of(receiver, health=health)
    await run.in_order(all_told(range(1, 21)))
    assert len(receiver.came) == FAILING
    assert health.stopped == run.last == Answer(500, 0.1)


async def test_one_customer_whose_events_fail_does_not_make_the_endpoint_fail() -> None:
    receiver, health = Receiver(set(range(20))), Health(False, set())
    for position in range(20):
        await run_of(receiver, health=health).in_order([told(1, position)])
    assert (len(receiver.came), health.stopped) == (20, None)


async def test_something_that_arrived_shows_that_the_endpoint_works() -> None:
    receiver, health = Receiver(set(range(1, 20))), Health(False, set())
    await run_of(receiver, health=health).in_order(all_told(range(1, 21)))
    assert (len(receiver.came), health.stopped) == (20, None)


async def test_who_is_gone_is_sent_nothing_more_though_something_arrived() -> None:
    receiver, health = Receiver({1}, GONE), Health(True, set())
    run = run_of(receiver, health=health)
    await run.in_order(all_told([1, 2, 3]))
    assert len(receiver.came) == 2
    assert health.stopped == Answer(GONE, 0.1)
    assert run.failures == {}


@pytest.mark.parametrize(("status", "size"), [(TOO_MANY, 1), (TOO_MANY, 3), (None, 3)])
async def test_who_asks_for_rest_gets_it_once_for_the_same_customers(status: int | None, size: int) -> None:
    """The second time it is taken for the event's own failure, so that it holds up nobody for ever."""
    events, suspects = all_told([1, 2, 3]), set[Whose]()
    for attempts, stops in enumerate([True, False]):
        receiver, health = Receiver({0}, status), Health(False, suspects)
        run = run_of(receiver, size, health)
        await run.in_order(events)
        assert (health.stopped is not None) == stops, attempts
        assert [each.position for each in receiver.accepted] == ([] if stops else [1, 2])
        assert [failure.told.position for failure in run.failures.values()] == ([] if stops else [0])


async def test_an_event_alone_that_is_not_answered_is_that_events_failure() -> None:
    receiver, health = Receiver({0}, None), Health(False, set())
    run = run_of(receiver, health=health)
    await run.in_order(all_told([1, 2]))
    assert health.stopped is None
    assert list(run.failures) == [(0, 1)]


async def test_failures_of_several_turns_count_together_until_something_arrives() -> None:
    failed, stopped = set[Whose](), []
    for customer in (1, 2, 3, 4, 9, 1, 2, 3, 4, 5):
        receiver, health = Receiver(set() if customer == 9 else {0}), Health(False, set(), failed)
        await run_of(receiver, health=health).in_order(all_told([customer]))
        stopped.append(health.stopped is not None)
    assert stopped == [False] * 9 + [True]
