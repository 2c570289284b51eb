"""Whether a customer may read a product: for a reverse proxy's sub-request, and for the shop's own reader."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from lingdang.catalog.reading import ProductReader
from lingdang.errors import Problem
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.library.entitlements import Right, Rights
from lingdang.library.links import Links
from lingdang.routes.callers import CUSTOMER, CUSTOMER_OR_LINK
from lingdang.routes.parameters import OfProduct
from lingdang.web.reading import Text, Texts


class Asking(OfProduct, frozen=True, rename="camel"):
    """Which product, and in the place of a session the token of a link to it."""

    token: Annotated[str, Meta(description="A link's, where there is one: then no session is asked for.")] = ""


ACCESS = Route(
    name="checkAccess",
    method="GET",
    path="/v1/access",
    who=CUSTOMER_OR_LINK,
    summary="Whether the customer may read a product, for a reverse proxy",
    description="For the sub-request of nginx's `auth_request` or of a forward-auth: 204 with the source of the "
    "right, or a refusal.",
    tag="library",
    params=Asking,
    answer=type(None),
    statuses={204: "Yes; X-Entitlement-Order or X-Entitlement-Grant names the source."},
    problems=("not_entitled",),
    headers=("X-Entitlement-Order", "X-Entitlement-Grant"),
)
READ = Route(
    name="readProduct",
    method="GET",
    path="/v1/read/{product_id}",
    who=CUSTOMER,
    summary="The text of a product that the customer owns",
    description="The text that the shop's own reader shows. A platform that keeps its texts itself asks `/v1/access` "
    "instead.",
    tag="library",
    params=OfProduct,
    answer=Text,
    example=Text("emma", "Emma", "Emma Woodhouse, handsome, clever, and rich …"),
    problems=("not_entitled", "not_found"),
)


def routes(rights: Rights, links: Links, products: ProductReader, texts: Texts) -> list[AnyServed]:
    """The routes for who has bought."""

    async def used(session: Session, product_id: str, now: datetime) -> Right:
        right = await rights.use(session.owner, product_id, now)
        if right is None:
            raise Problem("not_entitled", productId=product_id)
        return right

    async def access(asked: Asked[Session | None, Asking]) -> Reply:
        product_id, token = asked.params.product_id, asked.params.token
        if asked.who is not None:
            right = await used(asked.who, product_id, asked.now)
        else:
            right = await links.follow(token, product_id, asked.now)
        kind, source = right.source
        return Reply(b"", 204, ((f"x-entitlement-{kind}".lower().encode(), source.encode()),))

    async def read(asked: Asked[Session, OfProduct]) -> Text:
        await used(asked.who, asked.params.product_id, asked.now)
        return await texts.read(await products.read(asked.who.owner, asked.params.product_id))

    return [ACCESS.by(access), READ.by(read)]
