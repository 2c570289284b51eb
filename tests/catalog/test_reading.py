"""Reads of product pages: gathered, fresh, and refused to each by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lingdang.catalog.memory import Memory
from lingdang.catalog.reading import ProductReader
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from lingdang.errors import Problem
from support.customers import owner_of
from support.journal import sql
from support.money import add_products

ANN, BOB = owner_of("ann"), owner_of("bob")


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[ProductReader]:
    add_products(database_url, "a", "b")
    made = ProductReader(Lane(database_url, pgbouncer=False), Memory(), system_clock)
    made.open()
    yield made
    await made.close()


async def test_a_change_is_seen_by_the_next_read(reader: ProductReader, database_url: str) -> None:
    assert (await reader.read(ANN, "a")).price == 100
    sql(database_url, "UPDATE product SET price = 70 WHERE product_id = 'a'")
    assert (await reader.read(ANN, "a")).price == 70
    sql(database_url, "UPDATE product SET status = 'withdrawn' WHERE product_id = 'a'")
    shown = await reader.read(ANN, "a")
    assert (shown.status, shown.available) == ("withdrawn", False)
    sql(database_url, "DELETE FROM product WHERE product_id = 'a'")
    with pytest.raises(Problem, match="not_found"):
        await reader.read(ANN, "a")


async def test_each_of_a_batch_has_an_answer_of_its_own(reader: ProductReader, database_url: str) -> None:
    sql(
        database_url,
        "INSERT INTO session_end (bucket, customer, session_id, expires_at)"
        f" VALUES (0, {BOB.customer}, '{BOB.session_id}', now() + interval '1 hour')",
    )
    asked = [(ANN, "a"), (BOB, "a"), (ANN, "z"), (ANN, "b"), (ANN, "a")]
    answers = await asyncio.gather(*(reader.read(*one) for one in asked), return_exceptions=True)
    said = [answer.code if isinstance(answer, Problem) else answer.product_id for answer in answers]  # type: ignore[union-attr]
    assert said == ["a", "unauthenticated", "not_found", "b", "a"]
    assert len(reader) == 0
