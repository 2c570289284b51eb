"""Bells from the platform, and corrections of balances."""

from lingdang.backoffice.wallets import (
    AdjustmentAnswer,
    AdjustmentRequest,
    CreditAnswer,
    CreditRequest,
    adjust_wallet,
    credit_wallet,
    end_of,
)
from lingdang.db.pool import Pool
from lingdang.http.idempotency import answered
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import customer_named, known_customer
from lingdang.ledger.settlement import Settlement
from lingdang.library.wallets import LotPart
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
ADJUST = Route(
    name="adjustWallet",
    method="POST",
    path="/v1/admin/wallets/{cust_id}/adjustments",
    who=operator("wallets:adjust"),
    summary="Correct a balance",
    description="Above 0 it adds a bonus, below 0 it takes, never more than there is. Idempotent by `adjustmentId`.",
    tag="operators",
    params=OfCustomer,
    body=AdjustmentRequest,
    body_example=AdjustmentRequest(adjustment_id="a-1", amount=-100, reason="Credited twice"),
    answer=AdjustmentAnswer,
    example=AdjustmentAnswer("a-1", "ann", "BELL", -100, [LotPart("paid", -100, None)], "Credited twice", 900, ADDED),
    problems=("not_found", "insufficient_bells", "wallet_full", "idempotency_mismatch", "outcome_unknown"),
    headers=("Idempotent-Replayed",),
)


def routes(pool: Pool, settlement: Settlement) -> list[AnyServed]:
    """The routes of credits and adjustments."""

    async def credit(asked: Asked[ApiKey, OfCustomer, CreditRequest]) -> CreditAnswer | Reply:
        body = asked.body
        end_of(body)  # before anybody is added
        customer = await customer_named(pool, asked.params.cust_id, body.create_customer, asked.now)
        return answered(*await credit_wallet(settlement, customer, body))

    async def adjust(asked: Asked[ApiKey, OfCustomer, AdjustmentRequest]) -> AdjustmentAnswer | Reply:
        customer = await known_customer(pool, asked.params.cust_id)
        return answered(*await adjust_wallet(settlement, customer, asked.body))

    return [CREDIT.by(credit), ADJUST.by(adjust)]
