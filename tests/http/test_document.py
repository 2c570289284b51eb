"""The OpenAPI document: valid 3.1, complete, and about what is really answered."""

from typing import Any

import pytest
from jsonschema_rs import validator_for

from lingdang.errors import KINDS
from support.buyer import buyer
from support.described import responses_of
from support.people import api_key
from support.shop import Shop

PATTERN_OF_PYTHON = r"\Z"


@pytest.fixture
async def document(shop: Shop) -> dict[str, Any]:
    """The document as served."""
    answer = await shop.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/")
    assert PATTERN_OF_PYTHON not in answer.text
    result: dict[str, Any] = answer.json()
    return result


async def test_every_step_of_the_flow_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    described = {
        (method, path) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    assert {
        ("put", "/v1/cart/items/{productId}"),
        ("delete", "/v1/cart/items/{productId}"),
        ("post", "/v1/checkout"),
        ("post", "/v1/payments"),
        ("get", "/v1/entitlements"),
        ("get", "/v1/vouchers"),
        ("post", "/v1/vouchers/claim"),
        ("put", "/v1/admin/coupons/{couponId}"),
        ("get", "/v1/admin/coupons/{couponId}"),
        ("get", "/v1/admin/coupons"),
        ("post", "/v1/admin/coupons/{couponId}/grants"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    } <= described
    identifiers = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(set(identifiers)) == len(identifiers)


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    there = {f"#/components/{kind}/{name}" for kind, parts in document["components"].items() for name in parts}
    assert set(_references(document)) <= there


async def test_a_refusal_is_a_problem_of_its_declared_codes(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in responses_of(document, operation).items():
                if status.startswith(("4", "5")):
                    assert list(response["content"]) == ["application/problem+json"]
    declared = responses_of(document, document["paths"]["/v1/payments"]["post"])
    codes = {
        code: status
        for status, response in declared.items()
        if status.startswith(("4", "5"))
        for code in response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }
    assert codes.items() <= {code: str(kind.status) for code, kind in KINDS.items()}.items()
    assert {"sign_invalid", "token_expired", "insufficient_bells", "overloaded"} <= set(codes)


async def test_what_is_answered_conforms(shop: Shop, document: dict[str, Any]) -> None:
    ann = buyer(shop)
    refused = await shop.http.post("/v1/payments", json={}, headers=ann.headers)
    unknown = await shop.http.put("/v1/cart/items/absent", headers=ann.headers)
    key = await api_key(shop)
    nobody = await shop.http.get("/v1/admin/orders", params={"custId": "nobody"}, headers=key)
    assert nobody.status_code == 404
    for answer, path, method in (
        (refused, "/v1/payments", "post"),
        (unknown, "/v1/cart/items/{productId}", "put"),
        (nobody, "/v1/admin/orders", "get"),
        (await ann.get("/v1/cart"), "/v1/cart", "get"),
        (await shop.http.get("/healthz"), "/healthz", "get"),
    ):
        declared = document["paths"][path][method]["responses"][str(answer.status_code)]
        schema = declared["content"][answer.headers["content-type"].split(";")[0]]["schema"]
        validator_for({**schema, "components": document["components"]}).validate(answer.json())


async def test_other_methods_are_refused_with_those_that_are_allowed(shop: Shop) -> None:
    for path, allowed in (("/v1/payments", "POST"), ("/v1/checkout", "POST"), ("/v1/products/b-1", "GET")):
        answer = await shop.http.request("TRACE", path)
        assert answer.status_code == 405
        assert answer.json()["code"] == "method_not_allowed"
        assert allowed in answer.headers["allow"]


async def test_there_are_no_documentation_pages(shop: Shop) -> None:
    for path in ("/schema", "/schema/openapi.json", "/schema/swagger", "/openapi.json/x"):
        assert (await shop.http.get(path)).status_code == 404


def _references(part: Any) -> list[str]:
    members = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    own = [part["$ref"]] if isinstance(part, dict) and isinstance(part.get("$ref"), str) else []
    return own + [reference for member in members for reference in _references(member)]
