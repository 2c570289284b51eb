"""What is sent for events: the bytes of the feed, alone or as a list, under an id that a repeat has again."""

import re
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.event import Event, encode
from lingdang.events.webhooks import messages
from lingdang.events.webhooks.messages import Told, message

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NAMES = st.text("0123456789abcdef", min_size=4, max_size=4).map("evt_{}".format)


def event(name: str) -> Event:
    return Event(id=name, type="order.paid", time=NOW, cust_id="ann", seq=1, position="5", data={"orderId": name})


def on_its_way(what: Event) -> Told:
    return Told((0, 12), 5, what)


@given(st.lists(NAMES.map(event), min_size=1, max_size=8), st.booleans())
def test_a_batch_is_its_events_in_their_order(events: list[Event], thin: bool) -> None:
    told = msgspec.json.decode(message(list(map(on_its_way, events)), batched=True, thin=thin).body)
    whole = [msgspec.json.decode(encode(each)) for each in events]
    if thin:
        assert all(each.pop("data") for each in whole)
    assert told == whole


@given(NAMES)
def test_an_event_alone_is_sent_as_the_feed_tells_it_under_its_own_id(name: str) -> None:
    assert message([on_its_way(event(name))], batched=False, thin=False) == (name, encode(event(name)))
    assert message([on_its_way(event(name))], batched=True, thin=False) == (name, b"[" + encode(event(name)) + b"]")


@given(st.lists(st.lists(NAMES, min_size=2, max_size=4), min_size=1, max_size=8))
def test_the_same_events_together_have_one_id_and_others_another(batches: list[list[str]]) -> None:
    ids = [message([on_its_way(event(name)) for name in names], batched=True, thin=True).id for names in batches]
    assert len(set(ids)) == len(set(map(tuple, batches)))
    assert all(re.fullmatch("batch_[0-9a-f]{32}", each) for each in ids)


def test_what_is_sent_to_several_is_encoded_once_in_each_form() -> None:
    told = on_its_way(event("evt_1"))
    assert told.body(thin=False) is told.body(thin=False) == encode(told.event)
    assert told.body(thin=True) is told.body(thin=True) != told.body(thin=False)


def test_a_test_has_an_events_form_as_the_endpoint_wants_it() -> None:
    alone, listed = (messages.test_message("main", "test_1", NOW, batched=batched) for batched in (False, True))
    told = {"id": "test_1", "type": "endpoint.test", "time": "2026-11-23T08:00:00Z", "data": {"endpointId": "main"}}
    assert (alone.id, msgspec.json.decode(alone.body)) == ("test_1", told)
    assert (listed.id, msgspec.json.decode(listed.body)) == ("test_1", [told])
