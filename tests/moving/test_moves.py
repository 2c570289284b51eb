"""Moves by name: many may take part in one, and it is undone by one alone."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.deployment import Deployment
from lingdang.errors import CommandError
from lingdang.keys import Keyring
from lingdang.moving import moves
from lingdang.settings import Settings


@pytest.fixture
def sessions(database_url: str) -> Iterator[list[psycopg.Connection[Any]]]:
    with (
        psycopg.connect(database_url, autocommit=True) as one,
        psycopg.connect(database_url, autocommit=True) as two,
    ):
        yield [one, two]


def test_two_take_part_in_one_move_and_nobody_undoes_it_meanwhile(sessions: list[psycopg.Connection[Any]]) -> None:
    one, two = sessions
    for session in sessions:
        moves.join(session, "main")
    moves.begin(one, "main", system_clock())
    with pytest.raises(CommandError, match="under way"):
        moves.take_back(two, "main")


def test_nobody_takes_part_in_a_move_that_is_being_undone(sessions: list[psycopg.Connection[Any]]) -> None:
    one, two = sessions
    moves.begin(one, "main", system_clock())
    moves.take_back(one, "main")
    with pytest.raises(CommandError, match="was undone"):
        moves.join(two, "main")
    moves.join(two, "another")


def test_no_move_begins_while_a_customer_is_renamed(sessions: list[psycopg.Connection[Any]]) -> None:
    renaming, moving = sessions
    moving.execute("SET lock_timeout = '50ms'")
    with renaming.transaction():
        moves.require_none(renaming)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            moves.join(moving, "main")
    moves.join(moving, "main")
    with renaming.transaction(), pytest.raises(CommandError, match="under way"):
        moves.require_none(renaming)


def test_moving_has_sessions_of_its_own(database_url: str, keyring: Keyring) -> None:
    deployment = Deployment(Settings(pgbouncer=True), database_url, keyring, 1)
    with pytest.raises(CommandError, match="PgBouncer"), moves.session(deployment):
        pass
