"""Bells from the platform."""

from lingdang.backoffice.wallets import CreditAnswer, CreditRequest, credit_wallet, end_of
from lingdang.db.pool import Pool
from lingdang.http.idempotency import answered
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import customer_named
from lingdang.ledger.settlement import Settlement
from lingdang.routes.callers import operator
from lingdang.routes.examples.buying import ADDED
from lingdang.routes.parameters import OfCustomer

CREDIT = Route(
    name="creditWallet",
    method="POST",
    path="/v1/admin/wallets/{cust_id}/credits",
    who=operator("wallets:credit"),
    summary="Credit bells, each creditId of the customer once",
    description="Bells that were bought (`paid`) or given (`bonus`). Idempotent by `creditId`.",
    tag="operators",
    params=OfCustomer,
    body=CreditRequest,
    body_example=CreditRequest(credit_id="welcome", amount=1000, kind="paid", reason="Bought at the counter"),
    answer=CreditAnswer,
    example=CreditAnswer("welcome", "ann", "BELL", 1000, "paid", "Bought at the counter", None, 1000, ADDED),
    problems=("not_found", "wallet_full", "idempotency_mismatch", "outcome_unknown"),
    headers=("Idempotent-Replayed",),
)


def routes(pool: Pool, settlement: Settlement) -> list[AnyServed]:
    """The route of credits."""

    async def credit(asked: Asked[ApiKey, OfCustomer, CreditRequest]) -> CreditAnswer | Reply:
        body = asked.body
        end_of(body)  # before anybody is added
        customer = await customer_named(pool, asked.params.cust_id, body.create_customer, asked.now)
        return answered(*await credit_wallet(settlement, customer, body))

    return [CREDIT.by(credit)]
