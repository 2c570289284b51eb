"""④⑤ The payment."""

from collections.abc import Callable

from lingdang.errors import Problem
from lingdang.http.idempotency import answered
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.payment.payments import PaymentAnswer, PaymentRequest, Payments
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import buying

PAY = Route(
    name="confirmPayment",
    method="POST",
    path="/v1/payments",
    who=CUSTOMER,
    summary="Confirm the payment of an order",
    description="Takes the bells, records the order and gives the rights in one transaction. The order token makes it "
    "idempotent: the same payment again answers as the first did, and takes nothing.",
    tag="payments",
    body=PaymentRequest,
    body_example=buying.PAYMENT_REQUEST,
    answer=PaymentAnswer,
    example=buying.PAYMENT,
    problems=(
        "token_invalid",
        "order_mismatch",
        "timestamp_skew",
        "sign_invalid",
        "token_expired",
        "product_unavailable",
        "already_owned",
        "voucher_unusable",
        "wallet_in_debt",
        "insufficient_bells",
        "outcome_unknown",
    ),
    short_way=True,
    headers=("Idempotent-Replayed",),
)


def routes(payments: Payments, count: Callable[[str], None]) -> list[AnyServed]:
    """The payment's route. `count` is told each payment's result: `paid`, `replay` or the problem's code."""

    async def confirm(asked: Asked[Session, Nothing, PaymentRequest]) -> PaymentAnswer | Reply:
        try:
            answer, replayed = await payments.confirm(asked.body, asked.who, asked.now)
        except Problem as problem:
            count(problem.code)
            raise
        count("replay" if replayed else "paid")
        return answered(answer, replayed)

    return [PAY.by(confirm, admit=payments.require_room, refused=count)]
