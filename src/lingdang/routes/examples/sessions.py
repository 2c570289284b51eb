"""Values for sessions' examples."""

from datetime import UTC, datetime
from uuid import UUID

SESSION_ID = UUID("019ab0c1-7800-7000-8000-000000000005")
OPENED_AT = datetime(2026, 11, 23, 7, 59, tzinfo=UTC)
ENDS_AT = datetime(2026, 11, 24, 7, 59, tzinfo=UTC)
TOKEN = "eyJhbGciOiJIUzI1NiIs….….…"  # noqa: S105 - an example
