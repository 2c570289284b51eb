"""The OpenAPI document, at exactly /openapi.json, with no page that shows it."""

import json
from collections.abc import Iterable
from functools import cache

from lingdang.http.document import document
from lingdang.http.reply import Reply
from lingdang.http.route import ANYONE, AnyRoute, AnyServed, Asked, Route
from lingdang.routes.examples.events import HOOKS

DOCUMENT = Route(
    name="getDocument",
    method="GET",
    path="/openapi.json",
    who=ANYONE,
    summary="This document",
    tag="operations",
    answer=str,
    media_type="application/vnd.oai.openapi+json",
    documented=False,
)


def routes(described: Iterable[AnyRoute]) -> list[AnyServed]:
    """The document of these routes, made at the first request."""

    @cache
    def text() -> bytes:
        return json.dumps(document(described, HOOKS), ensure_ascii=False).encode()

    async def show(_: Asked[None]) -> Reply:
        return Reply(text())

    return [DOCUMENT.by(show)]
