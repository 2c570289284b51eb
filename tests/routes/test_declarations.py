"""What is declared of a route is true: its problems exist, its examples fit, and it is served as it is declared."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema_rs import validator_for

from lingdang.errors import KINDS
from lingdang.http.document import document
from lingdang.http.document.operations import path_of
from lingdang.http.route import AnyRoute
from lingdang.identity.api_keys import SCOPES
from lingdang.keys import Keyring
from lingdang.routes.examples.events import HOOKS
from lingdang.watch import Watch
from support.declared import declared, refuses_as_declared
from support.described import responses_of
from support.shop import open_shop

DECLARED = declared()
NAMES = [f"{method} {path}" for method, path in DECLARED]
DOCUMENTED = [route for route in DECLARED.values() if route.documented]
PLACES = {
    "product_id": "book-1",
    "order_id": "0199aaaa-0000-7000-8000-000000000001",
    "cust_id": "ann",
    "coupon_id": "autumn",
    "endpoint_id": "library",
    "topup_id": "0199aaaa-0000-7000-8000-000000000002",
    "package_id": "six",
    "refund_id": "r-1",
    "provider": "sandbox",
    "_": "1",
    "path:path": "nothing.js",
}


@pytest.mark.parametrize("route", DECLARED.values(), ids=NAMES)
def test_every_problem_is_one_that_exists(route: AnyRoute) -> None:
    assert set(route.all_problems) <= set(KINDS)
    assert len(set(route.problems)) == len(route.problems)
    if route.who.proof == "key":
        assert route.who.scope in SCOPES


@pytest.mark.parametrize("route", DOCUMENTED, ids=[f"{route.method} {route.path}" for route in DOCUMENTED])
def test_an_example_is_of_the_declared_type(route: AnyRoute) -> None:
    if route.answer is type(None):
        assert route.example is None
        return
    assert route.example is not None, "each answer has an example"
    sent = msgspec.json.encode(route.example)
    assert msgspec.json.decode(sent, type=route.answer) == route.example


def _examples(described: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each schema of an answer with each of its examples."""
    for item in described["paths"].values():
        for operation in item.values():
            for response in responses_of(described, operation).values():
                for content in response.get("content", {}).values():
                    for example in content.get("examples", {}).values():
                        yield content["schema"], example["value"]
                    if "example" in content:
                        yield content["schema"], content["example"]


def test_every_example_fits_its_schema_in_the_document() -> None:
    described = document(DECLARED.values(), HOOKS)
    examples = list(_examples(described))
    assert len(examples) > 200
    for schema, example in examples:
        validator_for({**schema, "components": described["components"]}).validate(example)


def test_every_answer_and_every_refusal_has_an_example() -> None:
    described = document(DECLARED.values(), HOOKS)
    for path, item in described["paths"].items():
        for method, operation in item.items():
            for status, response in responses_of(described, operation).items():
                for content in response.get("content", {}).values():
                    assert {"example", "examples"} & set(content), (method, path, status)


async def test_what_is_declared_is_served_and_nothing_else(database_url: str, keyring: Keyring) -> None:
    """Each address comes to the very route that declares it; the demo's are served in the demo."""
    seen: list[tuple[str, str]] = []
    watch = Watch(request=lambda method, route, _status, _seconds: seen.append((method, route)))
    async with open_shop(database_url, keyring, watch, demo=True) as shop:
        for method, path in DECLARED:
            await shop.http.request(method, re.sub(r"\{([\w:]+)\}", lambda part: PLACES[part[1]], path))
        described = (await shop.http.get("/openapi.json")).json()["paths"]
        unknown = await shop.http.get("/v1/nothing")
    assert set(seen[: len(DECLARED)]) == _as_counted()
    documented = {(route.method, path_of(route)) for route in DECLARED.values() if route.documented}
    assert {(method.upper(), path) for path, item in described.items() for method in item} == documented
    assert unknown.status_code == 404


def _as_counted() -> set[tuple[str, str]]:
    """The declarations as requests are counted: the framework shows no type of a part."""
    return {(method, path.replace("{path:path}", "{path}")) for method, path in DECLARED}


async def test_a_problem_that_is_not_declared_fails_every_test() -> None:
    """The hook of the tests' own client sees it."""
    request = httpx.Request("POST", "http://shop/v1/payments")
    for code, declares in (("token_expired", True), ("cart_full", False)):
        answer = httpx.Response(
            409, headers={"content-type": "application/problem+json"}, json={"code": code}, request=request
        )
        with nullcontext() if declares else pytest.raises(AssertionError, match="does not declare cart_full"):
            await refuses_as_declared(answer)
