"""A primary and its synchronous standby, made with the embedded server's own tools.

It does what an operator or a manager of high availability does at a fail-over; docs/runbooks/standby.md has the same
steps as commands.
"""

import shutil
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

from lingdang.db.embedded import EmbeddedServer, programs
from lingdang.db.system_user import system_user

_WAIT_SECONDS = 60.0
_STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"


class ClusterError(Exception):
    """A step of the fail-over did not succeed."""


class Cluster:
    """Two data directories below `place`. `url` names both: who connects is led to the one that takes writes."""

    def __init__(self, place: Path) -> None:
        self._nodes = [_Node(place / "a"), _Node(place / "b")]
        hosts = ",".join(str(node.pgdata) for node in self._nodes)
        self.url = f"postgresql://postgres@/postgres?host={hosts}&port=5432,5432&target_session_attrs=read-write"

    def start(self) -> None:
        """Make and start the primary, and its standby."""
        primary, spare = self._nodes
        primary.start()
        self._join(primary, spare)

    def fail_over(self) -> None:
        """Kill the primary, promote the standby, and make a new standby of what was the primary."""
        primary, spare = self._nodes
        primary.kill()
        spare.promote()
        self._nodes = [spare, primary]
        primary.forget()
        self._join(spare, primary)

    def stop(self) -> None:
        """Stop both, the standby first: a primary that waits for it would not end in order."""
        for node in reversed(self._nodes):
            node.stop()

    def _join(self, primary: "_Node", spare: "_Node") -> None:
        """Copy the primary, let the copy follow it, and from then on let every commit wait for the copy."""
        spare.copy_of(primary)
        spare.start()
        primary.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.say("SELECT pg_reload_conf()")
        end = time.monotonic() + _WAIT_SECONDS
        while not primary.ask(_STREAMING):
            if time.monotonic() > end:
                raise ClusterError("the standby does not follow")
            time.sleep(0.05)


class _Node:
    """One of the two: an embedded server that nobody but this process uses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.pgdata = root / "pg"
        self._server = EmbeddedServer(root)

    @property
    def _url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.pgdata}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        first = psutil.Process(int((self.pgdata / "postmaster.pid").read_text().splitlines()[0]))
        every = [first, *first.children(recursive=True)]
        for process in every:
            process.kill()
        psutil.wait_procs(every, _WAIT_SECONDS)

    def forget(self) -> None:
        """Remove what an old primary holds: nobody may ever write there again."""
        self._server.stop()
        shutil.rmtree(self.pgdata)

    def promote(self) -> None:
        """Make the standby the primary. It has no standby yet, and must not wait for one."""
        self.say("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.say("SELECT pg_reload_conf()")
        if not self.ask("SELECT pg_promote()::int"):
            raise ClusterError("the standby was not promoted")

    def copy_of(self, primary: "_Node") -> None:
        self._root.mkdir(mode=0o700, exist_ok=True)
        user = system_user()
        command = [str(programs() / "pg_basebackup"), "--checkpoint=fast", "--write-recovery-conf"]
        command += ["-h", str(primary.pgdata), "-U", "postgres", "-D", str(self.pgdata)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(done.stderr.strip())
        if user is not None:
            for path in (self.pgdata, *self.pgdata.rglob("*")):
                shutil.chown(path, user.uid, user.gid)

    def say(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, statement: str) -> int:
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        assert row is not None, "it has one row"
        return int(row[0])
