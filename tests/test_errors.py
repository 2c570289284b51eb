"""Refusals in one line, for operators, and what was sent as a sentence quotes it."""

import pytest

from lingdang.errors import Problem, in_one_line, invalid_field, shown


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("wallet_full", limit="balance <= 10"), "wallet_full: The wallet cannot hold so much: balance <= 10."),
        (invalid_field("expires_at", "It is in the past"), "invalid_request: It is in the past"),
        (Problem("not_found"), "not_found: There is no such thing here."),
    ],
)
def test_a_refusal_in_one_line(problem: Problem, line: str) -> None:
    assert in_one_line(problem) == line


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("ten", "'ten'"),
        ("a" * 60, f"'{'a' * 60}'"),
        ("a" * 61, f"'{'a' * 60}…'"),
        ("\x1f" * 60, "'" + ("\\x1f" * 15) + "…'"),
        (5.0, "5.0"),
        ([1] * 100, "[" + "1, " * 20 + "…"),
    ],
)
def test_what_was_sent_is_quoted_in_short(value: object, quoted: str) -> None:
    """Characters are counted as they are written: one that cannot be printed takes several."""
    assert shown(value) == quoted
