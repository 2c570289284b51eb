"""What the modules of lingdang.routes declare."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import httpx

from lingdang import routes
from lingdang.http.route import AnyRoute, Route


def _of(value: object) -> Iterator[AnyRoute]:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    yield from (member for member in members if isinstance(member, Route))


def declared() -> dict[tuple[str, str], AnyRoute]:
    """Every declaration by method and path, also those that stand in a list."""
    found: dict[tuple[str, str], AnyRoute] = {}
    for module in pkgutil.iter_modules(routes.__path__):
        for value in vars(import_module(f"{routes.__name__}.{module.name}")).values():
            for route in _of(value):
                assert found.setdefault((route.method, route.path), route) is route, "a route is declared once"
    return found


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
