"""Packages and top-ups, as operators keep and see them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool, transaction
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import topups as examples
from lingdang.routes.parameters import Pages
from lingdang.topup.packages import Package, PackageId, PackageView, get_package, list_packages, put_package


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


def routes(pool: Pool) -> list[AnyServed]:
    """The operators' routes of top-ups."""

    async def put(asked: Asked[ApiKey, OfPackage, Package]) -> Reply:
        async with transaction(pool) as connection:
            created = await put_package(connection, asked.params.package_id, asked.body, asked.now)
        return replied(await get_package(pool, asked.params.package_id), 201 if created else 200)

    async def show(asked: Asked[ApiKey, OfPackage]) -> PackageView:
        return await get_package(pool, asked.params.package_id)

    async def packages(asked: Asked[ApiKey, Pages]) -> Page[PackageView]:
        return await list_packages(pool, asked.params.window())

    return [PUT_PACKAGE.by(put), SHOW_PACKAGE.by(show), PACKAGES.by(packages)]
