"""The types of events as the document has them: each with an example, as a real shop told it."""

import json
from pathlib import Path
from typing import Any

from lingdang.events.event import Event
from lingdang.events.kinds import TYPES
from lingdang.events.webhooks.messages import TEST, EndpointTest, Trial
from lingdang.http.document import Hook

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("events.json").read_text(encoding="utf-8"))
"""By type; tests/events/test_examples.py compares them with what a shop tells, and writes them anew when asked."""


def _summary(data: type) -> str:
    return (data.__doc__ or "").partition(".")[0]


_TRIAL = {
    "id": "test_019ab0c558007000800000000000000a",
    "type": TEST,
    "time": "2026-12-01T08:00:00Z",
    "data": {"endpointId": "library"},
}

HOOKS: tuple[Hook, ...] = (
    *(Hook(name, _summary(data), Event, data, EXAMPLES.get(name, {})) for name, data in TYPES.items()),
    Hook(TEST, _summary(EndpointTest), Trial, EndpointTest, _TRIAL, in_feed=False),
)
