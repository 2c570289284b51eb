"""The clients know every type of event with every member that the shop tells."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from lingdang.events.kinds import TYPES
from lingdang.events.webhooks.messages import TEST
from lingdang.events.webhooks.messages import test_message as trial
from lingdang_client.events import TYPES as KNOWN
from lingdang_client.events import EndpointTest, Told

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
    """Beside those of the feed there is the one of an operator's trial."""
    assert KNOWN.keys() == set(re.findall(r'Told<"([\w.]+)"', DECLARED)) == {*TYPES, TEST}


def test_an_operators_trial_is_read() -> None:
    body = trial("library", "msg_1", datetime.now(UTC), batched=False).body
    assert msgspec.json.decode(body, type=Told).read().data == EndpointTest(endpoint_id="library")
