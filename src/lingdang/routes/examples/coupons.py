"""The coupon of which Ann holds a voucher, as the operators see it."""

from msgspec.structs import asdict

from lingdang.coupons.definitions import CouponFigures, CouponView
from lingdang.routes.examples.buying import ADDED, VOUCHER

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
