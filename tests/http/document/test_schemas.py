"""Schemas in the document: names that a client can use, references that follow them, bodies that are closed."""

from typing import Any

import pytest

from lingdang.http.document.schemas import (
    close_bodies,
    explain,
    name_of,
    named,
    objects_of,
    refer_by_name,
    with_sizes,
    without_python_anchors,
)


def test_a_generic_schema_has_a_name_that_a_type_can_have() -> None:
    schemas = named({"Page_OrderView_": {"type": "object"}, "OrderView": {"type": "object"}})
    assert list(schemas) == ["OrderView", "OrderViewPage"]
    assert schemas["OrderViewPage"]["title"] == "OrderViewPage"


def test_references_and_discriminators_follow_the_names() -> None:
    prefix = "#/components/schemas/"
    part: Any = {
        "items": [{"$ref": f"{prefix}Page_OrderView_"}],
        "discriminator": {"mapping": {"page": f"{prefix}Page_OrderView_"}},
    }
    refer_by_name(part)
    assert name_of(part["items"][0]) == "OrderViewPage"
    assert part["discriminator"]["mapping"]["page"] == f"{prefix}OrderViewPage"
    assert name_of({"type": "string"}) == ""


@pytest.mark.parametrize(("pattern", "written"), [(r"^[a-z]+\Z", "^[a-z]+$"), ("^x$", "^x$")])
def test_patterns_are_ecma_s(pattern: str, written: str) -> None:
    part = {"properties": {"a": {"type": "string", "pattern": pattern}}}
    without_python_anchors(part)
    assert part["properties"]["a"]["pattern"] == written


def test_whole_numbers_have_a_size() -> None:
    part: Any = [{"type": "integer"}, {"type": "integer", "format": "int32"}, {"type": "string"}]
    with_sizes(part)
    assert [each.get("format") for each in part] == ["int64", "int32", None]


def test_a_body_and_what_it_refers_to_are_closed_and_answers_are_not() -> None:
    schemas: Any = {
        "Asked": {"properties": {"line": {"$ref": "#/components/schemas/Line"}}},
        "Line": {"properties": {"a": {"type": "string"}}},
        "Answer": {"properties": {"b": {"type": "string"}}},
    }
    close_bodies([{"$ref": "#/components/schemas/Asked"}], schemas)
    assert [name for name, schema in schemas.items() if schema.get("additionalProperties") is False] == [
        "Asked",
        "Line",
    ]


def test_a_default_of_null_is_no_default_and_fields_are_named_as_on_the_wire() -> None:
    schemas: Any = {
        "Asked": {
            "description": "With a `product_id`.",
            "properties": {"productId": {"type": "string", "default": None}},
        }
    }
    explain(schemas)
    assert schemas["Asked"]["description"] == "With a `productId`."
    field = schemas["Asked"]["properties"]["productId"]
    assert "default" not in field
    assert field["description"]
    assert field["examples"]


def test_every_object_is_found() -> None:
    assert list(objects_of([{"a": {"b": 1}}, [{"c": 2}]])) != []
    assert len(list(objects_of({"a": [{"b": {}}]}))) == 3
