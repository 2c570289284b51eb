"""The pages' JavaScript modules: what each imports is there, and none imports itself by way of others."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from lingdang.web.assets import SDK, STATIC

IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)\"""")
"""Static and dynamic imports, `export … from`, and types named in comments."""


def _imports(module: Path) -> set[Path]:
    named = IMPORT.findall(module.read_text(encoding="utf-8"))
    return {_file(module, name) for name in named if name.startswith((".", "/"))}


def _file(module: Path, name: str) -> Path:
    if name.startswith("/sdk/"):
        return SDK.resolve() / name.removeprefix("/sdk/")
    return (module.parent / name).resolve()


def _graph() -> dict[Path, set[Path]]:
    """Each module with those it imports; what the SDK says of its types stands beside its sources."""
    modules = [*STATIC.resolve().rglob("*.js"), *SDK.resolve().rglob("*.js")]
    return {module: {found for found in _imports(module) if not found.name.endswith(".d.ts")} for module in modules}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = _graph()
    assert len(graph) > 50
    assert graph[STATIC.resolve() / "router.js"] >= {STATIC.resolve() / "pages" / "browse.js"}  # a dynamic one
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("module", sorted(_graph()), ids=lambda module: module.stem)
def test_what_a_module_imports_is_there(module: Path) -> None:
    assert [str(found) for found in _graph()[module] if not found.is_file()] == []
