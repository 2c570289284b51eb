"""An event's id names one fact, and its customer is named once: by a custId, or as one who was erased."""

import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.event import Event, encode, event_id, position_text, whose
from lingdang.identity.customers import ERASED

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WHOLE = st.integers(0, 2**63 - 1)


@given(st.lists(st.tuples(WHOLE, WHOLE, WHOLE), min_size=1, max_size=20))
def test_what_differs_in_epoch_customer_or_seq_has_another_id_and_a_repeat_the_same(
    facts: list[tuple[int, int, int]],
) -> None:
    ids = {fact: event_id(*fact) for fact in facts}
    assert len(set(ids.values())) == len(set(facts))
    assert all(re.fullmatch("evt_[0-9a-f]{32}", each) for each in ids.values())
    assert ids == {fact: event_id(*fact) for fact in facts}


def test_an_id_is_the_hash_that_platforms_have_seen() -> None:
    assert event_id(7, 12, 3) == "evt_7dd97cc3a5206d130873d435480123e0"


@given(st.lists(st.tuples(st.integers(0, 32_766), WHOLE), min_size=1, max_size=20))
def test_positions_of_different_buckets_are_different_texts(places: list[tuple[int, int]]) -> None:
    texts = {place: position_text(*place) for place in places}
    assert len(set(texts.values())) == len(set(places))
    for (bucket, position), text in texts.items():
        before, _, after = text.rpartition(":")
        assert (int(before or 0), int(after)) == (bucket, position)


@pytest.mark.parametrize(
    ("customer_id", "named"),
    [
        (None, {}),
        ("ann", {"custId": "ann"}),
        ("erased", {"custId": "erased"}),
        (f"{ERASED}6a5f", {"erased": "6a5f"}),
    ],
)
def test_who_is_named_how(customer_id: str | None, named: dict[str, str]) -> None:
    event = Event(id="evt_1", type="wallet.low", time=NOW, position="5", **whose(customer_id))
    assert msgspec.json.decode(encode(event)) == {
        "id": "evt_1",
        "type": "wallet.low",
        "time": "2026-11-23T08:00:00Z",
        "position": "5",
        **named,
    }


@given(
    st.builds(
        Event,
        id=st.text(),
        type=st.text(),
        time=st.datetimes(timezones=st.just(UTC)),
        cust_id=st.none() | st.text(),
        erased=st.none() | st.text(),
        seq=st.none() | WHOLE,
        position=st.text(),
        data=st.none() | st.dictionaries(st.text(), WHOLE | st.text()),
    )
)
def test_what_was_encoded_is_read_again(event: Event) -> None:
    assert msgspec.json.decode(encode(event), type=Event) == event
