"""The schemas of bodies and answers as they stand in the document: named, explained, with examples."""

import re
from collections.abc import Iterable
from typing import Any

from lingdang.errors import KINDS
from lingdang.http.document.words import word_of
from lingdang.http.problems import wire_name

Json = dict[str, Any]

REF = "#/components/schemas/{name}"

_GENERIC = re.compile(r"^(\w+?)_(\w+)_$")
_FIELD = re.compile(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`")

PROBLEM: Json = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). Some codes have further members, as their examples show.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "requestId": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": REF.format(name="ProblemError")}},
    },
}
PROBLEM_ERROR: Json = {
    "title": "ProblemError",
    "description": "One place of a request that is wrong.",
    "type": "object",
    "required": ["path", "message"],
    "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
}


def name_of(schema: Json) -> str:
    """The name of the schema that is referred to; empty where it stands in its place."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def named(schemas: Json) -> Json:
    """The schemas by names that a generated client can use for its types: `Page_OrderView_` is `OrderViewPage`."""
    return {_plain(name): {**schema, "title": _plain(name)} for name, schema in sorted(schemas.items())}


def refer_by_name(part: Any) -> None:
    """Let every reference name its schema as `named` does."""
    for each in objects_of(part):
        if isinstance(each.get("$ref"), str):
            prefix, slash, name = each["$ref"].rpartition("/")
            each["$ref"] = prefix + slash + _plain(name)
        mapping = (
            each.get("discriminator", {}).get("mapping", {}) if isinstance(each.get("discriminator"), dict) else {}
        )
        for tag, reference in mapping.items():
            prefix, slash, name = reference.rpartition("/")
            mapping[tag] = prefix + slash + _plain(name)


def _plain(name: str) -> str:
    generic = _GENERIC.match(name)
    return generic[2] + generic[1] if generic else name


def explain(schemas: Json) -> None:
    """Give every property its meaning and an example, and let descriptions name fields as they are on the wire."""
    fields = {name for schema in schemas.values() for name in schema.get("properties", ())}
    for title, schema in schemas.items():
        if "description" in schema:
            schema["description"] = _on_the_wire(schema["description"], fields)
        if "properties" in schema:
            schema["properties"] = {n: _explained(title, n, known) for n, known in schema["properties"].items()}


def _on_the_wire(text: str, fields: set[str]) -> str:
    return _FIELD.sub(lambda found: f"`{name if (name := wire_name(found[1])) in fields else found[1]}`", text)


def _explained(schema: str, name: str, known: Json) -> Json:
    word = word_of(schema, name)
    if known.get("default", "") is None:
        # It may be left out, which `required` tells. Generators would take a default for a field that must be there.
        known = {key: value for key, value in known.items() if key != "default"}
    if word is None:
        return known
    said: Json = {} if "enum" in known and name == "kind" else {"description": word.meaning}
    if word.format is not None and "anyOf" in known:
        known = {**known, "anyOf": [_formatted(way, word.format) for way in known["anyOf"]]}
    elif word.format is not None:
        known = _formatted(known, word.format)
    if "enum" in known:
        said["examples"] = [word.example if word.example in known["enum"] else known["enum"][0]]
    elif word.example is not None:
        said["examples"] = [word.example]
    return {**said, **known}


def _formatted(schema: Json, form: str) -> Json:
    return {**schema, "format": form} if schema.get("type") == "string" else schema


def close_bodies(bodies: Iterable[Json], schemas: Json) -> None:
    """No body may have a field that is not described."""
    pending: list[Any] = list(bodies)
    seen: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            name = name_of(part)
            if name in schemas and name not in seen:
                seen.add(name)
                pending.append(schemas[name])
            if "properties" in part:
                part.setdefault("additionalProperties", False)
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def without_python_anchors(part: Any) -> None:
    r"""JSON Schema's patterns are ECMA's, which have no `\Z`; their `$` is the end of the text alone."""
    for each in objects_of(part):
        if isinstance(each.get("pattern"), str):
            each["pattern"] = each["pattern"].replace(r"\Z", "$")


def with_sizes(part: Any) -> None:
    """Whole numbers are of 64 bits, which a generated client has to know."""
    for each in objects_of(part):
        if each.get("type") == "integer":
            each.setdefault("format", "int64")


def objects_of(part: Any) -> Iterable[Json]:
    """Every object within, itself too."""
    pending = [part]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            yield each
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
