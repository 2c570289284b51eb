"""The feed's route: what may be asked, who may ask it, and that nothing is told to anybody else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.events.kinds import TYPES
from lingdang.paging import MAX_LIMIT
from lingdang.routes.admin_events import EVENTS, MOST_WAITED, Following
from support.feed import FEED, ask, page_of
from support.people import api_key
from support.shop import Shop


@pytest.fixture(scope="module")
async def key(shared_shop: Shop) -> dict[str, str]:
    return await api_key(shared_shop, "events:read")


@given(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=20))
def test_types_that_are_known_are_those_that_were_named(names: list[str]) -> None:
    assert Following(types=",".join(names)).wanted() == frozenset(names)


@given(
    st.lists(st.sampled_from(sorted(TYPES)), max_size=3), st.text(max_size=20).filter(lambda text: text not in TYPES)
)
def test_a_type_that_is_not_known_is_refused_wherever_it_stands(names: list[str], wrong: str) -> None:
    for types in (",".join([wrong, *names]), ",".join([*names, wrong])):
        if set(types.split(",")) <= TYPES.keys():
            continue
        with pytest.raises(Problem) as refused:
            Following(types=types).wanted()
        assert refused.value.code == "invalid_request"
        assert all(name in str(refused.value.members["errors"]) for name in TYPES), "it says what is known"


def test_without_types_all_are_wanted() -> None:
    assert Following().wanted() is None


async def test_an_empty_shop_has_a_position_and_no_event(shared_shop: Shop, key: dict[str, str]) -> None:
    first = await page_of(shared_shop, key)
    latest = await page_of(shared_shop, key, after="latest")
    assert first["items"] == latest["items"] == []
    assert await page_of(shared_shop, key, after=first["next"], types=",".join(TYPES)) == first


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"limit": 0}, "$.limit"),
        ({"limit": MAX_LIMIT + 1}, "$.limit"),
        ({"wait": -1}, "$.wait"),
        ({"wait": MOST_WAITED + 1}, "$.wait"),
        ({"wait": "soon"}, "$.wait"),
        ({"types": "order.paid,order.payed"}, "$.types"),
        ({"types": ""}, "$.types"),
        ({"after": "LATEST"}, "$.after"),
        ({"after": ""}, "$.after"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_name(
    shared_shop: Shop, key: dict[str, str], params: dict[str, Any], path: str
) -> None:
    answer = await ask(shared_shop, key, **params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_the_widest_that_may_be_asked_is_answered(shared_shop: Shop, key: dict[str, str]) -> None:
    widest = await page_of(shared_shop, key, limit=MAX_LIMIT, after="latest", wait=MOST_WAITED, types="order.paid")
    assert widest["items"] == []


async def test_only_who_may_read_events_is_answered(shared_shop: Shop) -> None:
    others = await api_key(shared_shop, "webhooks:write", "orders:read", "customers:read", name="others")
    answer = await ask(shared_shop, others)
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_missing", "events:read")
    nobody = await shared_shop.http.get(FEED)
    assert (nobody.status_code, "items" in nobody.json()) == (401, False)


async def test_it_is_only_read(shared_shop: Shop, key: dict[str, str]) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await shared_shop.http.request(method, FEED, headers=key)).status_code == 405
    assert EVENTS.path == FEED
