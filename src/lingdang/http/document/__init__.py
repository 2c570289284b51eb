"""The OpenAPI document: every route as it is declared, and nothing else."""

from collections.abc import Iterable, Sequence

import msgspec

from lingdang import __version__
from lingdang.http.document.headers import ANSWERED, header_parameters
from lingdang.http.document.hooks import TAG, Hook, webhooks
from lingdang.http.document.operations import Schemas, operation, path_of
from lingdang.http.document.refusals import common_refusals
from lingdang.http.document.schemas import (
    PROBLEM,
    PROBLEM_ERROR,
    REF,
    Json,
    close_bodies,
    explain,
    name_of,
    named,
    refer_by_name,
    with_sizes,
    without_python_anchors,
)
from lingdang.http.document.tags import GROUPS, TAGS
from lingdang.http.route import AnyRoute, Nothing

__all__ = ["Hook", "document"]

_ABOUT = """\
Cart, checkout, signed payment and entitlements for a virtual currency.

A customer's request carries `Authorization: Bearer <sessionToken>` and `X-Cust-Id`; an operator's carries an API key.
Amounts are whole bells. Times are RFC 3339 in UTC. Lists are read by `limit` and `cursor` until `nextCursor` is null.
A refusal is `application/problem+json` with a stable `code`; its sentences follow `Accept-Language`.
"""


def document(routes: Iterable[AnyRoute], hooks: Sequence[Hook] = ()) -> Json:
    """The document as plain JSON; `hooks` are what the shop itself sends."""
    described = [route for route in routes if route.documented]
    paths, sent, schemas = _described(described, hooks)
    used = {route.tag for route in described} | ({TAG} if hooks else set())
    result: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Lingdang",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The shop that serves this document."}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "x-tagGroups": [
            {"name": group, "tags": [name for name in names if name in used]} for group, names in GROUPS.items()
        ],
        "paths": paths,
        **({"webhooks": sent} if sent else {}),
        "components": {
            "schemas": schemas,
            "parameters": header_parameters(),
            "headers": ANSWERED,
            "responses": common_refusals(),
            "securitySchemes": _SECURITY,
        },
    }
    result = msgspec.json.decode(msgspec.json.encode(result))  # what is told above in several places is one here
    without_python_anchors(result)
    with_sizes(result)
    return result


def _described(routes: Sequence[AnyRoute], hooks: Sequence[Hook]) -> tuple[Json, Json, Json]:
    """The paths with their operations, what is sent, and the schemas to which these refer."""
    used = dict.fromkeys([part for route in routes for part in (route.answer, route.body, route.params)])
    used.update(dict.fromkeys([part for hook in hooks for part in (hook.event, hook.data)]))
    found, schemas = msgspec.json.schema_components(list(used), ref_template=REF)
    schema_of: Schemas = dict(zip(used, found, strict=True))
    paths: Json = {}
    for route in routes:
        paths.setdefault(path_of(route), {})[route.method.lower()] = operation(route, schema_of, schemas)
    in_operations = [name_of(schema_of[route.params]) for route in routes]
    for name in {*in_operations, name_of(schema_of.get(Nothing, {}))} - {""}:
        schemas.pop(name, None)
    close_bodies([schema_of[route.body] for route in routes], schemas)
    components = named({**schemas, "Problem": PROBLEM, "ProblemError": PROBLEM_ERROR})
    explain(components)
    sent = webhooks(hooks, schema_of)
    refer_by_name([paths, sent, components])
    return dict(sorted(paths.items())), sent, components


_SECURITY: Json = {
    "session": {"type": "http", "scheme": "bearer", "description": "The sessionToken of POST /v1/sessions."},
    "platformToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The platform's own."},
    "link": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "A link's token, of POST /v1/entitlements/{productId}/links.",
    },
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An operator's key, `ld_…`, with the scope named."},
}
