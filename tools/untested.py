"""Which modules decide something and have no test of their name: `python -m tools.untested`.

A module `cart/goods.py` is tested by `tests/cart/test_goods.py`, or by several `tests/cart/test_goods_….py`, each
about one side of it.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BRANCHES = (ast.If, ast.IfExp, ast.While, ast.Match, ast.ExceptHandler, ast.BoolOp, ast.Assert)
_FEW = 2
"""A module with fewer branches is seen through by whoever reads it, and is tested through its callers."""


def branches(source: str) -> int:
    """How many places inside the module's functions decide what happens next."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return len({inner for function in functions for inner in ast.walk(function) if isinstance(inner, _BRANCHES)})


def untested(package: Path, tests: Path) -> Iterator[str]:
    """Names of modules below `package`, such as `cart/goods.py`, that have logic and no test named after them."""
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package)
        if "migrations" in module.parts or path.stem.startswith("__") or branches(path.read_text()) < _FEW:
            continue
        beside = tests / module.parent
        if not any(beside.glob(f"test_{module.stem}.py")) and not any(beside.glob(f"test_{module.stem}_*.py")):
            yield module.as_posix()


def main() -> int:
    found = list(untested(ROOT / "src" / "lingdang", ROOT / "tests"))
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
