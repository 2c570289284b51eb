"""A shop's PostgreSQL that is copied, lost, promoted and moved: an embedded server of a test's own."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lingdang.db.embedded import EmbeddedServer, programs
from lingdang.db.migrate import migrate
from lingdang.db.system_user import system_user
from proof.faults.server import postmaster
from support.journal import sql


class Node:
    """The server below `root`. `url` is its shop's, once it has been started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pgdata = root / "pg"
        self.url = ""
        self._server = EmbeddedServer(root)

    def start(self) -> None:
        # Where its socket is, it says itself: a long path has it elsewhere.
        self.url = self._server.start().replace("/postgres?", "/shop?")

    def stop(self) -> None:
        self._server.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """The machine is gone."""
        first = postmaster(self.pgdata)
        for process in (first, *first.children(recursive=True)):
            process.kill()

    def directory(self, name: str) -> Path:
        """A directory beside the data that the server may write to."""
        made = self.root / name
        made.mkdir()
        self.give(made)
        return made

    def copy(self, to: Path, *options: str) -> "Node":
        """A base backup as a node that is not started."""
        node = Node(to)
        to.mkdir(mode=0o700)
        run("pg_basebackup", "-c", "fast", *options, "-d", self.url, "-D", str(node.pgdata))
        (node.pgdata / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        node.give(node.pgdata)
        return node

    def give(self, path: Path) -> None:
        """To the user that the server runs as."""
        user = system_user()
        if user is not None:
            for each in (path, *path.rglob("*")):
                shutil.chown(each, user.uid, user.gid)


def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, as this user."""
    done = subprocess.run([programs() / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def running(*nodes: Node) -> Iterator[None]:
    """Start these; they are stopped at the end, whoever is running then."""
    try:
        for node in nodes:
            node.start()
        yield
    finally:
        for node in nodes:
            node.stop()


@contextmanager
def new_node(root: Path) -> Iterator[Node]:
    """A running server with an empty shop."""
    node = Node(root)
    with running(node):
        sql(node.url.replace("/shop?", "/postgres?"), "CREATE DATABASE shop")
        migrate(node.url)
        yield node
