"""Refusals in one line, for operators."""

import pytest

from lingdang.errors import Problem, in_one_line, invalid_field


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
