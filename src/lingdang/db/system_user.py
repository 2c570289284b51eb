"""PostgreSQL refuses to run as root: a system user that it runs as then, and the way to its files."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

NAME = "pgserver"
"""The name that the wheel itself uses for this."""


class SystemUser(msgspec.Struct, frozen=True):
    """The user that the database's programs run as."""

    uid: int
    gid: int

    def run_as(self) -> dict[str, Any]:
        """The arguments with which `subprocess` becomes this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def system_user() -> SystemUser | None:
    """The user to run as, made when there is none; None when this process is not root and needs no other.

    Raises OSError or subprocess.CalledProcessError when it cannot be made.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", NAME], check=True, capture_output=True)
        entry = pwd.getpwnam(NAME)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def open_way(path: Path, user: SystemUser, say: Callable[[str], None]) -> None:
    """Let `user` reach `path` through its parent directories: to pass through them, not to list them."""
    for parent in path.resolve().parents:
        status = parent.stat()
        if _may_pass(status, user):
            continue
        say(f"{parent}: made passable (o+x) for the system user {NAME}, as whom the database runs")
        parent.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def open_programs(root: Path) -> None:
    """Let everybody read and run the database's programs, where they were installed for root alone."""
    for path in (root, *root.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        executable = path.is_dir() or mode & stat.S_IXUSR
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if executable else 0))


def _may_pass(status: os.stat_result, user: SystemUser) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
