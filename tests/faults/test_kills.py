"""`kill -9` under load: what was answered is there once, what was not is settled by the client's repeat."""

from pathlib import Path

import psycopg
import pytest

from proof.faults.audit import audit
from proof.faults.disk import DiskError
from proof.faults.load import Load, Paid
from proof.faults.run import Outcome, Plan, run
from proof.faults.shop import START, customers, fill


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds",
    [
        ("worker", "background", "postmaster", "backend", "cut", "restart", "stop-worker"),
        ("server", "everything", "stop-postgres"),
        ("standby",),
    ],
    ids=["a part is killed, cut or stopped", "the whole", "a standby takes over"],
)
async def test_nothing_lost_nothing_doubled(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    _check(await run(Plan(kinds=kinds), tmp_path))


@pytest.mark.slow
async def test_full_disk_loses_and_doubles_nothing(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    try:
        outcome = await run(Plan(kinds=("disk-full",)), place)
    except DiskError as error:
        pytest.skip(f"no disk of its own here: {error}")
    _check(outcome)


def _check(outcome: Outcome) -> None:
    assert outcome.verdict.is_clean, outcome.verdict
    assert outcome.verdict.acknowledged > 20
    assert len(outcome.times) == len(outcome.kinds)


def test_the_comparison_sees_what_is_lost_and_what_is_doubled(database_url: str, tmp_path: Path) -> None:
    fill(database_url)
    load = Load(customers(tmp_path))
    assert audit(database_url, load).is_clean
    load.answered["01900000-0000-7000-8000-000000000001"] = Paid("cust-1", 90, START - 90)
    verdict = audit(database_url, load)
    assert (verdict.lost, verdict.doubled) == (1, 0)
    assert f"cust-1 has {START}, but paid 90 of {START}" in verdict.faults
    load.answered.clear()
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE wallet SET balance = balance - 90, remaining = ARRAY[balance - 90], seq = 2")
        connection.execute(
            "INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, amounts,"
            " accounts, cause, detail)"
            " SELECT bucket, customer, currency, 2, 'payment', -90, balance, now(), 2, '{-90,90}',"
            " '[\"wallet:paid\", \"sales\"]', gen_random_uuid(), '[[], []]'"
            " FROM wallet JOIN customer USING (customer) WHERE customer_id = 'cust-2'"
        )
    verdict = audit(database_url, load)
    assert (verdict.lost, verdict.doubled) == (0, 1)
    assert any(fault.startswith("reconcile: ") for fault in verdict.faults)
