"""Gathered ticks: rounds, order within a batch, and a connection that breaks."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.cart.carts import Carts, Tick, Ticked, rounds
from lingdang.cart.shown import Cart, Selected
from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from lingdang.errors import Problem
from lingdang.owner import Owner
from support.customers import make_known, owner_of

Call = tuple[Owner, str, bool]


def call(cust_id: str, product_id: str = "b-1", ticked: bool = True) -> Call:
    return owner_of(cust_id), product_id, ticked


@pytest.fixture
async def carts(database_url: str) -> AsyncIterator[Carts]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'b-' || n, 'A book', 'BELL', 10, 10, now(), now() FROM generate_series(1, 9) n"
        )
    opened = Carts(Lane(database_url, pgbouncer=False), Memory(), system_clock)
    opened.open()
    yield opened
    await opened.close()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=30))
def test_rounds_hold_a_customer_once_and_keep_their_order(customers: list[tuple[str, int]]) -> None:
    batch = [Tick(owner_of(name, bucket), "b-1") for name, bucket in customers]
    found = list(rounds(batch))
    assert sorted(number for numbers in found for number in numbers) == list(range(len(batch)))
    for numbers in found:
        owners = [(batch[n].owner.bucket, batch[n].owner.customer) for n in numbers]
        assert len(set(owners)) == len(owners)
        assert len({bucket for bucket, _ in owners}) == 1
    for owner in set(customers):
        own = [n for numbers in found for n in numbers if customers[n] == owner]
        assert own == sorted(own)


async def test_one_customers_ticks_in_one_batch_happen_in_order(carts: Carts) -> None:
    calls = [call("ann", "b-1"), call("bob"), call("ann", "b-1", False), call("ann", "b-2"), call("ann", "b-1")]
    answers = await asyncio.gather(*(carts.tick(*each) for each in calls))
    assert [(answer.item.ticked, answer.selected.count) for answer in answers] == [
        (True, 1),
        (True, 1),
        (False, 0),
        (True, 1),
        (True, 2),
    ]


async def test_a_look_between_ticks_sees_those_before_it(carts: Carts) -> None:
    ann = owner_of("ann")
    answers = await asyncio.gather(carts.tick(ann, "b-2", True), carts.show(ann), carts.tick(ann, "b-1", True))
    assert isinstance(answers[1], Cart)
    assert [item.product_id for item in answers[1].items] == ["b-2"]
    cart = await carts.show(ann)
    assert [(item.product_id, item.ticked) for item in cart.items] == [("b-2", True), ("b-1", True)], "oldest first"
    assert (cart.selected.count, cart.selected.total) == (2, 20)
    assert await carts.show(owner_of("bob")) == Cart([], Selected(0, 0)), "a look puts nothing into a cart"


async def test_a_refused_tick_leaves_its_neighbours_alone(carts: Carts, database_url: str) -> None:
    make_known(database_url, "ann", "bob", "cem")
    calls = [call("ann"), call("bob", "unknown"), call("cem", "b-2")]
    answers = await asyncio.gather(*(carts.tick(*each) for each in calls), return_exceptions=True)
    assert isinstance(answers[0], Ticked)
    assert isinstance(answers[1], Problem)
    assert answers[1].code == "not_found"
    assert isinstance(answers[2], Ticked)
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT customer_id, product_id FROM cart_item JOIN customer USING (customer) ORDER BY 1"
        ).fetchall()
    assert found == [("ann", "b-1"), ("cem", "b-2")]


async def test_a_broken_connection_is_replaced_and_the_tick_answered(carts: Carts, database_url: str) -> None:
    await carts.tick(*call("ann"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    answer = await carts.tick(*call("ann", "b-2"))
    assert answer.selected.count == 2


async def test_a_database_that_is_away_is_overloaded_and_found_again(carts: Carts, database_url: str) -> None:
    admin = database_url.replace(f"/{psycopg.conninfo.conninfo_to_dict(database_url)['dbname']}?", "/postgres?")
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    await carts.tick(*call("ann"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            with pytest.raises(Problem) as refused:
                await carts.tick(*call("ann", "b-2"))
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]
    assert refused.value.code == "overloaded"
    assert (await carts.tick(*call("ann", "b-3"))).selected.count == 2


async def test_not_waiting_for_the_disk_ends_with_the_tick(carts: Carts, database_url: str) -> None:
    """The setting ends with the transaction: the lane's session keeps the server's own."""
    await carts.tick(*call("ann"))
    connection = await carts._lane.connection()
    row = await (await connection.execute("SHOW synchronous_commit")).fetchone()
    assert row == ("on",)


async def test_closing_answers_what_was_accepted(carts: Carts) -> None:
    waiting = [asyncio.create_task(carts.tick(*call(f"c-{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    assert len(carts) > 0
    await carts.close()
    assert all(answer.selected.count == 1 for answer in await asyncio.gather(*waiting))
    with pytest.raises(Problem):
        await carts.tick(*call("late"))
