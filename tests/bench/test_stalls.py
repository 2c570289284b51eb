"""Slow answers are gathered into stalls, and a stall tells what was seen during it."""

from pathlib import Path

import psycopg

from proof.bench import waits
from proof.bench.stalls import Stall, seen, stalls
from proof.bench.waits import Look
from support.served import eventually


def test_slow_answers_right_after_each_other_are_one_stall() -> None:
    answered = [(1.000, 0.005), (1.060, 0.050), (1.065, 0.004), (1.070, 0.062), (1.200, 0.030)]
    one, other = stalls(answered)
    assert [round(value, 3) for value in one] == [1.008, 1.07, 0.062, 2]
    assert [round(value, 3) for value in other] == [1.17, 1.2, 0.03, 1]
    assert stalls([(1.0, 0.001)]) == []


def test_a_stall_tells_what_was_seen_in_most_looks() -> None:
    looks = [
        Look(0.99, 90_000_000, ["before"]),
        Look(1.00, 80_000_000, ["client backend: IO/WalSync COMMIT", "client backend: IO/WalSync COMMIT"]),
        Look(1.01, 50_000_000, ["client backend: IO/WalSync COMMIT", "autovacuum worker: works ANALYZE"]),
        Look(1.02, 30_000_000, []),
        Look(1.03, 0, ["after"]),
    ]
    doing, written = seen(Stall(1.0, 1.02, 0.02, 7), looks)
    assert [(each, round(share, 2)) for each, share in doing] == [
        ("client backend: IO/WalSync COMMIT", 0.67),
        ("autovacuum worker: works ANALYZE", 0.33),
    ]
    assert written == 50_000_000
    assert seen(Stall(5.0, 5.1, 0.1, 1), looks) == ([], 0)


def test_it_sees_what_a_database_does(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "looks"
    with waits.watched(database_url, file), psycopg.connect(database_url) as connection:
        eventually(lambda: bool(waits.read(file)))
        connection.execute("SELECT pg_sleep(0.2)")
    looks = waits.read(file)
    assert any("client backend: Timeout/PgSleep SELECT pg_sleep(0.2)" in look.doing for look in looks)
    assert all(look.not_written >= 0 for look in looks)
    assert [look.at for look in looks] == sorted(look.at for look in looks)
