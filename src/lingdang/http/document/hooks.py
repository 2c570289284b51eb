"""What the shop itself sends: the document's `webhooks`, one for each type."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lingdang.http.document.schemas import REF, Json, name_of

TAG = "events"


def _header(name: str, description: str, example: str) -> Json:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


_HEADERS = [
    _header(
        "webhook-id",
        "The message's id: the event's, or of a batch its own. The same when the message is sent again.",
        "evt_5f7c89a15f7c89a15f7c89a15f7c89a1",
    ),
    _header("webhook-timestamp", "When it was sent, in Unix seconds.", "1795430400"),
    _header(
        "webhook-signature",
        "With spaces between, `v1,` and `v1a,` each with a signature in base64: HMAC-SHA256 of the endpoint's secret, "
        "and Ed25519, over `webhook-id.webhook-timestamp.body`. Up to three secrets sign at once.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
]


class Hook(NamedTuple):
    """A type of what is sent: what it is about, the type of the whole (`event`) and of what it tells, an example."""

    name: str
    summary: str
    event: type
    data: type
    example: Json
    in_feed: bool = True


def webhooks(hooks: Iterable[Hook], schema_of: Mapping[Any, Json]) -> Json:
    """The hooks as the document has them."""
    return {hook.name: {"post": _operation(hook, schema_of)} for hook in hooks}


def _operation(hook: Hook, schema_of: Mapping[Any, Json]) -> Json:
    told = {"type": {"const": hook.name}, "data": schema_of[hook.data]}
    any_event = {"$ref": REF.format(name=name_of(schema_of[hook.event]))}
    whole = {"allOf": [any_event, {"properties": told}]}
    batch = {"type": "array", "minItems": 1, "maxItems": 100, "items": any_event}
    in_feed = "The same in the feed, `GET /v1/admin/events`. " if hook.in_feed else "It is no event of the feed. "
    return {
        "operationId": f"on{''.join(map(str.title, hook.name.replace('_', '.').split('.')))}",
        "summary": hook.summary,
        "description": f"{in_feed}Of a thin delivery `data` is left out.",
        "tags": [TAG],
        "security": [],
        "parameters": _HEADERS,
        "requestBody": {
            "description": "The event; to an endpoint with batches a list of events, of this and other types.",
            "required": True,
            "content": {"application/json": {"schema": {"anyOf": [whole, batch]}, "example": hook.example}},
        },
        "responses": {"2XX": {"description": "It was taken. Any other answer, or none, has it sent again."}},
    }
