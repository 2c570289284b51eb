"""What the modules of lingdang.routes declare."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

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
