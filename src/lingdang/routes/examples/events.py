"""The types of events as the document has them: each with an example, as a real shop told it."""

import json
from pathlib import Path
from typing import Any

from lingdang.events.event import Event
from lingdang.events.kinds import TYPES
from lingdang.http.document import Hook

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("events.json").read_text(encoding="utf-8"))
"""By type; tests/events/test_examples.py compares them with what a shop tells, and writes them anew when asked."""


def _summary(data: type) -> str:
    return (data.__doc__ or "").partition(".")[0]


HOOKS: tuple[Hook, ...] = tuple(
    Hook(name, _summary(data), Event, data, EXAMPLES.get(name, {})) for name, data in TYPES.items()
)
