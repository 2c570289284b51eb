"""docs/security.md and docs/asvs.md name tests and documents that exist, and the ASVS table is whole and honest."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from support.pages import headings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAMED = re.compile(r"`((?:tests|sdk)/[\w./-]+\.py)::([\w:]+)`")
LINKED = re.compile(r"\]\(([\w./-]+\.md)(?:#([\w-]+))?\)")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+) \|$", re.MULTILINE)
STATUSES = ("held by", "documented", "by construction", "operator", "does not apply", "not met")
STATUS = re.compile(rf"({'|'.join(STATUSES)})(:|(?<=by)) \S")

BY_CHAPTER = [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7]
"""Requirements of levels 1 and 2 in each chapter of ASVS 5.0.0."""


@cache
def _tests_in(path: Path) -> frozenset[str]:
    """The tests of a file, those of a class as `Class::test`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return frozenset(name for name in found if name.split("::")[-1].startswith("test_"))


def missing_tests(text: str) -> list[str]:
    """Every named test that is not there."""
    named = NAMED.findall(text)
    return [f"{path}::{test}" for path, test in named if not _has(ROOT / path, test)]


def _has(path: Path, test: str) -> bool:
    return path.exists() and test in _tests_in(path)


@pytest.mark.parametrize(
    "name",
    [
        "docs/security.md",
        "docs/asvs.md",
        "SECURITY.md",
        *(f"docs/runbooks/{n}.md" for n in ("key-leak", "key-rotation", "recovery")),
    ],
)
def test_every_test_and_document_that_is_named_exists(name: str) -> None:
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    assert missing_tests(text) == []
    # Nothing that looks like a test escapes the check by being written otherwise.
    assert len(re.findall(r"\.py::", text)) == len(NAMED.findall(text))
    for target, anchor in LINKED.findall(text):
        linked = path.parent / target
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_a_test_that_is_not_there_is_found() -> None:
    here = "tests/security/test_security_docs.py"
    assert missing_tests(f"`{here}::test_a_test_that_is_not_there_is_found`") == []
    assert missing_tests(f"`{here}::test_nothing` `tests/no.py::test_x`") == [
        f"{here}::test_nothing",
        "tests/no.py::test_x",
    ]


def test_the_asvs_table_is_whole() -> None:
    """All requirements of levels 1 and 2 of ASVS 5.0.0: their numbers by chapter, each once, each with a status."""
    text = (DOCS / "asvs.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    ids = [row[0] for row in rows]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids, key=lambda one: [int(part) for part in one.split(".")])
    assert [sum(row[1] == level for row in rows) for level in "12"] == [70, 183]
    by_chapter = [sum(one.startswith(f"{chapter}.") for one in ids) for chapter in range(1, 18)]
    assert by_chapter == BY_CHAPTER
    assert [row[0] for row in rows if not STATUS.match(row[3])] == []
    assert [row[0] for row in rows if row[3].startswith("held by") and not NAMED.search(row[3])] == []
    counted = re.findall(rf"^\| ({'|'.join(STATUSES)}) \| .+ \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert [(name, int(one), int(two)) for name, one, two in counted] == [
        (name, *(sum(row[1] == level and row[3].startswith(name) for row in rows) for level in "12"))
        for name in STATUSES
    ]
