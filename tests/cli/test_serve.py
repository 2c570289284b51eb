"""`lingdang serve`: starts, stops, and refuses what it must."""

import os
import signal
import socket
import ssl
from pathlib import Path

import httpx
import psutil
import pytest

from support.served import eventually, is_well, run, serving, start

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "shop"


def test_serves_https_with_its_own_authority_and_stops_clean(data_dir: Path) -> None:
    with serving(data_dir, fresh=True) as served:
        assert served.url.startswith("https://127.0.0.1:")
        with served.client() as client:
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/readyz").status_code == 200
            assert "server" not in client.get("/healthz").headers
        with pytest.raises(httpx.ConnectError):
            httpx.get(served.url + "/healthz")
        assert httpx.get(served.url.replace("https:", "http:") + "/healthz").status_code == 400
        postmaster = served.postmaster()
        assert served.stop() == 0
        assert not postmaster.is_running()
    assert not (data_dir / "serve.json").exists()
    assert "shut down" in _database_log(data_dir).splitlines()[-1]
    for secret in ("keyring.json", "tls/ca.key", "tls/server.key"):
        assert (data_dir / secret).stat().st_mode & 0o077 == 0
    assert (data_dir / "pg").stat().st_mode & 0o077 == 0


def test_tls_1_1_is_refused(data_dir: Path) -> None:
    with serving(data_dir) as served:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", httpx.URL(served.url).port or 0)) as plain,
            pytest.raises(OSError),
        ):
            old.wrap_socket(plain)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_of_the_terminal_stops_two_workers_and_the_database(data_dir: Path, number: signal.Signals) -> None:
    """It reaches all processes of the terminal; one is closed by its shell and by the system."""
    with serving(data_dir, "--http", "--workers", "2") as served:
        family = [*served.workers(), served.postmaster()]
        assert len(served.workers()) == 2
        for worker in served.workers():
            worker.send_signal(number)
        if number == signal.SIGHUP:
            served.process.send_signal(number)
        assert served.stop(number) == 0
        assert not [process for process in family if process.is_running()]
    assert not (data_dir / "serve.json").exists()
    assert "shut down" in _database_log(data_dir).splitlines()[-1]
    assert "worker_ended" not in served.errors()


def test_a_second_interrupt_ends_the_workers_at_once_and_the_database_in_order(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served:
        family = [*served.workers(), served.postmaster()]
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port or 0)) as slow:
            slow.sendall(b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            served.process.send_signal(signal.SIGINT)
            assert served.stop(signal.SIGINT) == 0
        assert not [process for process in family if process.is_running()]
    assert "shut down" in _database_log(data_dir).splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_signal_during_the_start_leaves_nothing_behind(data_dir: Path, command: str, number: signal.Signals) -> None:
    process = start(data_dir, command, *(["--http", "--port", "0"] if command == "serve" else []))
    eventually(lambda: _pid(data_dir) is not None)
    postmaster = psutil.Process(_pid(data_dir))
    process.send_signal(number)
    process.wait(60)
    assert not _runs(postmaster)
    assert not (data_dir / "serve.json").exists()
    with serving(data_dir, "--http") as served, served.client() as client:
        assert is_well(client)


def test_what_ignores_a_closed_terminal_goes_on(data_dir: Path) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serving(data_dir, "--http") as served, served.client() as client:
            for process in (served.process, *served.workers()):
                process.send_signal(signal.SIGHUP)
            assert is_well(client)
            assert served.stop() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_second_server_on_the_data_directory_is_refused_by_name(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served:
        second = run(data_dir, "serve", "--port", "0", "--http")
        assert second.returncode == 1
        assert f"process {served.process.pid}, at {served.url}" in second.stderr
        assert "Traceback" not in second.stderr
        with served.client() as client:
            assert is_well(client)


def test_taken_port_is_told_before_anything_is_started(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run(data_dir, "serve", "--port", str(port), "--http")
    assert answer.returncode == 1
    assert answer.stderr.strip() == f"Error: cannot listen on 127.0.0.1 port {port}: the port is taken"
    assert not (data_dir / "pg").exists()
    assert not (data_dir / "keyring.json").exists()


def test_command_joins_the_running_database_and_leaves_it_running(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served, served.client() as client:
        postmaster = served.postmaster()
        assert "already" in run(data_dir, "migrate").stdout
        assert postmaster.is_running()
        assert is_well(client)


@pytest.mark.parametrize("database_too", [False, True])
def test_start_after_kill_9_recovers(data_dir: Path, database_too: bool) -> None:
    with serving(data_dir, "--http", "--workers", "2") as served:
        port = str(httpx.URL(served.url).port)
        orphans, postmaster = served.workers(), served.postmaster()
        served.process.kill()
        served.process.wait()
        if database_too:
            postmaster.kill()
    eventually(lambda: not any(_runs(orphan) for orphan in orphans))
    with serving(data_dir, "--http", "--port", port) as again, again.client() as client:
        assert is_well(client)
        current = again.postmaster()
    assert not _runs(current)
    assert not _runs(postmaster)


def test_pid_file_with_another_process_s_number_is_stale(data_dir: Path) -> None:
    with serving(data_dir, "--http") as served:
        lines = (data_dir / "pg" / "postmaster.pid").read_text().splitlines()
        assert served.stop() == 0
    pid_file = data_dir / "pg" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (data_dir / "serve.json").write_text('{"pid": 1, "address": "http://old"}')
    with serving(data_dir, "--http") as served, served.client() as client:
        assert is_well(client)


def test_unmigrated_database_of_ones_own_is_refused(data_dir: Path, postgres: str) -> None:
    answer = run(data_dir, "serve", "--port", "0", database_url=postgres)
    assert answer.returncode == 1
    assert "run `lingdang migrate` first" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_database_of_ones_own_is_served(data_dir: Path, database_url: str) -> None:
    with serving(data_dir, "--http", database_url=database_url) as served, served.client() as client:
        assert is_well(client)
        assert "your PostgreSQL" in " ".join(served.banner)
    assert not (data_dir / "pg").exists()


def test_unreachable_database_is_told_without_its_password(data_dir: Path) -> None:
    answer = run(data_dir, "serve", database_url="postgresql://joe:hunter2-secret@127.0.0.1:9/shop")
    assert answer.returncode == 1
    assert "127.0.0.1" in answer.stderr
    assert "hunter2" not in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr


def test_unknown_setting_is_one_line(data_dir: Path) -> None:
    answer = run(data_dir, "migrate", colour="blue")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: configuration:")
    assert "colour" in answer.stderr


def _database_log(data_dir: Path) -> str:
    return "".join(path.read_text() for path in sorted((data_dir / "pg" / "log").iterdir()))


def _pid(data_dir: Path) -> int | None:
    try:
        return int((data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, IndexError, ValueError):
        return None


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
