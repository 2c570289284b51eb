"""What the shop itself sends: the document's `webhooks`, one for each type."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lingdang.http.document.schemas import REF, Json, name_of

TAG = "events"


class Hook(NamedTuple):
    """A type of what is sent: what it is about, the type of the whole (`event`) and of what it tells, an example."""

    name: str
    summary: str
    event: type
    data: type
    example: Json


def webhooks(hooks: Iterable[Hook], schema_of: Mapping[Any, Json]) -> Json:
    """The hooks as the document has them."""
    return {hook.name: {"post": _operation(hook, schema_of)} for hook in hooks}


def _operation(hook: Hook, schema_of: Mapping[Any, Json]) -> Json:
    told = {"type": {"const": hook.name}, "data": schema_of[hook.data]}
    whole = {"allOf": [{"$ref": REF.format(name=name_of(schema_of[hook.event]))}, {"properties": told}]}
    return {
        "operationId": f"on{''.join(map(str.title, hook.name.replace('_', '.').split('.')))}",
        "summary": hook.summary,
        "description": "The same in the feed, `GET /v1/admin/events`. Of a thin delivery `data` is left out.",
        "tags": [TAG],
        "security": [],
        "requestBody": {
            "description": "The event.",
            "required": True,
            "content": {"application/json": {"schema": whole, "example": hook.example}},
        },
        "responses": {"2XX": {"description": "It was taken. Any other answer, or none, has it sent again."}},
    }
