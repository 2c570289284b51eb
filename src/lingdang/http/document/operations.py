"""One operation of the document, from the route that declares it."""

import re
from typing import Any

import msgspec

from lingdang.http.document.headers import answer_headers, asked_headers
from lingdang.http.document.refusals import refusals
from lingdang.http.document.schemas import Json, name_of
from lingdang.http.document.words import word_of
from lingdang.http.problems import wire_name
from lingdang.http.route import AnyRoute, Nothing

Schemas = dict[Any, Json]
"""Of types, by the type."""

_PART = re.compile(r"\{(\w+)\}")


def path_of(route: AnyRoute) -> str:
    """The path with its parameters as they are called on the wire."""
    return _PART.sub(lambda part: f"{{{wire_name(part[1])}}}", route.path)


def operation(route: AnyRoute, schema_of: Schemas, schemas: Json) -> Json:
    """What the document says of a route."""
    described: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag],
        "security": _security(route),
        "parameters": [*_parameters(route, schemas.get(name_of(schema_of[route.params]), {})), *asked_headers(route)],
        "responses": {**_answers(route, schema_of), **refusals(route)},
    }
    if route.body is bytes:
        described["requestBody"] = {
            "description": "As its sender writes it.",
            "required": True,
            "content": {"*/*": {"schema": {"type": "string"}, "example": "…"}},
        }
    elif route.body is not Nothing:
        content = {"schema": schema_of[route.body], "example": _given(route.body_example)}
        described["requestBody"] = {
            "description": "What is asked for. It may be left out." if route.optional_body else "What is asked for.",
            "required": not route.optional_body,
            "content": {"application/json": content},
        }
    return described


def _given(body: Any) -> Any:
    """An example of a body, without the fields that are as if they were left out."""
    fields = msgspec.structs.fields(body)
    left_out = {field.encode_name for field in fields if getattr(body, field.name) == field.default}
    return {name: value for name, value in msgspec.to_builtins(body).items() if name not in left_out}


def _parameters(route: AnyRoute, schema: Json) -> list[Json]:
    """Those of the path, then those of the query, as the Struct of the parameters has them."""
    in_path = {wire_name(name) for name in _PART.findall(route.path)}
    parameters = [
        _parameter(name, known, in_path=name in in_path, required=name in schema.get("required", ()))
        for name, known in schema.get("properties", {}).items()
    ]
    return sorted(parameters, key=lambda parameter: str(parameter["in"]))


def _parameter(name: str, known: Json, *, in_path: bool, required: bool) -> Json:
    word = word_of("", name)
    said = {key: value for key, value in known.items() if key != "description"}
    parameter: Json = {
        "name": name,
        "in": "path" if in_path else "query",
        "required": required,
        "description": known.get("description") or (word.meaning if word else ""),
        "schema": _without_null(said),
    }
    if word is None:
        return parameter
    known_values = parameter["schema"].get("enum", [word.example])
    return {**parameter, "example": _of_query(word.example if word.example in known_values else known_values[0])}


def _of_query(example: Any) -> Any:
    """A list stands in a query as a text."""
    return ",".join(example) if isinstance(example, list) else example


def _without_null(schema: Json) -> Json:
    """A parameter is there or not; it is never null."""
    if schema.get("default", "") is None:
        schema = {name: value for name, value in schema.items() if name != "default"}
    others = [way for way in schema.get("anyOf", ()) if way != {"type": "null"}]
    return {**others[0], **{name: value for name, value in schema.items() if name != "anyOf"}} if others else schema


def _security(route: AnyRoute) -> list[Json]:
    """An operator's entry names the scope; who signs in with a password proves it by the body."""
    by_proof: dict[str, list[Json]] = {
        "none": [],
        "session": [{"session": []}],
        "session or link": [{"session": []}, {"link": []}],
        "session or none": [{}, {"session": []}],
        "platform token": [{}, {"platformToken": []}],
        "key": [{"apiKey": [route.who.scope]}],
    }
    return by_proof[route.who.proof]


def _answers(route: AnyRoute, schema_of: Schemas) -> Json:
    names = (*route.headers, *(("Idempotent-Replayed",) if route.keyed else ()))
    return {
        str(status): {
            "description": meaning,
            "headers": answer_headers(names),
            **(_content(route, schema_of) if route.answer is not type(None) and status != _UNCHANGED else {}),
        }
        for status, meaning in route.answers.items()
    }


_UNCHANGED = 304


def _content(route: AnyRoute, schema_of: Schemas) -> Json:
    example = msgspec.to_builtins(route.example)
    return {"content": {route.media_type: {"schema": schema_of[route.answer], "example": example}}}
