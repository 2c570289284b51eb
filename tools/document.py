"""`python -m tools.document > openapi.json`: the OpenAPI document of a shop, without a shop."""

import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module

from lingdang import routes
from lingdang.http.document import document
from lingdang.http.route import AnyRoute, Route
from lingdang.routes.examples.events import HOOKS


def declared() -> dict[tuple[str, str], AnyRoute]:
    """Every declaration of the modules of lingdang.routes by method and path, also those that stand in a list."""
    found: dict[tuple[str, str], AnyRoute] = {}
    for module in pkgutil.iter_modules(routes.__path__):
        for value in vars(import_module(f"{routes.__name__}.{module.name}")).values():
            for route in _of(value):
                assert found.setdefault((route.method, route.path), route) is route, "a route is declared once"
    return found


def _of(value: object) -> Iterator[AnyRoute]:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    yield from (member for member in members if isinstance(member, Route))


def text() -> str:
    """The document as JSON."""
    return json.dumps(document(declared().values(), HOOKS), ensure_ascii=False, indent=1)


if __name__ == "__main__":
    print(text())
