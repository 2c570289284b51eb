"""What follows from a route's declaration."""

from typing import Any

import msgspec
import pytest

from lingdang.http.route import ANYONE, Asked, Caller, Nothing, Route, text_of


class Body(msgspec.Struct, frozen=True):
    """Anything."""


def route(**fields: Any) -> Route[Any, Any, Any, Any]:
    declared: dict[str, Any] = {"who": ANYONE, "answer": str} | fields
    return Route(name="show", method="GET", path="/v1/x", summary="Shown", tag="t", **declared)


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({}, {200: "Shown"}),
        ({"answer": type(None)}, {204: "Shown"}),
        ({"statuses": {201: "New", 200: "There"}}, {201: "New", 200: "There"}),
    ],
)
def test_answers(fields: dict[str, Any], answers: dict[int, str]) -> None:
    assert list(route(**fields).answers.items()) == list(answers.items())


def test_problems_follow_from_the_caller_the_body_and_the_key() -> None:
    always = ("invalid_request", "overloaded", "internal_error")
    assert route().all_problems == always
    assert set(route(body=Body).all_problems) - set(always) == {"body_too_large"}
    assert set(route(keyed=True).all_problems) - set(always) == {"idempotency_mismatch", "rate_limited"}
    caller: Caller[str] = Caller("session", ("unauthenticated",))
    problems = route(who=caller, problems=("not_found", "overloaded")).all_problems
    assert problems == ("invalid_request", "unauthenticated", "overloaded", "internal_error", "not_found")


def test_a_header_is_text_or_absent() -> None:
    headers = {b"x-a": b"caf\xe9", b"x-b": b""}
    asked: Asked[None, Nothing, Nothing] = Asked(None, Nothing(), Nothing(), None, headers, "")  # type: ignore[arg-type]
    assert [asked.header(name) for name in (b"x-a", b"x-b", b"x-c")] == ["café", "", None]
    assert text_of({}, b"x-a") is None
