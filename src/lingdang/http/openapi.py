"""GET /openapi.json: the framework's document with the hot routes, the problems and who may call added."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from litestar import Request
from litestar.enums import OpenAPIMediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin

from lingdang import __version__
from lingdang.errors import KINDS
from lingdang.http.document import described
from lingdang.http.paging import DEFAULT_LIMIT, MAX_LIMIT
from lingdang.http.problems import MEDIA_TYPE
from lingdang.http.route import AnyRoute
from lingdang.ids import CUST_ID_PATTERN, ID_PATTERN

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_METHODS = ("get", "put", "post", "delete", "patch")

_ID: Json = {"type": "string", "pattern": ID_PATTERN}
_CUST_ID: Json = {"type": "string", "pattern": CUST_ID_PATTERN}
_PARAMETERS: Json = {
    "product_id": _ID,
    "cust_id": _CUST_ID,
    "custId": _CUST_ID,
    "coupon_id": _ID,
    "voucher_id": _ID,
    "productId": _ID,
    "currency": {"type": "string", "pattern": r"^[A-Z][A-Z0-9_]{0,15}$", "default": "BELL"},
    "from": {"type": "string", "description": "A day or a moment, 2026-11-23 or 2026-11-23T08:00:00Z."},
    "to": {"type": "string", "description": "The day or moment before which it ends; now unless told."},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "cursor": {"type": "string", "description": "The nextCursor of the page before."},
}

_PUBLIC = ("/healthz", "/readyz", "/metrics", "/.well-known/")
_OPERATORS = "/v1/admin/"
_OF_A_CUSTOMER = "/v1/admin/orders"
"""Its query names one, who may be unknown."""
_SIGN_IN = "/v1/sessions"
_KEYED = {(_SIGN_IN, "post"), ("/v1/checkout", "post"), ("/v1/vouchers/claim", "post")}
_KEY = r"^[!-~]{1,64}$"


def openapi_config(declared: Sequence[AnyRoute]) -> OpenAPIConfig:
    """The document at exactly /openapi.json, and no page that shows it."""
    return OpenAPIConfig(
        title="Lingdang",
        version=__version__,
        description="Cart, checkout, signed payment and entitlements for a virtual currency.",
        path="/openapi.json",
        render_plugins=[_Document(declared)],
        use_handler_docstrings=True,
    )


class _Document(OpenAPIRenderPlugin):
    """Renders the finished document, made at the first request."""

    def __init__(self, declared: Sequence[AnyRoute]) -> None:
        super().__init__(path="/", media_type=OpenAPIMediaType.OPENAPI_JSON)
        self._declared = declared
        self._bytes: bytes | None = None

    def render(self, _request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        if self._bytes is None:
            self._bytes = json.dumps(complete(openapi_schema, self._declared), ensure_ascii=False).encode()
        return self._bytes


def complete(document: Json, declared: Sequence[AnyRoute]) -> Json:
    """The framework's document as plain JSON with everything that it does not know."""
    result: Json = json.loads(json.dumps(document, default=str))
    schemas: Json = result.setdefault("components", {}).setdefault("schemas", {})
    for path, method, operation in _operations(result):
        _replace_refusals(operation, _framework_codes(path, method))
        _narrow_parameters(operation)
        _close_bodies(operation, schemas)
    for path, method, operation in _operations(result):
        _say_who(path, method, operation)
    paths, more = described(declared)
    for path, item in paths.items():
        result["paths"].setdefault(path, {}).update(item)
    schemas.update(more)
    schemas["Problem"] = _PROBLEM
    result["components"]["securitySchemes"] = _SECURITY
    result["openapi"] = "3.1.0"
    _without_python_anchors(result)
    return result


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _replace_refusals(operation: Json, codes: frozenset[str]) -> None:
    """Every refusal is a problem: the framework's own idea of a 400 is not what is answered."""
    responses: Json = operation["responses"]
    for refusal in [name for name in responses if name.startswith(("4", "5"))]:
        del responses[refusal]
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, names in sorted(by_status.items()):
        schema = {"allOf": [{"$ref": _REF.format(name="Problem")}, {"properties": {"code": {"enum": names}}}]}
        response: Json = {
            "description": "; ".join(KINDS[name].title for name in names),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        if status in (429, 503):
            response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
        responses[str(status)] = response


def _framework_codes(path: str, method: str) -> frozenset[str]:
    """Every code of the statuses that such a route may answer; only hot routes name their codes one by one."""
    statuses = {400, 405, 500, 503}
    if not path.startswith(_PUBLIC):
        statuses |= {401, 403, 429}
    if "{" in path or path == _OF_A_CUSTOMER:
        statuses |= {404}
    if method != "get":
        statuses |= {404, 409, 413, 422}
    return frozenset(code for code, kind in KINDS.items() if kind.status in statuses)


def _say_who(path: str, method: str, operation: Json) -> None:
    parameters: list[Json] = operation.setdefault("parameters", [])
    parameters.append(_header("X-Request-Id", "Echoed when it is 1 to 64 visible characters; else made."))
    parameters.append(_header("Accept-Language", "The language of a problem's sentences: `zh-CN` or `en`."))
    if (path, method) in _KEYED:
        parameters.append(_header("Idempotency-Key", "The same key and body: the first answer again.", _KEY))
    if path == _SIGN_IN and method == "post":
        operation["security"] = [{}, {"platformToken": []}]
    elif path.startswith(_OPERATORS):
        operation["security"] = [{"apiKey": []}]
    elif not path.startswith(_PUBLIC):
        operation["security"] = [{"session": []}]
        parameters.append(_header("X-Cust-Id", "The session's owner.", _CUST_ID["pattern"], required=True))


def _header(name: str, description: str, pattern: str | None = None, *, required: bool = False) -> Json:
    schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _narrow_parameters(operation: Json) -> None:
    """What the handlers check of ids and pages themselves, and the framework therefore does not know."""
    for parameter in operation.get("parameters", ()):
        known = _PARAMETERS.get(parameter["name"])
        if known is not None:
            parameter["schema"] = known


def _close_bodies(operation: Json, schemas: Json) -> None:
    """No body may have a field that is not described."""
    pending = [operation.get("requestBody", {})]
    seen: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in seen:
                seen.add(name)
                pending.append(schemas[name])
            if "properties" in part:
                part.setdefault("additionalProperties", False)
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _without_python_anchors(part: Any) -> None:
    r"""JSON Schema's patterns are ECMA's, which have no `\Z`; their `$` is the end of the text alone."""
    if isinstance(part, dict):
        pattern = part.get("pattern")
        if isinstance(pattern, str):
            part["pattern"] = pattern.replace(r"\Z", "$")
    for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _without_python_anchors(member)


_PROBLEM: Json = {
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

_SECURITY: Json = {
    "session": {"type": "http", "scheme": "bearer", "description": "The sessionToken of POST /v1/sessions."},
    "platformToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The platform's own."},
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An operator's key, `ld_…`."},
}
