"""The clients know every type of event with every member that the shop tells."""

import re
from pathlib import Path

import msgspec
import pytest

from lingdang.events.kinds import TYPES
from lingdang_client.events import TYPES as KNOWN

DECLARED = (Path(__file__).parents[2] / "javascript/webhooks/index.d.ts").read_text(encoding="utf-8")


def members(kind: type) -> dict[str, bool]:
    """By their names on the wire, whether they may be left out."""
    return {field.encode_name: not field.required for field in msgspec.structs.fields(kind)}


@pytest.mark.parametrize("name", TYPES)
def test_in_python(name: str) -> None:
    assert members(KNOWN[name]) == members(TYPES[name])


@pytest.mark.parametrize("name", TYPES)
def test_in_javascript(name: str) -> None:
    [told] = re.findall(rf'Told<"{re.escape(name)}", (\w+)>', DECLARED)
    [body] = re.findall(rf"export interface {told} \{{\n(.*?)^\}}", DECLARED, re.MULTILINE | re.DOTALL)
    assert {key: bool(mark) for key, mark in re.findall(r"^  (\w+)(\?)?:", body, re.MULTILINE)} == members(TYPES[name])


def test_no_type_is_made_up() -> None:
    assert KNOWN.keys() == TYPES.keys() == set(re.findall(r'Told<"([\w.]+)"', DECLARED))
