"""The coupon of which Ann holds a voucher, as the operators see it."""

from datetime import UTC, datetime

from msgspec.structs import asdict

from lingdang.coupons.definitions import CouponFigures, CouponInput, CouponView
from lingdang.coupons.model import Definition, Fixed
from lingdang.routes.examples.buying import ADDED, VOUCHER

INPUT = CouponInput(
    definition=Definition(
        name="28 bells off", effect=Fixed(amount=28), valid_until=datetime(2026, 12, 31, 16, tzinfo=UTC)
    ),
    code="AUTUMN28",
    total_limit=1000,
)
COUPON = CouponView(
    coupon_id="autumn",
    definition=VOUCHER.definition,
    status="active",
    code="AUTUMN28",
    total_limit=1000,
    per_customer=1,
    claimed=12,
    created_at=ADDED,
    updated_at=ADDED,
)
FIGURES = CouponFigures(**asdict(COUPON), used=5, saved=140)
