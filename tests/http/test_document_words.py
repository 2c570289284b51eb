"""The OpenAPI document as its readers and their tools need it: explained, named, with examples that fit."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import validator_for
from openapi_spec_validator import OpenAPIV31SpecValidator

from lingdang.http.document import document
from lingdang.routes.examples.events import HOOKS
from support.declared import declared
from support.described import responses_of
from support.pages import ROOT
from tools.node import run

DOCUMENT = document(declared().values(), HOOKS)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
NAMES = [operation["operationId"] for operation in OPERATIONS]
CAMEL = re.compile(r"[a-z]+([A-Z][a-z]+)+")


def fits(schema: dict[str, Any], value: Any) -> None:
    validator_for({**schema, "components": {"schemas": SCHEMAS}}).validate(value)


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for title, schema in SCHEMAS.items():
        for name, known in schema.get("properties", {}).items():
            yield f"{title}.{name}", known


def objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from objects(member)


def refers(schema: dict[str, Any]) -> bool:
    """Whether examples stand in another schema, to which this one refers."""
    return any("$ref" in each for each in objects(schema))


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_names_of_operations_are_verbs_with_objects_each_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert [name for name in NAMES if not CAMEL.fullmatch(name)] == []
    assert {"createSession", "tickCartItem", "createCheckout", "confirmPayment", "checkAccess"} <= set(NAMES)


def test_names_of_schemas_are_words() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch(r"([A-Z][a-z]*)+", name)] == []
    assert [title for title, schema in SCHEMAS.items() if schema["title"] != title] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_an_operation_is_explained(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert [tag for tag in operation["tags"] if tag not in {each["name"] for each in DOCUMENT["tags"]}] == []
    assert "security" in operation
    assert {"405", "408", "431"} <= set(operation["responses"])
    for status, answer in responses_of(DOCUMENT, operation).items():
        assert answer["description"]
        assert "X-Request-Id" in answer["headers"]
        assert ("Retry-After" in answer["headers"]) == (status in ("429", "503"))
        assert ("WWW-Authenticate" in answer["headers"]) == (status == "401")


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_what_an_operation_takes_is_explained_with_examples_that_fit(operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        if "$ref" in parameter:
            continue
        assert parameter["description"], parameter["name"]
        if parameter["example"] is not None:
            fits(parameter["schema"], parameter["example"])
    if "requestBody" in operation:
        [content] = operation["requestBody"]["content"].values()
        fits(content["schema"], content["example"])


@pytest.mark.parametrize(("name", "schema"), list(properties()), ids=[name for name, _ in properties()])
def test_a_field_is_explained_with_an_example_that_fits(name: str, schema: dict[str, Any]) -> None:
    assert schema.get("description") or "enum" in schema, "it has a meaning in lingdang.http.document.words"
    assert refers(schema) or "examples" in schema or _may_be_null(schema), "it has an example there"
    for example in schema.get("examples", ()):
        fits(schema, example)


def _may_be_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def test_every_default_fits() -> None:
    schemas = [each for each in objects(DOCUMENT) if "default" in each and "properties" not in each]
    assert len(schemas) > 15
    for schema in schemas:
        fits(schema, schema["default"])


def test_every_pattern_is_one_of_ecma_script() -> None:
    patterns = sorted({each["pattern"] for each in objects(DOCUMENT) if isinstance(each.get("pattern"), str)})
    assert len(patterns) > 5
    assert [pattern for pattern in patterns if r"\Z" in pattern or r"\A" in pattern or "(?P" in pattern] == []
    done = run(ROOT, "node", "-e", f"for (const p of {json.dumps(patterns)}) new RegExp(p, 'u')")
    assert (done.returncode, done.stderr) == (0, "")


def test_descriptions_name_fields_as_they_are_on_the_wire() -> None:
    fields = {name.partition(".")[2] for name, _ in properties()}
    snakes = {re.sub(r"(?<!^)([A-Z])", r"_\1", field).lower() for field in fields} - fields
    told = {
        word
        for each in objects(DOCUMENT)
        if isinstance(each.get("description"), str)
        for word in re.findall(r"`(\w+)`", each["description"])
    }
    assert told & snakes == set()
