"""What was killed or stopped is replaced, under a server that goes on."""

from pathlib import Path

import pytest

from lingdang.serving.beside import NICE
from support.served import eventually, is_well, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "shop"


def test_killed_database_is_started_again_and_workers_find_it(data_dir: Path) -> None:
    with serving(data_dir, "--http", "--workers", "2") as served, served.client() as client:
        first = served.postmaster()
        first.kill()
        eventually(lambda: _pid(data_dir) not in (None, first.pid))
        eventually(lambda: all(is_well(client) for _ in range(20)))
        assert len(served.workers()) == 2
        assert "database_started_again" in served.errors()


def test_killed_backend_heals(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served, served.client() as client:
        postmaster = served.postmaster()
        backend = next(p for p in postmaster.children() if "postgres postgres" in " ".join(p.cmdline()))
        backend.kill()
        eventually(lambda: not backend.is_running())
        eventually(lambda: all(is_well(client) for _ in range(20)))
        assert served.postmaster() == postmaster


def test_killed_worker_is_replaced(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served, served.client() as client:
        worker = served.workers()[0]
        worker.kill()
        eventually(lambda: [p.pid for p in served.workers()] not in ([], [worker.pid]))
        eventually(lambda: is_well(client))


def test_the_background_tasks_have_a_process_that_gives_way_and_is_replaced(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served, served.client() as client:
        eventually(lambda: 'lingdang_background_lag_seconds{task="sealing"}' in client.get("/metrics").text)
        first = served.background()
        assert first.nice() == min(19, served.workers()[0].nice() + NICE)
        assert "lingdang_workers 1.0" in client.get("/metrics").text, "it answers no requests"
        first.kill()
        eventually(lambda: served.background_pid() not in (None, first.pid))
        second = served.background()
        assert '"worker": "background", "exit_code": -9' in served.errors()
        served.process.kill()
        eventually(lambda: not second.is_running())


def test_a_server_that_leaves_them_to_others_has_no_such_process(data_dir: Path) -> None:
    with serving(data_dir, "--http", background="worker") as served, served.client() as client:
        eventually(lambda: is_well(client))
        assert served.background_pid() is None


def test_a_stopped_worker_does_not_hold_up_the_stop(data_dir: Path) -> None:
    with serving(data_dir, "--http", "--workers", "2") as served:
        postmaster = served.postmaster()
        served.workers()[0].suspend()
        assert served.stop() == 0
        assert not postmaster.is_running()
    log = served.errors()
    assert log.count('"worker_silent"') == 1
    assert "worker_ended" not in log


def _pid(data_dir: Path) -> int | None:
    try:
        return int((data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, IndexError, ValueError):
        return None
