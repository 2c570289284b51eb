"""②③ The checkout: an offer, and the token that pays it."""

from lingdang.checkout.checkouts import CheckoutAnswer, CheckoutRequest, Checkouts
from lingdang.http.idempotency import Idempotency
from lingdang.http.reply import Reply, encode
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import buying

CHECK_OUT = Route(
    name="createCheckout",
    method="POST",
    path="/v1/checkout",
    who=CUSTOMER,
    summary="Price products together and get an order token",
    description="Prices the products, chooses the vouchers that save most, and seals all of it into an order token,"
    " which pays until `expiresAt`. Nothing is stored but the voucher of a `voucherCode`.",
    tag="checkout",
    body=CheckoutRequest,
    body_example=CheckoutRequest(product_ids=(buying.PRODUCT_ID,)),
    keyed=True,
    answer=CheckoutAnswer,
    example=buying.CHECKOUT,
    problems=("not_found", "already_owned", "product_unavailable", "voucher_unusable", "rate_limited"),
    short_way=True,
)


def routes(checkouts: Checkouts, idempotency: Idempotency) -> list[AnyServed]:
    """The checkout's route."""

    async def check_out(asked: Asked[Session, Nothing, CheckoutRequest]) -> CheckoutAnswer | Reply:
        key = asked.header(b"idempotency-key")
        if key is None:
            return await checkouts.quote(asked.body, asked.who)

        async def produce() -> Reply:
            return Reply(encode(await checkouts.quote(asked.body, asked.who)))

        body, owner = encode(asked.body), asked.who.owner
        # An offer that has expired is of no use: a checkout with its key is then a new one.
        return await idempotency.once_as(owner, "POST /v1/checkout", key, body, asked.now, produce, checkouts.validity)

    return [CHECK_OUT.by(check_out)]
