"""How commands print what they found: a line for each, or JSON."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_one(value: T, as_json: bool, line: Callable[[T], str]) -> None:
    """One value, as JSON or by its line."""
    print_json(value) if as_json else click.echo(line(value))


def print_all(values: Sequence[T], as_json: bool, line: Callable[[T], str]) -> None:
    """All values, as one JSON array or a line each."""
    if as_json:
        print_json(values)
        return
    for value in values:
        click.echo(line(value))


def print_json(value: Any) -> None:
    """A value as JSON, on one line."""
    click.echo(msgspec.json.encode(value).decode())
