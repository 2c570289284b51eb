"""What an operator is told of an error: one line."""

import psycopg

from lingdang.db.embedded import EmbeddedError
from lingdang.db.external import ExternalError
from lingdang.db.migrate import NotMigratedError
from lingdang.errors import CommandError, Problem, in_one_line
from lingdang.keys import KeyringError
from lingdang.settings import SettingsError

_EXPLAINED = (CommandError, SettingsError, KeyringError, NotMigratedError, EmbeddedError, ExternalError)


def explanation(error: Exception) -> str | None:
    """The one line that tells an operator what is wrong; None for an error that is a fault of the program."""
    if isinstance(error, _EXPLAINED):
        return str(error)
    if isinstance(error, Problem):
        return in_one_line(error)
    if isinstance(error, psycopg.OperationalError):
        return f"the database cannot be reached: {' '.join(str(error).split())}"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return None
