"""The client knows the contract alone: it can be installed where no server is."""

import ast
import sys
from pathlib import Path

import lingdang_client

DEPENDENCIES = {"cryptography", "httpx", "msgspec"}


def imported(source: Path) -> set[str]:
    """The top-level packages that a module imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add((node.module or "").split(".")[0])
    return found


def test_it_imports_nothing_but_its_dependencies() -> None:
    sources = list(Path(lingdang_client.__file__).parent.glob("*.py"))
    packages = set[str]().union(*map(imported, sources)) - sys.stdlib_module_names
    assert packages == DEPENDENCIES | {"lingdang_client"}
