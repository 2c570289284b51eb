"""An endpoint of webhooks, from its making on."""

from datetime import UTC, datetime

import msgspec

from lingdang.events.webhooks.endpoints import Backlog, EndpointInput, EndpointView, FailedEvent
from lingdang.events.webhooks.figures import Attempt, Delays, Figures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwKvQJ6sWb3Es="  # noqa: S105 - an example
PUBLIC_KEY = "whpk_NCVcEGkrx07gQzxZV3dBNSzvjOZx1Ipuh5PjMrQxDJQ="
POSITION = "NWY3Yzg5YTEgMCAwIDE0MTczMzkyMDc2OC4w"

INPUT = EndpointInput(url="https://hooks.example/lingdang", types=("order.paid", "order.refunded"), batch=100)

_MADE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OVERLAP_ENDS = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

NEW = EndpointView(
    endpoint_id="library",
    url=INPUT.url,
    types=["order.paid", "order.refunded"],
    thin=False,
    batch=100,
    active=True,
    state="delivering",
    gone_at=None,
    failing_since=None,
    next_try_at=None,
    public_key=PUBLIC_KEY,
    secret=SECRET,
    backlog=Backlog(None, 0, 0),
    failed=[],
    figures=Figures(),
    created_at=_MADE,
    updated_at=_MADE,
)
ATTEMPT = Attempt(
    "evt_5f7c89a15f7c89a15f7c89a15f7c89a1", datetime(2026, 11, 23, 8, 1, tzinfo=UTC), 1, 204, 38, "", None
)
_FAILED = FailedEvent(
    "evt_89a15f7c89a15f7c89a15f7c89a15f7c", _MADE, 2, datetime(2026, 11, 23, 8, 3, tzinfo=UTC), None, "503 out of order"
)
ENDPOINT = msgspec.structs.replace(
    NEW, secret=None, backlog=Backlog(_MADE, 3, 0), failed=[_FAILED], figures=Figures([ATTEMPT], Delays(420, 930))
)
