"""The demo's vouchers: one for most of what vouchers can do, and a code to type."""

from datetime import datetime

import msgspec

from lingdang.coupons.claiming import grant
from lingdang.coupons.definitions import CouponInput, put_coupon
from lingdang.db.pool import Connection
from lingdang.demo import CODE

_COUPONS: dict[str, CouponInput] = msgspec.convert(
    {
        "welcome": {
            "definition": {
                "name": "首单八折 · 20 % off your first order, at most 200",
                "effect": {"kind": "percent", "off": 20, "cap": 200},
                "conditions": {"firstPurchase": True},
            }
        },
        "spend-1000": {
            "definition": {
                "name": "满 1000 减 150 · spend 1,000, save 150",
                "effect": {"kind": "spend_save", "spend": 1000, "save": 150},
            }
        },
        "lantern": {
            "definition": {
                "name": "Paper Lantern 第二件半价 · every second book at half price",
                "effect": {"kind": "nth_item", "nth": 2, "off": 50},
                "conditions": {"publishers": ["Paper Lantern"]},
                "stacking": {"group": "imprint"},
            }
        },
        "thirty": {
            "definition": {
                "name": "30 铃铛 · 30 bells, with any other",
                "effect": {"kind": "fixed", "amount": 30},
                "stacking": {"group": "gift", "order": 10},
                "validDays": 30,
            }
        },
        "five-for-four": {
            "definition": {
                "name": "五件付四 · five for four, with no other",
                "effect": {"kind": "buy_pay", "buy": 5, "pay": 4},
                "stacking": {"exclusive": True},
            }
        },
        "code": {
            "definition": {
                "name": "兑换码 60 铃铛 · 60 bells by code",
                "effect": {"kind": "fixed", "amount": 60},
                "conditions": {"minSpend": 300},
                "stacking": {"group": "code", "order": 20},
            },
            "code": CODE,
        },
    },
    dict[str, CouponInput],
)


async def give_demo_coupons(connection: Connection, bucket: int, customer: int, now: datetime) -> None:
    """Define the coupons, and give the customer a voucher of each that has no code, in the caller's transaction."""
    for coupon_id, coupon in _COUPONS.items():
        await put_coupon(connection, coupon_id, coupon, now)
        if coupon.code is None:
            await grant(connection, bucket, customer, coupon_id, now)
