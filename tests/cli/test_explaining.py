"""What an operator is told of an error: one line, and of a fault of the program nothing that hides it."""

import psycopg
import pytest

from lingdang.cli.explaining import explanation
from lingdang.db.embedded import EmbeddedError
from lingdang.db.external import ExternalError
from lingdang.db.migrate import NotMigratedError
from lingdang.errors import CommandError, Problem, invalid_field
from lingdang.keys import KeyringError
from lingdang.settings import SettingsError


@pytest.mark.parametrize(
    "kind", [CommandError, SettingsError, KeyringError, NotMigratedError, EmbeddedError, ExternalError]
)
def test_our_own_errors_say_it_themselves(kind: type[Exception]) -> None:
    assert explanation(kind("it is so")) == "it is so"


def test_a_refusal_is_its_code_and_its_sentence() -> None:
    assert explanation(invalid_field("expires_at", "It is in the past")) == "invalid_request: It is in the past"
    said = explanation(Problem("wallet_full", limit="balance <= 5"))
    assert said is not None
    assert said.startswith("wallet_full: ")
    assert "{" not in said


def test_a_database_that_is_away_is_one_line() -> None:
    assert explanation(psycopg.OperationalError("no\n  answer")) == "the database cannot be reached: no answer"


def test_a_file_is_named() -> None:
    assert explanation(FileNotFoundError(2, "No such file or directory", "a.csv")) == "a.csv: No such file or directory"
    assert explanation(OSError("without either")) is None


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), psycopg.ProgrammingError("x")])
def test_a_fault_of_the_program_is_none_of_these(error: Exception) -> None:
    assert explanation(error) is None
