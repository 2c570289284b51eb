"""`lingdang worker`: does what the server leaves to it, tells how it does, and goes on when another one is killed."""

import asyncio
import signal
from pathlib import Path

import httpx
import psycopg
import pytest

from lingdang.keys import Keyring
from proof.webhooks.receiver import receiving
from support.hooks import platform_of, seqs
from support.journal import fill, sql, verify
from support.money import credit, open_settlement
from support.served import Served, eventually, run, serving, working
from support.tabs import until

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    return directory


def sealed_by(worker: Served) -> float:
    """How many transfers it says that it has sealed."""
    return worker.figure('lingdang_journal_sealed_transfers_total{worker="background"}')


_SEALING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7308319 AND granted"


def unsealed(database_url: str) -> int:
    [(lacking,)] = sql(
        database_url,
        "SELECT (SELECT count(*) FROM transfer) - (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM seal)",
    )
    return int(str(lacking))


async def credit_all(database_url: str, customers: int, each: int) -> None:
    async with open_settlement(database_url) as settlement:
        for number in range(each):
            commands = [credit(f"c{customer}", 1, credit_id=f"n{number}") for customer in range(customers)]
            await asyncio.gather(*map(settlement.submit, commands))


def test_what_the_server_leaves_is_done_apart(database_url: str, keyring: Keyring, data_dir: Path) -> None:
    environ = {"database_url": database_url, "keyring_file": str(keyring.path), "background": "worker"}
    asyncio.run(fill(database_url))
    with serving(data_dir, "--http", **environ) as served, served.client() as client:
        assert "left to `lingdang worker`" in " ".join(served.banner)
        with working(data_dir, **environ) as worker:
            eventually(lambda: unsealed(database_url) == 0)
            assert sealed_by(worker) == 6
            assert "lingdang_background_lag_seconds{" not in client.get("/metrics").text
            with worker.client() as probes:
                assert probes.get("/healthz").json() == {"status": "ok"}
                assert probes.get("/readyz").status_code == 200
                text = probes.get("/metrics").text
                assert probes.get("/v1/products").status_code == 404
                assert probes.post("/healthz").status_code == 405
            assert 'lingdang_background_lag_seconds{task="upkeep"}' in text
            assert 'lingdang_pool_size{purpose="background"}' in text
            assert worker.stop() == 0
            with pytest.raises(httpx.ConnectError):
                httpx.get(worker.url + "/healthz")
        assert client.get("/readyz").status_code == 200
    assert verify(database_url, keyring).differences == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_of_the_terminal_ends_it_in_order(
    database_url: str, keyring: Keyring, data_dir: Path, number: signal.Signals
) -> None:
    with working(data_dir, database_url=database_url, keyring_file=str(keyring.path)) as worker:
        assert "shared" in " ".join(worker.banner), "the servers run the tasks too, unless they are told"
        assert worker.stop(number) == 0
        assert "Traceback" not in worker.errors()


def test_one_goes_on_when_another_one_is_killed(database_url: str, keyring: Keyring, data_dir: Path) -> None:
    """It is killed in the middle of a step, with the lock in its hands, which goes with its connection."""
    environ = {"database_url": database_url, "keyring_file": str(keyring.path), "background": "worker"}
    asyncio.run(credit_all(database_url, customers=10, each=10))
    with psycopg.connect(database_url) as in_the_way:
        in_the_way.execute("LOCK TABLE seal IN SHARE MODE")
        with working(data_dir, **environ) as killed:
            eventually(lambda: sql(database_url, _SEALING) == [(1,)])
            with working(data_dir, **environ) as left:
                killed.process.kill()
                killed.process.wait()
                in_the_way.rollback()
                eventually(lambda: unsealed(database_url) == 0)
                assert sealed_by(left) == 100
                assert left.stop() == 0
                assert "Traceback" not in left.errors()
    assert verify(database_url, keyring).differences == []


def test_it_runs_beside_a_server_on_the_embedded_database(data_dir: Path) -> None:
    with serving(data_dir, "--http", background="worker") as served, served.client() as client:
        with working(data_dir, background="worker") as worker:
            postmaster = served.postmaster()
            assert "embedded PostgreSQL" in " ".join(worker.banner)
            assert worker.stop() == 0
        assert postmaster.is_running()
        assert client.get("/readyz").status_code == 200


def test_a_port_is_taken_and_a_setting_is_wrong(data_dir: Path, database_url: str) -> None:
    with working(data_dir, database_url=database_url) as worker:
        port = str(httpx.URL(worker.url).port)
        second = run(data_dir, "worker", "--port", port, database_url=database_url)
    assert (second.returncode, "the port is taken" in second.stderr) == (1, True)
    wrong = run(data_dir, "worker", background="elsewhere", database_url=database_url)
    assert (wrong.returncode, "background" in wrong.stderr, "Traceback" in wrong.stderr) == (1, True, False)


async def test_the_endpoints_of_one_that_is_killed_are_taken_over(
    database_url: str, keyring: Keyring, data_dir: Path
) -> None:
    """Each endpoint is one process's at a time."""

    def sends(worker: Served) -> bool:
        return worker.figure('lingdang_webhook_endpoints{worker="background"}') == 1

    environ = {"database_url": database_url, "keyring_file": str(keyring.path), "background": "worker"}
    async with receiving() as receiver, platform_of(database_url, keyring, receiver, background="worker") as platform:
        environ |= {"webhook_networks": "127.0.0.0/8", "webhook_ports": str(receiver.port)}
        with working(data_dir, **environ) as one, working(data_dir, **environ) as other:
            await platform.put(receiver)
            await platform.happen("ann", "ann")
            await until(lambda: seqs(receiver, "ann") == [1, 2])
            killed, left = (one, other) if sends(one) else (other, one)
            assert (sends(killed), sends(left)) == (True, False)
            killed.process.kill()
            await platform.happen("ann", "ann")
            await until(lambda: seqs(receiver, "ann") == [1, 2, 3, 4])
            assert sends(left)
