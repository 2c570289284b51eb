"""The OpenAPI document: every route as it is declared, and nothing else."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lingdang import __version__
from lingdang.errors import KINDS
from lingdang.http.idempotency import KEY_PATTERN
from lingdang.http.problem_examples import problem_example
from lingdang.http.problems import MEDIA_TYPE, wire_name
from lingdang.http.route import AnyRoute, Nothing
from lingdang.ids import CUST_ID_PATTERN

Json = dict[str, Any]
Schemas = dict[Any, Json]
"""Of types, by the type."""

_REF = "#/components/schemas/{name}"
_NAME = re.compile(r"\{(\w+)\}")


def document(routes: Iterable[AnyRoute]) -> Json:
    """The document as plain JSON."""
    paths, schemas = described([route for route in routes if route.documented])
    result: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Lingdang",
            "version": __version__,
            "description": "Cart, checkout, signed payment and entitlements for a virtual currency.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }
    without_python_anchors(result)
    return result


def described(routes: Sequence[AnyRoute]) -> tuple[Json, Json]:
    """The paths with their operations, and the schemas to which these refer."""
    used = dict.fromkeys([part for route in routes for part in (route.answer, route.body, route.params)])
    found, schemas = msgspec.json.schema_components(list(used), ref_template=_REF)
    schema_of: Schemas = dict(zip(used, found, strict=True))
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, schemas)
    in_operations = [_name_of(schema_of[route.params]) for route in routes]
    for name in {*in_operations, _name_of(schema_of.get(Nothing, {}))} - {""}:
        schemas.pop(name, None)
    _close_bodies([schema_of[route.body] for route in routes], schemas)
    schemas["Problem"] = PROBLEM
    return paths, schemas


def _name_of(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _operation(route: AnyRoute, schema_of: Schemas, schemas: Json) -> Json:
    operation: Json = {
        "summary": route.summary,
        "operationId": "".join(part.strip("{}").capitalize() for part in (route.method, *route.path.split("/"))),
        "tags": [route.tag],
        "parameters": [*_parameters(route, schemas.get(_name_of(schema_of[route.params]), {})), *_headers(route)],
        "responses": {**_answers(route, schema_of), **_refusals(route)},
    }
    if route.who.proof != "none":
        operation["security"] = _SECURITY_OF[route.who.proof] or [{"apiKey": [route.who.scope]}]
    if route.body is not Nothing:
        content = {"application/json": {"schema": schema_of[route.body]}}
        operation["requestBody"] = {"required": not route.optional_body, "content": content}
    return operation


def _parameters(route: AnyRoute, schema: Json) -> list[Json]:
    """Those of the path, then those of the query, as the Struct of the parameters has them."""
    in_path = {wire_name(name): name for name in _NAME.findall(route.path)}
    parameters = []
    for name, known in schema.get("properties", {}).items():
        said = {key: value for key, value in known.items() if key != "description"}
        parameters.append(
            {
                "name": in_path.get(name, name),
                "in": "path" if name in in_path else "query",
                "required": name in schema.get("required", ()),
                **({"description": known["description"]} if "description" in known else {}),
                "schema": _without_null(said),
            }
        )
    return sorted(parameters, key=lambda parameter: parameter["in"])


def _without_null(schema: Json) -> Json:
    """A parameter is there or not; it is never null."""
    if schema.get("default", "") is None:
        schema = {name: value for name, value in schema.items() if name != "default"}
    others = [way for way in schema.get("anyOf", ()) if way != {"type": "null"}]
    return {**others[0], **{name: value for name, value in schema.items() if name != "anyOf"}} if others else schema


def _headers(route: AnyRoute) -> list[Json]:
    headers = [
        _header("X-Request-Id", "Echoed when it is 1 to 64 visible characters; else made."),
        _header("Accept-Language", "The language of a problem's sentences: `zh-CN` or `en`."),
    ]
    if route.keyed:
        headers.append(_header("Idempotency-Key", "The same key and body: the first answer again.", KEY_PATTERN))
    if route.who.proof == "session":
        headers.append(_header("X-Cust-Id", "The session's owner.", CUST_ID_PATTERN, required=True))
    return headers


def _header(name: str, description: str, pattern: str | None = None, *, required: bool = False) -> Json:
    schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _answers(route: AnyRoute, schema_of: Schemas) -> Json:
    if route.answer is type(None):
        return {str(status): {"description": meaning} for status, meaning in route.answers.items()}
    content = {
        route.media_type: {
            "schema": schema_of[route.answer],
            "example": msgspec.to_builtins(route.example),
        }
    }
    return {str(status): {"description": meaning, "content": content} for status, meaning in route.answers.items()}


def _refusals(route: AnyRoute) -> Json:
    """The problems by their status, each code with what it answers."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(route.all_problems):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {str(status): _refusal(status, codes, route.who.scope) for status, codes in sorted(by_status.items())}


def _refusal(status: int, codes: list[str], scope: str) -> Json:
    schema = {"allOf": [{"$ref": _REF.format(name="Problem")}, {"properties": {"code": {"enum": codes}}}]}
    examples = {code: {"value": problem_example(code, scope)} for code in codes}
    response: Json = {
        "description": "; ".join(KINDS[code].title for code in codes),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return response


def _close_bodies(bodies: Iterable[Json], schemas: Json) -> None:
    """No body may have a field that is not described."""
    pending: list[Any] = list(bodies)
    seen: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            name = _name_of(part)
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
    if isinstance(part, dict):
        pattern = part.get("pattern")
        if isinstance(pattern, str):
            part["pattern"] = pattern.replace(r"\Z", "$")
    for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        without_python_anchors(member)


PROBLEM: Json = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). A code has further members as the contract's table names them.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "requestId": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

SECURITY: Json = {
    "session": {"type": "http", "scheme": "bearer", "description": "The sessionToken of POST /v1/sessions."},
    "platformToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The platform's own."},
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An operator's key, `ld_…`, with the scope named."},
}

_SECURITY_OF: dict[str, list[Json]] = {
    "session": [{"session": []}],
    "platform token": [{}, {"platformToken": []}],
    "key": [],
}
"""By the proof that a route asks for; a key's entry names the scope."""
