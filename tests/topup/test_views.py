"""A customer sees what was agreed and what came of it, and is told what to do while there is something to do."""

from typing import Any

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.paging import Window
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Action
from lingdang.topup.views import BEYOND, ActionView, get_topup, list_all, list_of, list_topups, read_id, view
from support.customers import owner_of
from support.till import Till
from support.topups import AT, ROW

ACTION = Action(kind="qr", url="weixin://pay")
TEN = Window(10, None)


def seen(**changed: Any) -> Any:
    return view(msgspec.structs.replace(ROW, action=ACTION, **changed))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"received": 600, "received_currency": "CNY", "credited_at": AT}, "paid"),
        ({"closed": "expired"}, "expired"),
        ({"received": 5, "received_currency": "CNY", "differs": ("amount",)}, "review"),
    ],
)
def test_there_is_something_to_do_only_while_a_top_up_is_pending(changed: dict[str, Any], status: str) -> None:
    assert (seen().status, seen().action) == ("pending", ActionView("qr", "weixin://pay"))
    assert (seen(**changed).status, seen(**changed).action) == (status, ActionView("none"))


def test_money_is_shown_once_some_has_come_and_in_its_own_currency() -> None:
    assert (seen().price, seen().received) == (Money(600, "CNY"), None)
    assert seen(received=5, received_currency="EUR", differs=("currency",)).received == Money(5, "EUR")


def test_in_review_there_is_a_reference_for_the_shop_and_else_none() -> None:
    told = seen(received=5, received_currency="CNY", differs=("amount",)).support_reference
    assert told.replace("-", "").lower() == ROW.topup_id.hex[-12:]
    assert [len(group) for group in told.split("-")] == [4, 4, 4]
    assert seen().support_reference is None


def test_a_page_begins_below_an_id_and_a_cursor_of_something_else_is_refused() -> None:
    assert read_id(TEN) == BEYOND
    assert read_id(Window(10, str(ROW.topup_id))) == ROW.topup_id
    with pytest.raises(Problem, match="invalid_request"):
        read_id(Window(10, "12"))


async def test_a_customer_sees_their_own_newest_first_page_by_page_and_nobody_elses(till: Till) -> None:
    pool = till.topups.pool
    own = [str((await till.insert("ann")).topup_id) for _ in range(3)]
    other = await till.insert("bob")
    ann = owner_of("ann")
    first = await list_topups(pool, ann, Window(2, None))
    rest = await list_topups(pool, ann, Window(2, first.items[-1].topup_id))
    assert [each.topup_id for each in [*first.items, *rest.items]] == own[::-1]
    assert (first.next_cursor is None, rest.next_cursor) == (False, None)
    with pytest.raises(Problem, match="not_found"):
        await get_topup(pool, ann, other.topup_id)
    assert await get_topup(pool, owner_of("bob"), other.topup_id) == other
    with pytest.raises(Problem, match="not_found"):
        await get_topup(pool, ann, uuid7())


async def test_operators_list_all_or_one_customers_in_any_state_or_in_one(till: Till) -> None:
    pool = till.topups.pool
    first, failed, other = await till.insert("ann"), await till.insert("ann", closed="failed"), await till.insert("bob")
    assert await list_all(pool, None, TEN) == [other, failed, first]
    assert await list_all(pool, "failed", TEN) == [failed]
    assert await list_of(pool, 0, first.customer, None, TEN) == [failed, first]
    assert await list_of(pool, 0, first.customer, "pending", TEN) == [first]
    assert await list_all(pool, None, Window(1, None)) == [other, failed], "one more tells that there is more"
