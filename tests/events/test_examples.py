"""The examples of events, in the document and on the page that lists them, are what a real shop tells.

`WRITE_EXAMPLES=1 pytest tests/events/test_examples.py` writes them anew.
"""

import json
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from jsonschema_rs import validator_for

from lingdang.clock import system_clock
from lingdang.events import kinds, notices
from lingdang.events.epochs import declare
from lingdang.events.notices import NOBODY, Notice
from lingdang.events.webhooks.messages import TEST
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.routes.examples import events as examples
from support.consumer import read_all
from support.happened import everything
from support.journal import connected, seal_all, sql
from support.pages import ROOT
from support.soon import tell_soon
from tools.document import text

PAGE = ROOT / "docs" / "events.md"
FILE = Path(examples.__file__).with_name("events.json")
_CHANGES = {
    re.compile(r"evt_[0-9a-f]{32}"): lambda number: f"evt_{sha256(str(number).encode()).hexdigest()[:32]}",
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"): (
        lambda number: f"019ab0c5-5800-7000-8000-{number:012}"
    ),
    re.compile(r"[0-9]{15,19}"): lambda number: str(124554051584000000 + number),
    re.compile(r"20[0-9]{2}-[0-9-]+T[0-9:.]+Z"): lambda number: f"2026-12-{number:02}T08:00:00Z",
}
"""What differs from one shop to the next is numbered, in each example from 1: positions and times by their order."""


def plain(event: dict[str, Any]) -> Any:
    """The event with what is everywhere the same."""
    told = json.dumps(event, ensure_ascii=False)
    for pattern, name in _CHANGES.items():
        found = list(dict.fromkeys(pattern.findall(told)))
        if not pattern.pattern.startswith(("evt", "[0-9a-f]")):
            found.sort()
        told = pattern.sub(lambda each, found=found, name=name: name(found.index(each[0]) + 1), told)  # type: ignore[misc]
    return json.loads(told)


async def told_of(database_url: str, keyring: Keyring) -> dict[str, Any]:
    """Of each type the event that tells the most."""
    await everything(database_url)
    await tell_soon(database_url)
    await seal_all(database_url, keyring)
    sql(database_url, "UPDATE seal_checkpoint SET made_at = '2000-01-01'")  # before the server started
    async with connected(database_url) as writer:
        paused = kinds.EndpointPaused(endpoint_id="main", reason="410 Gone")
        topup = kinds.TopupTold(
            topup_id=str(uuid7()),
            package_id="bells-600",
            provider="wechat",
            price=kinds.RealMoney(600, "CNY"),
            received=kinds.RealMoney(500, "CNY"),
            differs=("amount",),
        )
        await notices.write(writer, 0, system_clock(), [Notice(NOBODY, kinds.PAUSED, "main 1", paused)])
        told = [Notice(1, name, "t", topup) for name, data in kinds.NOTICES.items() if data is kinds.TopupTold]
        await notices.write(writer, 0, system_clock(), told)
        await declare(writer, 1, None, system_clock())
    events = [plain(event) for event in await read_all(database_url, low={"BELL": 300})]
    return {
        name: max((event for event in events if event["type"] == name), key=lambda event: len(json.dumps(event)))
        for name in kinds.TYPES
    }


async def test_examples_are_what_a_shop_tells(database_url: str, keyring: Keyring) -> None:
    told = await told_of(database_url, keyring)
    if "WRITE_EXAMPLES" in os.environ:
        FILE.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    assert told == json.loads(FILE.read_text(encoding="utf-8"))


def test_examples_fit_their_schemas() -> None:
    document = json.loads(text())
    schemas = document["components"]["schemas"]
    assert document["webhooks"].keys() == {*kinds.TYPES, TEST}
    for hook in document["webhooks"].values():
        content = hook["post"]["requestBody"]["content"]["application/json"]
        validator = validator_for({**content["schema"], "components": {"schemas": schemas}})
        validator.validate(content["example"])
        validator.validate([content["example"]] * 2)
        assert not validator.is_valid([])
        assert [each["name"] for each in hook["post"]["parameters"]] == [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ]


def test_the_page_lists_every_type_with_its_example() -> None:
    page = PAGE.read_text(encoding="utf-8")
    listed = dict(re.findall(r"^### `([a-z._]+)`$.*?```json\n(.*?)```", page, re.MULTILINE | re.DOTALL))
    assert {name: json.loads(example) for name, example in listed.items()} == examples.EXAMPLES
