"""⑥ A customer's rights, and links to what is theirs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.library.entitlements import Entitlement, EntitlementWithReceipt, Rights, list_entitlements
from lingdang.library.links import MAX_SECONDS, Link, Links
from lingdang.library.receipts import Receipts
from lingdang.paging import Page
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import bought
from lingdang.routes.parameters import OfProduct, Pages

ENTITLEMENTS = Route(
    name="listEntitlements",
    method="GET",
    path="/v1/entitlements",
    who=CUSTOMER,
    summary="What the customer owns, by productId",
    description="Each right names the order or the grant that gave it.",
    tag="library",
    params=Pages,
    answer=Page[Entitlement],
    example=Page([bought.ENTITLEMENT], None),
)
ENTITLEMENT = Route(
    name="getEntitlement",
    method="GET",
    path="/v1/entitlements/{product_id}",
    who=CUSTOMER,
    summary="The right to one product, with its receipt",
    description="The receipt is a JWS that anybody verifies offline. Where customers may refund by themselves, "
    "asking for it counts as opening the product.",
    tag="library",
    params=OfProduct,
    answer=EntitlementWithReceipt,
    example=bought.WITH_RECEIPT,
    problems=("not_found",),
)


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long whoever has the link is let in."""

    seconds: Annotated[int, Meta(ge=1, le=MAX_SECONDS)]


LINK = Route(
    name="createEntitlementLink",
    method="POST",
    path="/v1/entitlements/{product_id}/links",
    who=CUSTOMER,
    summary="A link to a product of the customer's",
    description="For downloads and pictures, whose requests carry no session: `GET /v1/access` takes the token until "
    "it expires, and no longer than the right lasts.",
    tag="library",
    params=OfProduct,
    body=LinkRequest,
    body_example=LinkRequest(600),
    answer=Link,
    example=bought.LINK,
    problems=("not_found",),
)


def routes(pool: Pool, rights: Rights, receipts: Receipts, links: Links) -> list[AnyServed]:
    """The rights' routes."""

    async def entitlements(asked: Asked[Session, Pages]) -> Page[Entitlement]:
        return await list_entitlements(pool, asked.who.owner, asked.params.window())

    async def entitlement(asked: Asked[Session, OfProduct]) -> EntitlementWithReceipt:
        owner = asked.who.owner
        right = await rights.use(owner, asked.params.product_id, asked.now)
        if right is None:
            raise Problem("not_found")
        told = right.told
        return EntitlementWithReceipt(
            product_id=told.product_id,
            granted_at=told.granted_at,
            order_id=told.order_id,
            grant_id=told.grant_id,
            receipt=receipts.make(owner.customer, owner.cust_id, right, asked.now),
        )

    async def link(asked: Asked[Session, OfProduct, LinkRequest]) -> Link:
        return await links.make(asked.who.owner, asked.params.product_id, asked.body.seconds, asked.now)

    return [ENTITLEMENTS.by(entitlements), ENTITLEMENT.by(entitlement), LINK.by(link)]
