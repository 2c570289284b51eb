"""Packages and top-ups, as operators keep and see them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool, transaction
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.ids import MAX_AMOUNT, OWN_ID_PATTERN, CustId
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import topups as examples
from lingdang.routes.parameters import Pages
from lingdang.routes.topups import OfTopup
from lingdang.topup.looking_up import Reference, SupportReference
from lingdang.topup.operators import Decision, Desk, RefundOfMoney, TopupDetail, TopupOfCustomer
from lingdang.topup.packages import Package, PackageId, PackageView, get_package, list_packages, put_package
from lingdang.topup.status import Status


class Sought(Pages, frozen=True, rename="camel", kw_only=True):
    """In which state, and whose; or by what is known of one."""

    status: Status | None = None
    cust_id: CustId | None = None
    support_reference: SupportReference | None = None
    reference: Reference | None = None


class RefundMoney(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """So much money back, in minor units. `refund_id` is the sender's own, unique within the top-up."""

    refund_id: Annotated[str, Meta(pattern=OWN_ID_PATTERN)]
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)] | None = None


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to become of a top-up in review."""

    decision: Decision


class OfPackage(msgspec.Struct, frozen=True, rename="camel"):
    """Which package."""

    package_id: Annotated[PackageId, Meta()]


_READ, _WRITE = operator("topups:read"), operator("topups:write")

PUT_PACKAGE = Route(
    name="putTopupPackage",
    method="PUT",
    path="/v1/admin/topups/packages/{package_id}",
    who=_WRITE,
    summary="Create a package, or replace all of it",
    description="Top-ups that were begun before stay as they were agreed. One that is not `active` is not sold.",
    tag="operators",
    params=OfPackage,
    body=Package,
    body_example=examples.PACKAGE,
    answer=PackageView,
    example=examples.KEPT,
    statuses={200: "The package as it is now", 201: "The package is new"},
)
SHOW_PACKAGE = Route(
    name="getTopupPackage",
    method="GET",
    path="/v1/admin/topups/packages/{package_id}",
    who=_READ,
    summary="One package",
    description="Sold or not.",
    tag="operators",
    params=OfPackage,
    answer=PackageView,
    example=examples.KEPT,
    problems=("not_found",),
)
PACKAGES = Route(
    name="listPackages",
    method="GET",
    path="/v1/admin/topups/packages",
    who=_READ,
    summary="Every package",
    description="By their ids, sold or not.",
    tag="operators",
    params=Pages,
    answer=Page[PackageView],
    example=Page([examples.KEPT], None),
)


LIST = Route(
    name="listCustomersTopups",
    method="GET",
    path="/v1/admin/topups",
    who=_READ,
    summary="Top-ups of all customers, newest first",
    description="In one state or in any; `review` are those that wait for a decision. By a `supportReference` or a "
    "`reference`, the payment's id at its provider, they are looked up alone, on one page.",
    tag="operators",
    params=Sought,
    answer=Page[TopupOfCustomer],
    example=Page([examples.OF_CUSTOMER], None),
    problems=("not_found",),
)
SHOW = Route(
    name="getCustomersTopup",
    method="GET",
    path="/v1/admin/topups/{topup_id}",
    who=_READ,
    summary="One top-up, and what is left of its bells",
    description="With the refunds of its money, and what its provider told.",
    tag="operators",
    params=OfTopup,
    answer=TopupDetail,
    example=examples.DETAIL,
    problems=("not_found",),
)
REFUND = Route(
    name="refundTopup",
    method="POST",
    path="/v1/admin/topups/{topup_id}/refunds",
    who=_WRITE,
    summary="Give a top-up's money back, each refundId once",
    description="The bells are taken first, then the provider gives the money back. Without `amount`: what those bells "
    "cost that are left, within the time that the shop allows.",
    tag="operators",
    params=OfTopup,
    body=RefundMoney,
    body_example=RefundMoney("r-1", 300),
    answer=RefundOfMoney,
    example=examples.REFUND,
    statuses={200: "It is done, or the provider refused it", 202: "The provider has not answered yet"},
    problems=("not_found", "refund_not_allowed", "idempotency_mismatch", "outcome_unknown"),
)
DECIDE = Route(
    name="decideTopup",
    method="POST",
    path="/v1/admin/topups/{topup_id}/decision",
    who=_WRITE,
    summary="Decide about money that is not what was agreed",
    description="`accept` credits the bells that were agreed, `return` gives the money back.",
    tag="operators",
    params=OfTopup,
    body=DecisionRequest,
    body_example=DecisionRequest("accept"),
    answer=TopupDetail,
    example=examples.DETAIL,
    problems=("not_found", "topup_undecided", "refund_not_allowed", "outcome_unknown"),
)


def routes(pool: Pool, desk: Desk) -> list[AnyServed]:
    """The operators' routes of top-ups."""

    async def put(asked: Asked[ApiKey, OfPackage, Package]) -> Reply:
        async with transaction(pool) as connection:
            created = await put_package(connection, asked.params.package_id, asked.body, asked.now)
        return replied(await get_package(pool, asked.params.package_id), 201 if created else 200)

    async def show(asked: Asked[ApiKey, OfPackage]) -> PackageView:
        return await get_package(pool, asked.params.package_id)

    async def packages(asked: Asked[ApiKey, Pages]) -> Page[PackageView]:
        return await list_packages(pool, asked.params.window())

    async def listed(asked: Asked[ApiKey, Sought]) -> Page[TopupOfCustomer]:
        params = asked.params
        if params.support_reference is not None or params.reference is not None:
            found = await desk.looked_up(support_reference=params.support_reference, reference=params.reference)
            wanted = [each for each in found if params.status in (None, each.status)]
            return Page([each for each in wanted if params.cust_id in (None, each.cust_id)], None)
        customer = None if params.cust_id is None else (await known_customer(pool, params.cust_id)).key
        return await desk.listed(params.status, customer, params.window())

    async def shown(asked: Asked[ApiKey, OfTopup]) -> TopupDetail:
        return await desk.shown(asked.params.topup_id)

    async def refund(asked: Asked[ApiKey, OfTopup, RefundMoney]) -> Reply:
        done = await desk.give_back(asked.params.topup_id, asked.body.refund_id, asked.body.amount)
        return replied(done, 202 if done.status == "pending" else 200)

    async def decide(asked: Asked[ApiKey, OfTopup, DecisionRequest]) -> TopupDetail:
        return await desk.decide(asked.params.topup_id, asked.body.decision)

    return [
        PUT_PACKAGE.by(put),
        SHOW_PACKAGE.by(show),
        PACKAGES.by(packages),
        LIST.by(listed),
        SHOW.by(shown),
        REFUND.by(refund),
        DECIDE.by(decide),
    ]
