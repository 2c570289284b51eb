"""Which sessions have ended, and that this is found at one look however many others have."""

from typing import Any

import psycopg

from lingdang.ids import uuid7

Connection = psycopg.Connection[Any]

END = """
INSERT INTO session_end (bucket, customer, session_id, expires_at, all_before)
VALUES (0, %s, %s, now() + interval '1 day', %s)
"""


def has_ended(connection: Connection, customer: int, session: object) -> bool:
    return connection.execute("SELECT FROM session_ended(0::smallint, %s, %s)", (customer, session)).rowcount == 1


def test_a_session_ends_alone_or_with_all_before(database_url: str) -> None:
    first, second, third = sorted(uuid7() for _ in range(3))
    with psycopg.connect(database_url) as connection:
        connection.execute(END, (1, second, False))
        assert [has_ended(connection, 1, each) for each in (first, second, third)] == [False, True, False]
        connection.execute(END, (2, second, True))
        assert [has_ended(connection, 2, each) for each in (first, second, third)] == [True, True, False]
        assert not has_ended(connection, 3, second)
        connection.rollback()


def test_it_is_one_row_where_it_ended_both_ways(database_url: str) -> None:
    session = uuid7()
    with psycopg.connect(database_url) as connection:
        connection.execute(END, (1, session, True))
        assert has_ended(connection, 1, session)
        connection.rollback()


def test_other_ended_sessions_are_not_read(database_url: str) -> None:
    session = uuid7()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO session_end (bucket, customer, session_id, expires_at)"
            " SELECT 0, 1, overlay(%s::text placing lpad(to_hex(n), 12, '0') from 25)::uuid, now() + interval '1 day'"
            "   FROM generate_series(1, 2000) n",
            (str(uuid7()),),
        )
        connection.execute("ANALYZE session_end")
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        explained = connection.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM session_ended(0::smallint, 1::bigint, %s::uuid)", (session,)
        ).fetchone()
        connection.rollback()
    assert explained is not None
    scans = [node for node in nodes_of(explained[0][0]["Plan"]) if node.get("Relation Name") == "session_end"]
    assert len(scans) == 2
    assert sum(node.get("Rows Removed by Filter", 0) + node["Actual Rows"] for node in scans) == 0


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan's nodes, itself first."""
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes_of(part))]
