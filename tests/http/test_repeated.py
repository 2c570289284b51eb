"""What may stand in a request once: a second value is refused by name, and what may be a list is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.http.repeated import ONCE, asked_twice, given_twice


def place(problem: Problem | None) -> str | None:
    return None if problem is None else problem.members["errors"][0]["path"]


@pytest.mark.parametrize("name", sorted(ONCE))
def test_a_header_of_one_value_is_given_once(name: bytes) -> None:
    assert given_twice([(name, b"a"), (b"accept", b"b"), (b"accept", b"c")]) is None
    assert place(given_twice([(name, b"a"), (b"accept", b"b"), (name, b"a")])) == name.decode().title()


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        (b"", None),
        (b"a=1", None),
        (b"a=1&b=1", None),
        (b"a=1&a=1", "$.a"),
        (b"a=1&b=&%61=2", "$.a"),
        (b"a&a", "$.a"),
        (b"a=1&A=1", None),
        (b"&&", None),
        (b"%ff=1&%ff=2", "$.\ufffd"),
        (b"x" * 99 + b"&" + b"x" * 99, "$." + "x" * 64),
        (b"&".join(b"p%d=1" % n for n in range(50)), None),
        (b"&".join(b"p%d=1" % n for n in range(51)), "$"),
    ],
)
def test_a_parameter_is_given_once(query: bytes, wrong: str | None) -> None:
    assert place(asked_twice("/v1/products", query)) == wrong


def test_beside_the_api_nobody_asks() -> None:
    assert asked_twice("/static/app.js", b"a=1&a=2") is None


@given(st.binary(max_size=40))
def test_any_query_is_looked_through(query: bytes) -> None:
    problem = asked_twice("/v1/products", query)
    assert problem is None or problem.code == "invalid_request"
