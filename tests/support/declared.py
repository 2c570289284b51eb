"""What the modules of lingdang.routes declare, and whether a refusal is one of that."""

import re

import httpx

from tools.document import declared

__all__ = ["declared", "refuses_as_declared"]

_DECLARED = [
    (route.method, re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(route.path))), route)
    for route in sorted(declared().values(), key=lambda route: route.path.count("{"))
]


async def refuses_as_declared(response: httpx.Response) -> None:
    """A hook of a client: each problem that a route answers is one that it declares."""
    if response.headers.get("content-type") != "application/problem+json" or response.request.method == "HEAD":
        return
    await response.aread()
    request, code = response.request, response.json()["code"]
    for method, path, route in _DECLARED:
        if method == request.method and path.fullmatch(request.url.path):
            assert code in route.all_problems, f"{method} {route.path} does not declare {code}"
            return
