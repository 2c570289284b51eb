"""The demo: what `serve --demo` fills an empty shop with and turns on, and the signing lab."""

from typing import Any, Final

SETTINGS: Final[dict[str, Any]] = {"refund_days": 14}
"""What a demo shows that is off elsewhere, unless it is configured."""
CUSTOMER: Final = "demo"
PASSWORD: Final = "demo-demo"  # noqa: S105 - it is meant to be known
BELLS: Final = 10_000
CODE: Final = "LINGDANG"
"""Claims one more voucher."""
