"""Every module that decides something has a test of its name."""

from pathlib import Path

import pytest

from tools.untested import ROOT, branches, untested

BY_OTHERS = {
    "app.py": "the composition root: every served shop in the tests is made by it",
    "serving/living.py": "what both kinds of processes do, which tests/serving/test_supervisor.py kills and watches",
    "serving/worker.py": "a process, which tests/serving/test_supervisor.py and tests/cli/test_serve.py run",
}
"""Modules without a test of their name, and what proves them instead."""


def test_every_module_with_logic_has_a_test_of_its_name() -> None:
    assert sorted(untested(ROOT / "src" / "lingdang", ROOT / "tests")) == sorted(BY_OTHERS)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("", 0),
        ("if x:\n    import y\n", 0),
        ("def f(a):\n    return a\n", 0),
        ("def f(a):\n    return 1 if a else 2\n", 1),
        ("class A:\n    async def f(self, a):\n        while a and a.b:\n            pass\n", 2),
        ("def f():\n    def g(a):\n        if a:\n            pass\n    return g\n", 1),
        (
            "def f(a):\n    try:\n        a()\n    except A:\n        pass\n    except B:\n        pass\n",
            2,
        ),
        ("def f(a):\n    match a:\n        case 1:\n            pass\n", 1),
    ],
)
def test_branches_of_functions_are_counted_once(source: str, count: int) -> None:
    assert branches(source) == count


def test_a_test_is_found_by_its_name(tmp_path: Path) -> None:
    package, tests = tmp_path / "src", tmp_path / "tests"
    source = "def f(a):\n    if a and a.b:\n        pass\n"
    for name in ("one", "two", "three", "__main__"):
        (package / "room").mkdir(parents=True, exist_ok=True)
        (package / "room" / f"{name}.py").write_text(source)
    (package / "plain.py").write_text("def f(a):\n    return a or 1\n")
    assert list(untested(package, tests)) == ["room/one.py", "room/three.py", "room/two.py"]
    (tests / "room").mkdir(parents=True)
    (tests / "test_three.py").touch()
    (tests / "room" / "test_one.py").touch()
    (tests / "room" / "test_two_at_once.py").touch()
    assert list(untested(package, tests)) == ["room/three.py"]
