"""Gift codes: redeemed by customers, made by operators."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.coupons.claiming import Code
from lingdang.coupons.guessing import CodeLimits
from lingdang.db.pool import Pool, transaction
from lingdang.errors import invalid_field
from lingdang.http.idempotency import Idempotency, answered
from lingdang.http.reply import Reply, encode, replied
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.session import Session
from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, OWN_ID_PATTERN, Currency
from lingdang.ledger.lots import lot_expiry
from lingdang.ledger.redeeming import Redeemed
from lingdang.moments import Moment, checked
from lingdang.owner import fetch_as
from lingdang.routes.callers import CUSTOMER, operator
from lingdang.routes.examples.buying import ADDED
from lingdang.topup.gift_codes import Gift, add_codes
from lingdang.topup.redeeming import Redeeming

MOST_CODES = 5000


class RedeemRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the customer has."""

    code: Code


class RedeemAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The bells of a code; `balance` is the wallet's right after them, `debt_paid` of them paid what was owed.

    `expires_at` is when what is left lapses.
    """

    campaign: str
    currency: str
    amount: int
    expires_at: datetime | None
    balance: int
    redeemed_at: datetime
    debt_paid: int = 0


class CodesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """So many codes of a campaign, each worth so many bells of bonus."""

    campaign: Annotated[str, Meta(pattern=OWN_ID_PATTERN)]
    count: Annotated[int, Meta(ge=1, le=MOST_CODES)]
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
    expires_at: Moment | None = None
    currency: Currency = DEFAULT_CURRENCY


class CodesAnswer(msgspec.Struct, frozen=True):
    """New codes. They are told this once: the shop keeps hashes alone."""

    codes: list[str]


REDEEM = Route(
    name="redeemGiftCode",
    method="POST",
    path="/v1/wallet/redeem",
    who=CUSTOMER,
    summary="Redeem a gift code",
    description="Each code once. The same code again by the same customer answers as the first time.",
    tag="wallet",
    body=RedeemRequest,
    body_example=RedeemRequest("7K3M9Q-0VWX4A-CDEFGH"),
    answer=RedeemAnswer,
    example=RedeemAnswer("spring", "BELL", 100, None, 1000, ADDED),
    problems=("gift_code_unusable", "rate_limited", "wallet_full", "outcome_unknown"),
    headers=("Idempotent-Replayed",),
)
MAKE = Route(
    name="createGiftCodes",
    method="POST",
    path="/v1/admin/gift-codes",
    who=operator("topups:write"),
    summary="Make gift codes",
    description="They are told in this answer alone. `lingdang topup codes` makes millions.",
    tag="operators",
    body=CodesRequest,
    body_example=CodesRequest("spring", 2, 100),
    keyed=True,
    answer=CodesAnswer,
    example=CodesAnswer(["7K3M9Q-0VWX4A-CDEFGH", "2N4P6R-8T0VWX-AC1DE3"]),
    statuses={201: "The codes are good"},
)


def routes(
    pool: Pool, operators: Pool, redeeming: Redeeming, codes: CodeLimits, idempotency: Idempotency
) -> list[AnyServed]:
    """The routes of gift codes."""

    async def redeem(asked: Asked[Session, Nothing, RedeemRequest]) -> RedeemAnswer | Reply:
        owner, code = asked.who.owner, asked.body.code
        await fetch_as(pool, owner, "SELECT")  # asks only whether the session has ended
        async with codes.attempt(owner.cust_id, code) as require_left:
            require_left()
            record, replayed = await redeeming.redeem(owner.customer, code)
        return answered(_told(record), replayed)

    async def make(asked: Asked[ApiKey, Nothing, CodesRequest]) -> Reply:
        body = asked.body
        gift = Gift(
            campaign=body.campaign,
            currency=body.currency,
            amount=body.amount,
            expires_at=checked("expires_at", body.expires_at),
        )

        async def produce() -> Reply:
            if gift.expires_at is not None and gift.expires_at <= asked.now:
                raise invalid_field("expires_at", "Expected a moment to come: nobody could redeem the codes")
            async with transaction(operators) as connection:
                return replied(CodesAnswer(await add_codes(connection, gift, body.count)), 201)

        owner, key = f"POST /v1/admin/gift-codes key:{asked.who.name}", asked.header(b"idempotency-key")
        return await idempotency.once(owner, key, encode(body), asked.now, produce)

    return [REDEEM.by(redeem), MAKE.by(make)]


def _told(record: Redeemed) -> RedeemAnswer:
    return RedeemAnswer(
        campaign=record.campaign,
        currency=record.currency,
        amount=record.amount,
        expires_at=lot_expiry(record.lot),
        balance=record.balance,
        redeemed_at=record.redeemed_at,
        debt_paid=record.debt_paid,
    )
