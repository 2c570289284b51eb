"""What the routes of top-ups show as examples."""

from datetime import UTC, datetime

import msgspec

from lingdang.topup.beginning import Offered, TopupRequest
from lingdang.topup.inbox import Heard
from lingdang.topup.money import Money
from lingdang.topup.operators import LeftView, RefundOfMoney, TopupDetail, TopupOfCustomer
from lingdang.topup.packages import Package, PackageView, PerBell
from lingdang.topup.pricing import Terms
from lingdang.topup.views import ActionView, BellsView, OneTopup, TopupView

TOPUP_ID = "019ab0c5-5800-7000-8000-0000000000c1"
BEGUN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

TERMS = Terms("BELL", 600, 30, Money(600, "CNY"), 90)
REQUEST = TopupRequest(package_id="bells-600", provider="wechat", channel="web", terms=TERMS, return_url="/topups")
PACKAGE = Package(
    name="600 bells and 30 more",
    paid=600,
    bonus=30,
    bonus_expires_after_days=90,
    price=Money(600, "CNY"),
    providers=("wechat", "alipay"),
)
FREE_AMOUNT = PerBell(1, "CNY")
KEPT = PackageView(
    package_id="bells-600",
    name=PACKAGE.name,
    paid=600,
    bonus=30,
    bonus_expires_after_days=90,
    price=Money(600, "CNY"),
    providers=("wechat", "alipay"),
    created_at=BEGUN,
    updated_at=BEGUN,
)
OFFERED = Offered("wechat", "wechat", ["web"])
TOPUP = TopupView(
    topup_id=TOPUP_ID,
    status="pending",
    package_id="bells-600",
    name="600 bells and 30 more",
    provider="wechat",
    channel="web",
    currency="BELL",
    paid=600,
    bonus=30,
    price=Money(600, "CNY"),
    received=None,
    refunded=0,
    disputed=0,
    lost=0,
    action=ActionView("qr", "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"),
    support_reference=None,
    created_at=BEGUN,
    expires_at=EXPIRES,
    paid_at=None,
    credited_at=None,
)

PAID = msgspec.structs.replace(
    TOPUP, status="paid", received=Money(600, "CNY"), action=ActionView("none"), paid_at=BEGUN, credited_at=BEGUN
)
ONE = OneTopup(**msgspec.structs.asdict(PAID), bells=BellsView(0, 0, 0, 0))
OF_CUSTOMER = TopupOfCustomer(
    **msgspec.structs.asdict(PAID),
    cust_id="ann",
    reference="4200002345202611231234567890",
    test=False,
    differs=[],
    decided=None,
)
REFUND = RefundOfMoney("r-1", 300, "CNY", "done", EXPIRES, EXPIRES, None)
DETAIL = TopupDetail(
    **msgspec.structs.asdict(OF_CUSTOMER),
    left=LeftView(230, 400, 0, 0, 0, 63_492),
    refunds=[],
    heard=[Heard("wechat", "told 7a3d", BEGUN, "sound", "TRANSACTION.SUCCESS")],
)
