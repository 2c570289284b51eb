"""Packages from a file: all of them, or none."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lingdang.db.pool import Pool
from lingdang.errors import CommandError
from lingdang.paging import Window
from lingdang.topup.importing import Imported, import_packages, read_lines
from lingdang.topup.packages import list_packages
from support.topups import SIX_YUAN

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def line(package_id: str, **changed: object) -> str:
    return json.dumps(SIX_YUAN | {"packageId": package_id} | changed)


async def test_they_are_created_and_replaced(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "packages.jsonl"
    async with Pool(database_url, 1, pgbouncer=False) as pool:
        file.write_text(f"{line('a')}\n\n{line('b')}\n")
        async with pool.connection() as connection:
            assert await import_packages(connection, file, NOW) == Imported(created=2, replaced=0)
        file.write_text(f"{line('b', name='铃铛 600')}\n{line('c')}")
        async with pool.connection() as connection:
            assert await import_packages(connection, file, NOW) == Imported(created=1, replaced=1)
        found = (await list_packages(pool, Window(10, None))).items
    assert [(each.package_id, each.name) for each in found] == [
        ("a", "600 bells"),
        ("b", "铃铛 600"),
        ("c", "600 bells"),
    ]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("{", "line 2"),
        (line("not an id"), "line 2"),
        (line("b", paid=-1), "line 2"),
        (line("b", surprise=1), "surprise"),
        (json.dumps(SIX_YUAN), "packageId"),
        ("\xff", "line 2"),
    ],
)
async def test_a_line_that_is_none_is_named_and_nothing_is_written(
    database_url: str, tmp_path: Path, second: str, said: str
) -> None:
    file = tmp_path / "packages.jsonl"
    file.write_bytes(f"{line('a')}\n".encode() + second.encode("latin-1"))
    async with Pool(database_url, 1, pgbouncer=False) as pool:
        async with pool.connection() as connection:
            with pytest.raises(CommandError, match=said):
                await import_packages(connection, file, NOW)
        assert (await list_packages(pool, Window(10, None))).items == []


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n\n")
    assert list(read_lines(tmp_path / "empty")) == []
