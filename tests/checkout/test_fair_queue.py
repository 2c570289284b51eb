"""Costly choices of vouchers take turns: whoever sends many waits for themselves."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from lingdang.checkout.fair_queue import MOST_OF_ONE, FairQueue
from lingdang.coupons.work import Steps
from lingdang.errors import Problem
from lingdang.ids import uuid7
from support.buyer import Buyer, buyer, give, stock
from support.customers import key_of
from support.shop import Shop
from support.vouchers import all_books


class Choices:
    """Choices of so many slices, and a record of whose slices ran in which order."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def steps(self, name: str, slices: int) -> Steps[str]:
        for _ in range(slices):
            self.ran.append(name)
            yield
        return name


def chosen(tasks: "list[asyncio.Task[str]]") -> Iterator[str]:
    return (task.result() for task in tasks)


async def test_small_choices_overtake_a_costly_one() -> None:
    queue, choices = FairQueue(), Choices()
    heavy = asyncio.create_task(queue.take("ann", choices.steps("heavy", 100)))
    await asyncio.sleep(0)
    for number in range(5):
        assert await queue.take(f"cust-{number}", choices.steps("small", 0)) == "small"
    assert choices.ran.count("heavy") < 100
    assert await heavy == "heavy"
    assert choices.ran.count("heavy") == 100


async def test_turns_go_round_among_the_customers() -> None:
    """Ann's ten choices and Bob's one: his comes after hers that runs, not after all that were there before."""
    queue, choices = FairQueue(), Choices()
    anns = [asyncio.create_task(queue.take("ann", choices.steps(f"ann-{n}", 3))) for n in range(10)]
    await asyncio.sleep(0)
    bob = asyncio.create_task(queue.take("bob", choices.steps("bob", 3)))
    assert await bob == "bob"
    assert sum(task.done() for task in anns) <= 2
    await asyncio.gather(*anns)
    assert list(chosen(anns)) == [f"ann-{n}" for n in range(10)]
    for n in range(1, 10):
        assert [name for name in choices.ran if name == f"ann-{n}"] == [f"ann-{n}"] * 3
    assert len(queue) == 0


async def test_one_customer_may_have_so_many_waiting() -> None:
    queue, choices = FairQueue(), Choices()
    anns = [queue.take("ann", choices.steps("ann", 2)) for _ in range(MOST_OF_ONE + 11)]
    answers = await asyncio.gather(*anns, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert (len(refused), {problem.code for problem in refused}) == (10, {"rate_limited"})
    assert all(problem.headers["Retry-After"] for problem in refused)
    assert answers.count("ann") == MOST_OF_ONE + 1


async def test_who_has_waited_too_long_is_refused_unexecuted() -> None:
    queue, choices = FairQueue(seconds=-1.0), Choices()
    first = asyncio.create_task(queue.take("ann", choices.steps("first", 3)))
    await asyncio.sleep(0)
    second = asyncio.create_task(queue.take("ann", choices.steps("second", 3)))
    assert await first == "first"
    with pytest.raises(Problem) as refused:
        await second
    assert (refused.value.code, "second" in choices.ran) == ("overloaded", False)
    assert await queue.take("ann", choices.steps("third", 3)) == "third"


async def test_who_goes_away_and_what_fails_pass_the_turn_on() -> None:
    queue, choices = FairQueue(), Choices()

    def failing() -> Steps[str]:
        yield
        yield
        raise Problem("voucher_unusable")

    running = asyncio.create_task(queue.take("ann", choices.steps("gone", 100)))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(queue.take("bob", choices.steps("gone too", 100)))
    failed = asyncio.create_task(queue.take("carl", failing()))
    last = asyncio.create_task(queue.take("dora", choices.steps("last", 3)))
    await asyncio.sleep(0)
    running.cancel()
    waiting.cancel()
    assert await last == "last"
    with pytest.raises(Problem):
        await failed
    assert len(queue) == 0


async def heavy_hand(shop: Shop) -> tuple[Buyer, list[str]]:
    """A customer with a hundred vouchers without a group, each for other lines, and a hundred books."""
    ids = [f"book-{n}" for n in range(100)]
    stock(shop, *ids, "other", price=1000)
    shop.sql(
        "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
        " SELECT 'c-' || n, json_build_object('name', 'Off', 'stacking', json_build_object('group', null),"
        "        'effect', json_build_object('kind', 'percent', 'off', 1 + mod(n, 17)),"
        "        'conditions', json_build_object('products', ("
        "            SELECT json_agg('book-' || mod(n * 7 + m * (mod(n, 5) + 1), 100))"
        "              FROM generate_series(0, 49) m))),"
        "        'active', 1, now(), now() FROM generate_series(0, 99) n"
    )
    shop.sql(
        "INSERT INTO voucher SELECT 0, %s, v, 'c-' || n - 1, now(), now() + interval '1 year'"
        " FROM unnest(%s::uuid[]) WITH ORDINALITY AS h (v, n)",
        (key_of("ann"), [uuid7() for _ in range(100)]),
    )
    await give(shop, "bob", 5000)
    return buyer(shop, "ann"), ids


async def test_many_heavy_checkouts_of_one_customer(shop: Shop) -> None:
    """Each is answered, or refused with when to come again; meanwhile others buy."""
    ann, ids = await heavy_hand(shop)
    before = all_books(shop)
    one = await ann.checkout(*ids)
    assert (one["vouchersProven"], len(one["vouchers"])) == (False, 100)
    assert 0 < sum(voucher["applied"] for voucher in one["vouchers"]) <= 20
    assert all_books(shop) == before

    async def heavy() -> tuple[int, Any]:
        answer = await shop.http.post("/v1/checkout", json={"productIds": ids}, headers=ann.headers)
        return answer.status_code, answer.json()["discount"] if answer.is_success else answer.headers["Retry-After"]

    tasks = [asyncio.create_task(heavy()) for _ in range(60)]
    bob = buyer(shop, "bob")
    assert (await bob.buy("other")).json()["paid"] == 1000
    answers = await asyncio.gather(*tasks)
    assert {status for status, _ in answers} <= {200, 429}
    assert {discount for status, discount in answers if status == 200} == {one["discount"]}
