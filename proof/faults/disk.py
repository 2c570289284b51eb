"""A small file system, so that a disk can be filled without harm to any other."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_MB = 800


class DiskError(Exception):
    """The file system cannot be made: that takes root's rights and a loop device."""


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Mount a fresh ext4 file system on the directory `place` for as long as the block. Raises DiskError."""
    image = place.with_name(f"{place.name}.img")
    try:
        with image.open("wb") as file:
            file.truncate(SIZE_MB * 2**20)
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        _run("mount", "-o", "loop", str(image), str(place))
        (place / "lost+found").rmdir()
        try:
            yield
        finally:
            _run("umount", "--lazy", str(place))
    finally:
        image.unlink(missing_ok=True)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DiskError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise DiskError(f"{command[0]}: {done.stderr.strip()}")
