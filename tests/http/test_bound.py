"""A request becomes what its handler is asked, in the one order of checks."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.http.bound import Bound, Gate
from lingdang.http.reply import Reply
from lingdang.http.route import Asked, Caller, Route

WHO: Caller[str] = Caller("session", ("unauthenticated",))
OPERATOR: Caller[str] = Caller("key", ("scope_missing",), "wallets:credit")


class Params(msgspec.Struct, rename="camel"):
    """A part of the path, and a word of the query."""

    product_id: int
    is_new: bool = False


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """How many."""

    count: int


def gate_of(seen: list[Any]) -> Gate:
    """Notes what it is asked; lets in who says so."""

    def session(authorization: str | None, cust_id: str | None, _: datetime) -> str:
        seen.append(("session", authorization, cust_id))
        if authorization is None:
            raise Problem("unauthenticated")
        return f"{cust_id} by {authorization}"

    async def key(authorization: str | None, scope: str) -> str:
        seen.append(("key", authorization, scope))
        return "the key"

    return Gate(session, key, system_clock)


def bound_of(who: Caller[str], seen: list[Any]) -> Bound:
    route = Route(
        name="put",
        method="PUT",
        path="/v1/things/{product_id}",
        who=who,
        summary="",
        tag="",
        params=Params,
        body=Body,
        answer=dict[str, str],
        statuses={201: "new", 200: "there"},
    )

    async def handle(asked: Asked[str, Params, Body]) -> dict[str, str]:
        return {"who": asked.who, "what": f"{asked.body.count} of {asked.params.product_id} {asked.params.is_new}"}

    return Bound(
        route.by(handle, admit=lambda: seen.append("admitted"), refused=lambda code: seen.append(code)), gate_of(seen)
    )


HEADERS = {b"authorization": b"token", b"x-cust-id": b"ann"}


async def test_what_the_handler_is_asked_and_answers() -> None:
    seen: list[Any] = []
    bound = bound_of(WHO, seen)
    asked = bound.asked(HEADERS, b'{"count":2}', bound.texts("/v1/things/7"), "::1", b"isNew=true")
    reply = bound.reply(await bound.handle(asked))
    assert reply == Reply(b'{"who":"ann by token","what":"2 of 7 True"}', 201)
    assert seen == ["admitted", ("session", "token", "ann")]


async def test_an_operators_key_is_asked_for_with_its_scope() -> None:
    seen: list[Any] = []
    bound = bound_of(OPERATOR, seen)
    asked = bound.asked(HEADERS, b'{"count":2}', {"productId": "7"}, "::1")
    assert (await bound.handle(asked))["who"] == "the key"
    assert seen == ["admitted", ("key", "token", "wallets:credit")]


@pytest.mark.parametrize(
    ("raw", "part", "path"),
    [
        (b"", "seven", "$"),
        (b'{"count":"2"}', "seven", "$.count"),
        (b'{"count":2,"more":1}', "seven", "$"),
        (b'{"count":2}', "seven", "$.productId"),
    ],
)
def test_the_body_is_judged_before_the_parameters_and_these_before_the_caller(raw: bytes, part: str, path: str) -> None:
    seen: list[Any] = []
    bound = bound_of(WHO, seen)
    with pytest.raises(Problem) as raised:
        bound.asked({}, raw, {"productId": part}, "::1")
    assert (raised.value.code, raised.value.members["errors"][0]["path"]) == ("invalid_request", path)
    assert seen == []


def test_who_is_refused_is_counted() -> None:
    seen: list[Any] = []
    bound = bound_of(WHO, seen)
    with pytest.raises(Problem, match="unauthenticated"):
        bound.asked({}, b'{"count":2}', {"productId": "7"}, "::1")
    assert seen == ["admitted", ("session", None, None), "unauthenticated"]


LINK: Caller[str | None] = Caller("session or link", ("unauthenticated",))
VISITOR: Caller[str | None] = Caller("session or none", ("unauthenticated",))


class Linked(msgspec.Struct):
    """A link's token."""

    token: str = ""


@pytest.mark.parametrize(
    ("who", "headers", "query", "expected"),
    [
        (LINK, HEADERS, b"", "ann by token"),
        (LINK, HEADERS, b"token=x", None),
        (LINK, {}, b"token=x", None),
        (LINK, {}, b"token=", "unauthenticated"),
        (LINK, HEADERS, b"token=", "ann by token"),
        (LINK, {}, b"", "unauthenticated"),
        (VISITOR, HEADERS, b"", "ann by token"),
        (VISITOR, {b"x-cust-id": b"ann"}, b"", None),
        (VISITOR, {}, b"token=x", None),
    ],
)
def test_who_needs_no_session(
    who: Caller[str | None], headers: dict[bytes, bytes], query: bytes, expected: str | None
) -> None:
    route = Route(
        name="thing",
        method="GET",
        path="/v1/thing",
        who=who,
        summary="",
        tag="",
        params=Linked,
        answer=dict[str, str],
    )

    async def handle(_: Asked[str | None, Linked]) -> dict[str, str]:
        return {}

    bound = Bound(route.by(handle), gate_of([]))
    if expected == "unauthenticated":
        with pytest.raises(Problem, match="unauthenticated"):
            bound.asked(headers, b"", {}, "::1", query)
    else:
        assert bound.asked(headers, b"", {}, "::1", query).who == expected


def test_a_path_matches_with_one_part_at_its_end() -> None:
    bound = bound_of(WHO, [])
    assert bound.matches("/v1/things/7")
    assert not bound.matches("/v1/things/7/more")
    assert not bound.matches("/v1/other/7")
