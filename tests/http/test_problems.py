"""Problems as they are sent: in the reader's language, a field called as its sender calls it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lingdang.errors import Problem, invalid_field
from lingdang.http.document import document
from lingdang.http.idempotency import KEY_PATTERN
from lingdang.http.problems import in_other_words, invalid, language, problem_body
from lingdang.ids import RULES
from lingdang.routes.examples.events import HOOKS
from support.declared import declared
from support.shop import Shop


async def test_unknown_address_is_a_problem(shop: Shop) -> None:
    answer = await shop.http.get("/v1/nothing", headers={"X-Request-Id": "r-1", "Accept-Language": "zh-CN"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["title"] == "未找到"
    assert answer.json()["requestId"] == answer.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize(
    ("field", "path"),
    [("code", "$.code"), ("expires_at", "$.expiresAt"), ("definition.valid_from", "$.definition.validFrom")],
)
def test_a_field_has_its_name_on_the_wire(field: str, path: str) -> None:
    body = json.loads(problem_body(invalid_field(field, "It is in the past"), "r-1", None))
    assert body["errors"] == [{"path": path, "message": "It is in the past"}]


def test_a_place_of_the_request_stands_as_it_is() -> None:
    body = json.loads(problem_body(invalid("Idempotency-Key", "Expected a key"), "r-1", "zh"))
    assert body["errors"] == [{"path": "Idempotency-Key", "message": "Expected a key"}]
    assert body["title"] == "请求无效"


@pytest.mark.parametrize(
    ("accept", "spoken"), [(None, "en"), ("zh", "zh-CN"), ("de, en;q=0.1, zh-CN;q=0.2", "zh-CN"), ("zh;q=x", "en")]
)
def test_the_language_that_is_put_first(accept: str | None, spoken: str) -> None:
    assert language(accept) == spoken


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"productIds": ["a", "b"]}, "There are no such products: a, b."),
        ({"custIds": ["ann"]}, "There are no such customers: ann."),
        ({}, "There is no such thing here."),
    ],
)
def test_not_found_names_which_of_many(members: dict[str, list[str]], sentence: str) -> None:
    body = json.loads(problem_body(Problem("not_found", **members), "r-1", None))
    assert body["detail"] == sentence


def test_a_rule_is_told_in_words() -> None:
    patterns = {each["pattern"] for each in _objects(document(declared().values(), HOOKS)) if "pattern" in each}
    told = {pattern.replace(r"\Z", "$") for pattern in RULES} | {KEY_PATTERN.replace(r"\Z", "$")}
    assert len(patterns) > 5
    assert patterns - told == set()
    for pattern, rule in RULES.items():
        assert in_other_words(f"Expected `str` matching regex {pattern!r}") == f"Expected {rule}"


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _objects(member)
