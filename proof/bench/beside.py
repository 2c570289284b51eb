"""A process of its own beside a measurement, which notes what it sees in a file, a line of JSON each."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


@contextmanager
def running(module: str, url: str, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m module url` notes into the file until the block ends. `url` is a database of the server's."""
    with file.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", module, url], stdout=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def note(seen: msgspec.Struct) -> None:
    """In such a process: note what was seen."""
    sys.stdout.buffer.write(msgspec.json.encode(seen) + b"\n")
    sys.stdout.buffer.flush()


def noted(file: Path, kind: type[T]) -> list[T]:
    """What is in the file, in its order; a last line that was cut off is left out."""
    return [msgspec.json.decode(line, type=kind) for line in file.read_bytes().splitlines(True) if line.endswith(b"\n")]
