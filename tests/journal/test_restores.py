"""However a database comes back, positions rise: no reader misses what comes then, and each is told what was lost."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psycopg
import pytest

from lingdang.db.embedded import programs
from lingdang.db.migrate import migrate
from lingdang.db.system_user import open_programs, open_way, system_user
from lingdang.journal.positions import RowsAfter, kept_to, read_on
from lingdang.keys import Keyring
from support.customers import key_of
from support.journal import connected, seal_all, sql, verify
from support.money import credit, open_settlement
from support.nodes import Node, new_node, run, running
from support.served import eventually

pytestmark = pytest.mark.slow

ANN, BOB = key_of("ann"), key_of("bob")


async def settle(url: str, *names: str) -> None:
    """A credit for each."""
    async with open_settlement(url) as settlement:
        for name in names:
            await settlement.submit(credit(name, 1))


async def read(url: str, cursor: int) -> RowsAfter:
    async with connected(url) as reader:
        return await read_on(reader, 0, cursor, 100)


async def resume(url: str, cursor: int) -> int:
    async with connected(url) as reader:
        return await kept_to(reader, 0, cursor)


def names(page: RowsAfter) -> list[tuple[int, int]]:
    return [(place.customer, place.seq) for place in page.places]


class Cursors(NamedTuple):
    """Of a reader: at what the copy has, and at what was lost with the server."""

    kept: int
    lost: int


async def goes_on(url: str, keyring: Keyring, cursors: Cursors) -> None:
    """Two rows of Ann's and one of Bob's are there, one of each is gone: what is gone is told, what comes is read."""
    assert await resume(url, cursors.kept) == cursors.kept
    assert await resume(url, cursors.lost) == cursors.kept, "told that what came after is not there"
    assert names(await read(url, 0)) == [(ANN, 1), (BOB, 1), (ANN, 2)]
    assert names(await read(url, cursors.lost)) == []
    await settle(url, "bob", "ann")
    assert names(await read(url, cursors.kept)) == [(BOB, 2), (ANN, 3)]
    assert names(await read(url, cursors.lost)) == [(BOB, 2), (ANN, 3)], "above whatever was seen before"
    assert await seal_all(url, keyring) == 2
    report = verify(url, keyring)
    assert (report.sealed, report.unsealed) == (5, 0)
    [difference] = report.differences
    assert difference.check == "journal_rolled_back"
    assert "has checkpoint 2 with 4 seals" in difference.detail


async def begin(url: str, keyring: Keyring) -> int:
    """What a copy will have, sealed; the cursor of who has read it."""
    await settle(url, "ann", "bob", "ann")
    assert await seal_all(url, keyring) == 3
    return (await read(url, 0)).cursor


async def lose(url: str, keyring: Keyring) -> int:
    """What no copy will have, sealed and witnessed; the cursor of who has read it."""
    await settle(url, "ann", "bob")
    assert await seal_all(url, keyring) == 2
    page = await read(url, 0)
    assert names(page)[3:] == [(ANN, 3), (BOB, 2)]
    return page.cursor


async def nothing_was_lost(url: str, keyring: Keyring, cursor: int) -> None:
    """Readers and the sealer go on where they were, in a new epoch."""
    assert await resume(url, cursor) == cursor
    await settle(url, "bob", "ann")
    assert names(await read(url, cursor)) == [(BOB, 2), (ANN, 3)]
    assert sql(url, "SELECT count(*) FROM journal_epoch") == [(2,)]
    assert await seal_all(url, keyring) == 2
    assert verify(url, keyring).differences == []


async def test_a_base_backup(tmp_path: Path, keyring: Keyring) -> None:
    """It uses transaction ids again. Of two restores of one backup each has positions of its own."""
    with new_node(tmp_path / "shop") as shop:
        kept = await begin(shop.url, keyring)
        restored, again = shop.copy(tmp_path / "restored"), shop.copy(tmp_path / "again")
        cursors = Cursors(kept, await lose(shop.url, keyring))
    with running(restored):
        await goes_on(restored.url, keyring, cursors)
        of_the_first = (await read(restored.url, 0)).cursor
    with running(again):
        assert await resume(again.url, of_the_first) == kept
        await settle(again.url, "bob")
        assert names(await read(again.url, of_the_first)) == [(BOB, 2)]


async def test_a_clock_that_was_set_back_makes_no_position_twice(tmp_path: Path, keyring: Keyring) -> None:
    with new_node(tmp_path / "shop") as shop:
        await begin(shop.url, keyring)
        sql(
            shop.url, "UPDATE journal_epoch SET started = started - interval '1 day', first = first + (1::bigint << 50)"
        )
        await settle(shop.url, "ann")
        [(kept,)] = sql(shop.url, "SELECT max(position) FROM transfer")
        assert isinstance(kept, int)
        restored = shop.copy(tmp_path / "restored")
        await settle(shop.url, "bob")
        lost = (await read(shop.url, kept)).cursor
    with running(restored):
        await settle(restored.url, "bob")
        assert kept < lost < (await read(restored.url, lost)).cursor


async def test_a_point_in_time(tmp_path: Path, keyring: Keyring) -> None:
    """From a base backup and the archived log, up to a moment before the end."""
    with new_node(tmp_path / "shop") as shop:
        archive = shop.directory("archive")
        sql(shop.url, "ALTER SYSTEM SET archive_mode = on")
        sql(shop.url, f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'")
        shop.restart()
        restored = shop.copy(tmp_path / "restored")
        kept = await begin(shop.url, keyring)
        sql(shop.url, "SELECT pg_create_restore_point('before')")
        cursors = Cursors(kept, await lose(shop.url, keyring))
        [(last,)] = sql(shop.url, "SELECT pg_walfile_name(pg_switch_wal())")
        await asyncio.to_thread(eventually, (archive / str(last)).exists)
    with (restored.pgdata / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = 'cp {archive}/%f %p'\narchive_mode = off\n")
        file.write("recovery_target_name = 'before'\nrecovery_target_action = 'promote'\n")
    (restored.pgdata / "recovery.signal").touch()
    restored.give(restored.pgdata)
    with running(restored):
        await asyncio.to_thread(eventually, lambda: sql(restored.url, "SELECT pg_is_in_recovery()") == [(False,)])
        await goes_on(restored.url, keyring, cursors)


async def test_a_dump(tmp_path: Path, keyring: Keyring) -> None:
    """In a new server transaction ids begin low."""
    dump = tmp_path / "shop.dump"
    with new_node(tmp_path / "shop") as shop:
        kept = await begin(shop.url, keyring)
        run("pg_dump", "-Fc", "-f", str(dump), shop.url)
        cursors = Cursors(kept, await lose(shop.url, keyring))
    restored = Node(tmp_path / "restored")
    with running(restored):
        sql(restored.url.replace("/shop?", "/postgres?"), "CREATE DATABASE shop")
        run("pg_restore", "--exit-on-error", "--single-transaction", "-d", restored.url, str(dump))
        await goes_on(restored.url, keyring, cursors)


async def test_a_standby_that_was_behind(tmp_path: Path, keyring: Keyring) -> None:
    """It was started before what it has was written, and answers no reader until it is promoted."""
    with ExitStack() as stack:
        shop = stack.enter_context(new_node(tmp_path / "shop"))
        standby = shop.copy(tmp_path / "standby", "--write-recovery-conf")
        stack.enter_context(running(standby))
        kept = await begin(shop.url, keyring)
        [(here,)] = sql(shop.url, "SELECT pg_current_wal_lsn()")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{here}'"
        await asyncio.to_thread(eventually, lambda: sql(standby.url, replayed) == [(True,)])
        with pytest.raises(psycopg.OperationalError, match="a standby does not tell"):
            await read(standby.url, 0)
        standby.stop()
        cursors = Cursors(kept, await lose(shop.url, keyring))
        shop.kill()
        standby.start()
        sql(standby.url, "SELECT pg_promote()")
        await goes_on(standby.url, keyring, cursors)


async def test_a_standby_that_had_everything(tmp_path: Path, keyring: Keyring) -> None:
    with ExitStack() as stack:
        shop = stack.enter_context(new_node(tmp_path / "shop"))
        standby = shop.copy(tmp_path / "standby", "--write-recovery-conf")
        stack.enter_context(running(standby))
        sql(shop.url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        sql(shop.url, "SELECT pg_reload_conf()")
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        await asyncio.to_thread(eventually, lambda: sql(shop.url, synchronous) == [(1,)])
        cursor = await begin(shop.url, keyring)
        shop.kill()
        sql(standby.url, "SELECT pg_promote()")
        await nothing_was_lost(standby.url, keyring, cursor)


class Upgrade:
    """A shop under an older PostgreSQL, and where `pg_upgrade` brings it; `sockets` is a directory of a short path."""

    def __init__(self, root: Path, sockets: Path) -> None:
        self._root = root
        self._user = system_user()
        self._sockets = sockets
        self.url = f"postgresql://postgres@/shop?host={self._sockets}"
        root.mkdir()
        for path in (root, self._sockets):
            if self._user is not None:
                os.chown(path, self._user.uid, self._user.gid)
        for place in (self._programs("old"), self._programs("new")):
            if self._user is not None:
                open_programs(place.parent)
                open_way(place / "postgres", self._user, lambda _: None)
                open_way(root, self._user, lambda _: None)

    def make(self, which: str) -> None:
        """An empty database, `old` or `new`."""
        kind = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums")
        self._run(which, "initdb", *kind, "-D", str(self._root / which))

    @contextmanager
    def running(self, which: str) -> Iterator[str]:
        """It runs; the URL of its own database."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._sockets}"
        place = ("-D", str(self._root / which))
        self._run(which, "pg_ctl", "start", "-w", "-s", *place, "-o", options, "-l", str(self._root / f"{which}.log"))
        try:
            yield self.url.replace("/shop?", "/postgres?")
        finally:
            self._run(which, "pg_ctl", "stop", "-w", "-s", *place)

    def upgrade(self) -> None:
        """From the one to the other."""
        old, new = (str(self._programs(which)) for which in ("old", "new"))
        data = ("-d", str(self._root / "old"), "-D", str(self._root / "new"))
        self._run("new", "pg_upgrade", "-b", old, "-B", new, *data, "-s", str(self._sockets), "-U", "postgres")

    def _programs(self, which: str) -> Path:
        return programs() if which == "new" else programs().parents[1] / "pginstall" / "bin"

    def _run(self, which: str, program: str, *arguments: str) -> None:
        as_user = self._user.run_as() if self._user else {}
        command = [self._programs(which) / program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._root, **as_user)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def sockets() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lingdang-") as directory:
        yield Path(directory)


async def test_an_upgrade_of_postgresql(tmp_path: Path, sockets: Path, keyring: Keyring) -> None:
    """Transaction ids go on where they were, on a server that has never begun an epoch."""
    shop = Upgrade(tmp_path / "upgrade", sockets)
    shop.make("old")
    with shop.running("old") as url:
        assert sql(url, "SELECT current_setting('server_version_num')::int / 10000") == [(16,)]
        sql(url, "CREATE DATABASE shop")
        migrate(shop.url)
        cursor = await begin(shop.url, keyring)
    shop.make("new")
    shop.upgrade()
    with shop.running("new"):
        await nothing_was_lost(shop.url, keyring, cursor)
