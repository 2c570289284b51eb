"""Rights without a payment: giving, ending, and the platform's word that a product was opened."""

from lingdang.backoffice.rights import (
    GrantAnswer,
    GrantRequest,
    RevocationAnswer,
    RevocationRequest,
    grant_right,
    note_opened,
    require_product,
    revoke_right,
)
from lingdang.db.pool import Pool
from lingdang.http.idempotency import answered
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import customer_named, known_customer
from lingdang.ids import ProductId, bucket_of
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import Policy
from lingdang.routes.callers import operator
from lingdang.routes.examples.bought import REFUNDED
from lingdang.routes.parameters import OfCustomer

_PATH = "/v1/admin/customers/{cust_id}/entitlements/{product_id}"


class OfRight(OfCustomer, frozen=True, rename="camel"):
    """Whose right, and to what."""

    product_id: ProductId


GIVE = Route(
    name="grantEntitlement",
    method="PUT",
    path=_PATH,
    who=operator("entitlements:write"),
    summary="Give a right without a payment",
    description="For gifts and buyers of before. Idempotent by `grantId`; a product that is owned already is not "
    "granted again.",
    tag="operators",
    params=OfRight,
    body=GrantRequest,
    body_example=GrantRequest(grant_id="gift-7", reason="A gift"),
    answer=GrantAnswer,
    example=GrantAnswer(True),
    problems=("not_found", "idempotency_mismatch", "outcome_unknown"),
    headers=("Idempotent-Replayed",),
)
END = Route(
    name="revokeEntitlement",
    method="POST",
    path=f"{_PATH}/revocations",
    who=operator("entitlements:write"),
    summary="End such a right",
    description="Ends a right that was granted without a payment; one that was bought ends by a refund. Idempotent by "
    "`revocationId`.",
    tag="operators",
    params=OfRight,
    body=RevocationRequest,
    body_example=RevocationRequest(revocation_id="rev-7", reason="Given by mistake"),
    answer=RevocationAnswer,
    example=RevocationAnswer(REFUNDED),
    problems=("not_found", "idempotency_mismatch", "outcome_unknown"),
    headers=("Idempotent-Replayed",),
)
OPENED = Route(
    name="markEntitlementOpened",
    method="POST",
    path=f"{_PATH}/opened",
    who=operator("entitlements:write"),
    summary="Note that the product was opened",
    description="What was opened the customer can no longer give back by themselves. Where customers refund nothing, "
    "nothing is noted.",
    tag="operators",
    params=OfRight,
    answer=type(None),
    problems=("not_found",),
)


def routes(pool: Pool, settlement: Settlement, policy: Policy, buckets: int) -> list[AnyServed]:
    """The operators' routes of rights. Where customers refund nothing, nothing is noted as opened."""

    async def place_of(params: OfRight) -> tuple[int, int, str]:
        customer = (await known_customer(pool, params.cust_id)).key
        return bucket_of(customer, buckets), customer, params.product_id

    async def give(asked: Asked[ApiKey, OfRight, GrantRequest]) -> GrantAnswer | Reply:
        params, body = asked.params, asked.body
        await require_product(pool, params.product_id)
        customer = await customer_named(pool, params.cust_id, body.create_customer, asked.now)
        return answered(*await grant_right(settlement, customer.key, params.product_id, body))

    async def end(asked: Asked[ApiKey, OfRight, RevocationRequest]) -> RevocationAnswer | Reply:
        return answered(*await revoke_right(pool, settlement, *await place_of(asked.params), asked.body))

    async def opened(asked: Asked[ApiKey, OfRight]) -> None:
        await note_opened(pool, *await place_of(asked.params), asked.now if policy.offered else None)

    return [GIVE.by(give), END.by(end), OPENED.by(opened)]
