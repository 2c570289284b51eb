"""The way to the database's files for the user that it runs as: passable, never listed, and nothing more than that."""

import os
import stat
import sys
from pathlib import Path

import pytest

from lingdang.db.system_user import SystemUser, open_programs, open_way, system_user

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
NOBODY = SystemUser(uid=65534, gid=65534)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_on_the_way_may_be_passed_and_not_listed(tmp_path: Path) -> None:
    way = tmp_path / "a" / "b"
    way.mkdir(parents=True)
    for each in (tmp_path / "a", way):
        each.chmod(0o700)
    said: list[str] = []
    open_way(way / "pg", NOBODY, said.append)
    assert (mode(way), mode(tmp_path / "a")) == (0o701, 0o701)
    assert any(line.startswith(f"{way}: made passable") for line in said)
    again: list[str] = []
    open_way(way / "pg", NOBODY, again.append)
    assert again == []


def test_who_may_pass_already_changes_nothing(tmp_path: Path) -> None:
    own = SystemUser(uid=os.getuid(), gid=os.getgid())
    way = tmp_path / "own"
    way.mkdir(mode=0o700)
    open_way(way / "pg", own, lambda text: None)
    assert mode(way) == 0o700


def test_programs_are_read_and_run_by_everybody_and_plain_files_only_read(tmp_path: Path) -> None:
    root = tmp_path / "programs"
    root.mkdir(mode=0o700)
    program, page = root / "postgres", root / "page.txt"
    for path, bits in ((program, 0o700), (page, 0o600)):
        path.touch()
        path.chmod(bits)
    open_programs(root)
    assert (mode(root), mode(program), mode(page)) == (0o705, 0o705, 0o604)


def test_only_root_needs_another_user() -> None:
    user = system_user()
    assert (user is None) == (os.geteuid() != 0)
    assert user is None or user.uid != 0
    assert NOBODY.run_as() == {"user": 65534, "group": 65534, "extra_groups": []}
