"""What a command works on: a directory that it can write, and a database that is there, new enough and migrated."""

from pathlib import Path

import pytest

from lingdang.cli.database import database, prepare_data_dir
from lingdang.db.external import ExternalError
from lingdang.db.migrate import NotMigratedError
from lingdang.errors import CommandError
from lingdang.settings import Settings
from support.journal import sql


def test_a_data_directory_is_made_for_its_owner_alone_and_stays_as_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "a" / "shop"))
    for _ in range(2):
        prepare_data_dir(settings)
        assert settings.data_path.stat().st_mode & 0o777 == 0o700
        assert list(settings.data_path.iterdir()) == []


def test_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CommandError, match=r"file/shop cannot be written: Not a directory"):
        prepare_data_dir(Settings(data_dir=str(tmp_path / "file" / "shop")))
    with pytest.raises(CommandError, match=r"cannot be written: File exists"):
        prepare_data_dir(Settings(data_dir=str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_database_of_ones_own_is_used_as_it_is(database_url: str) -> None:
    with database(Settings(database_url=database_url), None) as url:
        assert url == database_url


def test_one_that_is_not_migrated_is_left_alone(postgres: str) -> None:
    with (
        pytest.raises(NotMigratedError, match="run `lingdang migrate` first"),
        database(Settings(database_url=postgres), None),
    ):
        raise AssertionError("it is not to be used")
    assert sql(postgres, "SELECT to_regclass('transfer')") == [(None,)]


def test_one_that_is_away_is_told() -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/none")
    with pytest.raises(ExternalError, match="cannot be reached"), database(settings, None):
        raise AssertionError("it is not to be used")
