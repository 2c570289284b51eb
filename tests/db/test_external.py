"""A PostgreSQL of the operator's own: told when it is away or too old, and never with its password."""

import pytest

from lingdang.db import external
from lingdang.db.external import ExternalError, check_version, shown

SECRET = "hunter2-secret"


def test_a_new_one_is_good(postgres: str) -> None:
    check_version(postgres)


def test_an_old_one_is_refused_by_its_number(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "LEAST_VERSION", 99)
    with pytest.raises(ExternalError, match=r"is PostgreSQL 18; Lingdang needs 99 or newer"):
        check_version(postgres)


def test_one_that_is_away_is_told_in_one_line() -> None:
    with pytest.raises(ExternalError, match="cannot be reached") as refused:
        check_version(f"postgresql://joe:{SECRET}@127.0.0.1:1/shop")
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("url", ["nonsense", "postgresql://h/db?no_such_option=1"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ExternalError, match="LINGDANG_DATABASE_URL is not a PostgreSQL URL"):
        check_version(url)


def test_only_the_place_is_shown() -> None:
    text = shown(f"postgresql://joe:{SECRET}@db.example:6000/shop?sslmode=require")
    assert text == "(host=db.example port=6000 dbname=shop)"
    assert shown("dbname=shop") == "(dbname=shop)"
