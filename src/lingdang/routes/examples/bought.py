"""After something was bought: order, wallet, right, receipt and refund."""

from datetime import UTC, datetime
from typing import Any

from lingdang.library.entitlements import Entitlement, EntitlementWithReceipt
from lingdang.library.links import Link
from lingdang.library.orders import OrderLine, OrderView, OrderVoucher, RefundedLine
from lingdang.library.past_orders import PastLine, PastOrder
from lingdang.library.refunds import RefundableAnswer, RefundAnswer, RefundLot
from lingdang.library.wallets import Balance, EntryView, Expiring, LotPart, WalletView
from lingdang.routes.examples.buying import ORDER_ID, PAID, PRODUCT_ID, VOUCHER_ID

REFUNDED = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
_BONUS_UNTIL = datetime(2027, 1, 31, 16, tzinfo=UTC)

ORDER = OrderView(
    order_id=ORDER_ID,
    status="paid",
    currency="BELL",
    subtotal=128,
    discount=28,
    total=100,
    balance=900,
    paid_at=PAID,
    lines=[OrderLine(PRODUCT_ID, "Emma", "John Murray", 160, 128, 28, 100)],
    vouchers=[OrderVoucher(VOUCHER_ID, 28)],
    refunds=[],
)
PAST_ORDER = PastOrder(
    order_id="2021-000731",
    status="paid",
    currency="BELL",
    total=90,
    paid_at=datetime(2021, 3, 1, 1, 30, tzinfo=UTC),
    lines=[PastLine("Persuasion", 120, 90, "persuasion")],
)
WALLET = WalletView([Balance("BELL", 900, 700, 200, 0, 0, [Expiring(200, _BONUS_UNTIL)])])
ENTRY = EntryView(
    currency="BELL",
    seq=2,
    kind="payment",
    reference=str(ORDER_ID),
    amount=-100,
    balance=900,
    at=PAID,
    lots=[LotPart("bonus", -100, _BONUS_UNTIL)],
    order_id=str(ORDER_ID),
)
ENTITLEMENT = Entitlement(PRODUCT_ID, PAID, order_id=ORDER_ID)
WITH_RECEIPT = EntitlementWithReceipt(PRODUCT_ID, PAID, order_id=ORDER_ID, receipt="eyJhbGciOiJFZERTQSIs….….…")
LINK = Link("eyJhbGciOiJIUzI1NiIs….….…", datetime(2026, 11, 23, 8, 31, tzinfo=UTC))
KEYS: dict[str, Any] = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": "k1",
            "use": "sig",
            "alg": "EdDSA",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    ]
}
_LINES = [RefundedLine(PRODUCT_ID, 100)]
_LOTS = [RefundLot("bonus:2027-01-31", "bonus", 100, _BONUS_UNTIL)]
REFUND = RefundAnswer(
    refund_id="r-1",
    order_id=ORDER_ID,
    currency="BELL",
    refunded=100,
    lines=_LINES,
    lots=_LOTS,
    vouchers=[VOUCHER_ID],
    balance=1000,
    refunded_at=REFUNDED,
)
REFUNDABLE = RefundableAnswer(ORDER_ID, True, 100, _LINES, _LOTS, [VOUCHER_ID])
