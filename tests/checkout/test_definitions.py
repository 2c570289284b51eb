"""Definitions that a worker remembers: read once, again when they have changed, and no more than so many."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from lingdang.checkout import definitions
from lingdang.checkout.definitions import Definitions
from lingdang.db.flush import ask
from lingdang.db.pool import Connection
from support.journal import sql
from support.vouchers import TEN_OFF

READ = "SELECT coupon_id, fingerprint FROM coupon ORDER BY coupon_id"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as filling:
        filling.cursor().executemany(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
            " VALUES (%s, %s, 'active', 1, now(), now())",
            [(f"c{number:02}", TEN_OFF) for number in range(20)],
        )
    async with await Connection.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many definitions each statement asked for."""
    asked: list[int] = []

    async def counted(connection: Connection, statement: Any) -> Any:
        asked.append(len(statement[1][0]))
        return await ask(connection, statement)

    monkeypatch.setattr(definitions, "ask", counted)
    return asked


async def test_what_is_known_is_not_read_again(connection: Connection, database_url: str, reads: list[int]) -> None:
    known = Definitions()
    wanted: dict[str, int] = dict(sql(database_url, READ))  # type: ignore[arg-type]
    first = await known.of(connection, wanted)
    assert set(first) == set(wanted)
    assert reads == [8, 8, 4]
    assert await known.of(connection, {"c03": wanted["c03"]}) == {"c03": first["c03"]}
    assert len(reads) == 3


async def test_a_changed_one_is_read_again(connection: Connection, database_url: str, reads: list[int]) -> None:
    known = Definitions()
    await known.of(connection, dict(sql(database_url, READ)))  # type: ignore[arg-type]
    sql(
        database_url,
        "UPDATE coupon SET definition = jsonb_set(definition::jsonb, '{name}', '\"Other\"')::json"
        " WHERE coupon_id = 'c00'",
    )
    found = await known.of(connection, dict(sql(database_url, READ)))  # type: ignore[arg-type]
    assert (found["c00"].name, reads[3:]) == ("Other", [1])


async def test_a_coupon_that_is_gone_is_not_found(connection: Connection) -> None:
    assert await Definitions().of(connection, {"none": 1}) == {}


async def test_beyond_its_limit_it_begins_anew(
    connection: Connection, database_url: str, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "MOST_NAMES", 40)
    known = Definitions()
    wanted: dict[str, int] = dict(sql(database_url, READ))  # type: ignore[arg-type]
    assert len(await known.of(connection, wanted)) == 20
    assert len(known._known) <= 2
    assert len(await known.of(connection, {"c00": wanted["c00"]})) == 1
    assert reads[3:] == [1]
