"""Until something is bought: products, cart, vouchers, offer and payment."""

from datetime import UTC, datetime
from uuid import UUID

from lingdang.cart.carts import Ticked
from lingdang.cart.shown import Cart, Item, Selected
from lingdang.catalog.products import ProductInput, ProductView
from lingdang.checkout.checkouts import CheckoutAnswer, CheckoutLine, CheckoutSign, CheckoutWallet
from lingdang.coupons.deciding import Verdict
from lingdang.coupons.held import HeldVoucher
from lingdang.payment.payments import GrantedRight, PaymentAnswer, PaymentRequest
from lingdang.payment.signing import SIGNED_FIELDS

PRODUCT_ID, ORDER_ID, VOUCHER_ID = (
    "emma",
    UUID("019ab0c5-5800-7000-8000-000000000001"),
    "019ab0c5-5400-7000-8000-00000000000a",
)
ADDED = datetime(2026, 10, 1, 8, tzinfo=UTC)
OFFERED = datetime(2026, 11, 23, 8, tzinfo=UTC)
OFFERED_UNTIL = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
PAID = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
VOUCHER_UNTIL = datetime(2026, 12, 31, 16, tzinfo=UTC)

PRODUCT = ProductView(
    product_id=PRODUCT_ID,
    title="Emma",
    currency="BELL",
    price=128,
    list_price=160,
    publisher="John Murray",
    intro="A comedy of manners.",
    cover_url="https://covers.example/emma.jpg",
    attributes={"language": "en"},
    on_sale_from=None,
    on_sale_until=None,
    status="active",
    popularity=42,
    available=True,
    created_at=ADDED,
    updated_at=ADDED,
)
PRODUCT_INPUT = ProductInput(
    title=PRODUCT.title,
    price=PRODUCT.price,
    list_price=PRODUCT.list_price,
    publisher=PRODUCT.publisher,
    intro=PRODUCT.intro,
    cover_url=PRODUCT.cover_url,
    attributes=PRODUCT.attributes,
)
_ITEM = Item(
    product_id=PRODUCT_ID,
    title="Emma",
    currency="BELL",
    list_price=160,
    price=128,
    ticked=True,
    owned=False,
    available=True,
)
_SELECTED = Selected(count=1, total=128)
TICKED = Ticked(_ITEM, _SELECTED)
CART = Cart([_ITEM], _SELECTED)
CHECKOUT = CheckoutAnswer(
    order_id=str(ORDER_ID),
    currency="BELL",
    lines=[
        CheckoutLine(
            product_id=PRODUCT_ID,
            title="Emma",
            intro="A comedy of manners.",
            list_price=160,
            price=128,
            discount=28,
            payable=100,
            cover_url="https://covers.example/emma.jpg",
            publisher="John Murray",
        )
    ],
    subtotal=128,
    discount=28,
    total=100,
    vouchers=[Verdict(VOUCHER_ID, "autumn", "28 bells off", "fixed", True, 28, True, VOUCHER_UNTIL)],
    vouchers_proven=True,
    wallet=CheckoutWallet(balance=1000, sufficient=True, shortfall=0),
    order_token="eyJhbGciOiJkaXIi….….….….…",  # noqa: S106 - an example
    issued_at=OFFERED,
    expires_at=OFFERED_UNTIL,
    sign=CheckoutSign("ES256", SIGNED_FIELDS),
)
PAYMENT_REQUEST = PaymentRequest(
    product_ids=(PRODUCT_ID,),
    timestamp=int(PAID.timestamp()),
    nonce="n0nce-7f3a91c2",
    order_token=CHECKOUT.order_token,
    sign_type="ES256",
    sign="MEUCIQDn…86 characters",
)
PAYMENT = PaymentAnswer(
    order_id=ORDER_ID,
    status="paid",
    currency="BELL",
    paid=100,
    balance=900,
    paid_at=PAID,
    entitlements=[GrantedRight(PRODUCT_ID, PAID)],
)
VOUCHER = HeldVoucher(
    voucher_id=UUID(VOUCHER_ID),
    coupon_id="autumn",
    name="28 bells off",
    kind="fixed",
    state="unused",
    claimed_at=ADDED,
    expires_at=VOUCHER_UNTIL,
    order_id=None,
    definition={
        "name": "28 bells off",
        "effect": {"kind": "fixed", "amount": 28},
        "validUntil": "2026-12-31T16:00:00Z",
    },
)
