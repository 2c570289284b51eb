"""POST /v1/admin/wallets/{custId}/credits: bells from the platform, each credit once."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.http.idempotency import replayed_headers
from lingdang.http.strict import checked_cust_id
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.customers import customer_named
from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, OWN_ID_PATTERN, REMARK_PATTERN, Currency, CustId, Customer
from lingdang.ledger.crediting import Credit, Credited
from lingdang.ledger.lots import lot_expiry
from lingdang.ledger.settlement import Settlement
from lingdang.moments import Moment, checked

CreditId = Annotated[
    str,
    Meta(
        pattern=OWN_ID_PATTERN,
        description="Your own id of this credit, unique within the customer, whatever the currency: it is booked once, "
        "however often it is sent. Another customer's credit may have the same id, and is another credit.",
    ),
]


class CreditRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A credit of whole bells. `credit_id` is the sender's own, unique within the customer, and makes it idempotent."""

    credit_id: CreditId
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
    kind: Literal["paid", "bonus"]
    reason: Annotated[str, Meta(pattern=REMARK_PATTERN)]
    expires_at: Moment | None = None
    currency: Currency = DEFAULT_CURRENCY
    create_customer: bool = False
    """A custId nobody has heard of becomes a customer's."""


class CreditAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A booked credit; `balance` is the wallet's right after it.

    `expires_at` is when what is left of it lapses: in a wallet with very many expiries somewhat later than asked.
    """

    credit_id: str
    cust_id: str
    currency: str
    amount: int
    kind: str
    reason: str
    expires_at: datetime | None
    balance: int
    credited_at: datetime


async def credit_wallet(
    settlement: Settlement, customer: Customer, request: CreditRequest
) -> tuple[CreditAnswer, bool]:
    """Book a credit, or answer as it was answered when it was booked (True: a replay).

    Raises Problem `idempotency_mismatch`, `wallet_full`, `invalid_request` (already lapsed, or out of bounds) or
    `overloaded`.
    """
    expires_at = checked("$.expiresAt", request.expires_at)
    done = await settlement.submit(
        Credit(
            customer=customer.key,
            credit_id=request.credit_id,
            currency=request.currency,
            amount=request.amount,
            kind=request.kind,
            expires_at=expires_at,
            reason=request.reason,
        )
    )
    assert isinstance(done.record, Credited), "a credit is answered with its record"
    return _answer(customer, done.record), done.replayed


def _answer(customer: Customer, record: Credited) -> CreditAnswer:
    return CreditAnswer(
        credit_id=record.credit_id,
        cust_id=customer.cust_id,
        currency=record.currency,
        amount=record.amount,
        kind=record.kind,
        reason=record.reason,
        expires_at=lot_expiry(record.lot),
        balance=record.balance,
        credited_at=record.credited_at,
    )


def routes(api_keys: ApiKeys, pool: Pool, settlement: Settlement, clock: Clock) -> list[HTTPRouteHandler]:
    """The credit route; scope `wallets:credit`."""

    @post(
        "/v1/admin/wallets/{cust_id:str}/credits",
        status_code=200,
        summary="Credit bells, each creditId of the customer once; scope wallets:credit",
        tags=["operators"],
    )
    async def credit(
        request: Request[Any, Any, Any], cust_id: CustId, data: JSONBody[CreditRequest]
    ) -> Response[CreditAnswer]:
        await api_keys.require(request.headers.get("authorization"), "wallets:credit")
        checked("$.expiresAt", data.expires_at)  # before anybody is added
        customer = await customer_named(pool, checked_cust_id(cust_id), data.create_customer, clock())
        answer, replayed = await credit_wallet(settlement, customer, data)
        return Response(answer, headers=replayed_headers(replayed))

    return [credit]
