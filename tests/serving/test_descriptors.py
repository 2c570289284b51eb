"""File descriptors: as many as connections need, enough for the database, and too few are told at the start."""

import resource
from pathlib import Path

from lingdang.serving.descriptors import LEAST, raise_limit
from lingdang.settings import Settings
from support.served import run


def test_too_few_descriptors_are_told_at_the_start(tmp_path: Path) -> None:
    answer = run(tmp_path / "shop", "serve", "--port", "0", "--http", descriptors=100)
    assert answer.returncode == 1
    assert "ulimit -n" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "shop" / "pg").exists()


def test_descriptors_are_raised_to_what_connections_need() -> None:
    granted, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        raise_limit(Settings(connection_limit=500))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (500 + LEAST, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
