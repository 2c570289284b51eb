"""Bells for real money: what is sold, a customer's top-ups, and what providers tell."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.db.pool import Connection, Pool
from lingdang.http.idempotency import Idempotency
from lingdang.http.reply import Reply, encode, replied
from lingdang.http.route import ANYONE, AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.owner import Owner
from lingdang.paging import Page
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import topups as examples
from lingdang.routes.parameters import Pages
from lingdang.topup.beginning import Beginning, Offered, Once, TopupRequest
from lingdang.topup.money import Money
from lingdang.topup.packages import AccountName, PackageView, PerBell
from lingdang.topup.purchasing import Purchasing
from lingdang.topup.receiving import Receiving
from lingdang.topup.views import OneTopup, TopupView, list_topups, show_topup, view

Proof = Annotated[str, Meta(min_length=1, max_length=20_000)]


class OfTopup(msgspec.Struct, frozen=True, rename="camel"):
    """Which top-up."""

    topup_id: Annotated[UUID, Meta(description="The top-up's UUID.")]


class PurchaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the store gave the app: Apple's signed transaction, or Google's purchase token."""

    signed_transaction: Proof | None = None
    purchase_token: Proof | None = None

    def __post_init__(self) -> None:
        if (self.signed_transaction is None) == (self.purchase_token is None):
            raise ValueError("Expected `signedTransaction` or `purchaseToken`")


class OfAccount(msgspec.Struct, frozen=True):
    """Which account at a provider."""

    provider: AccountName


class PackageOffer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A package as it can be bought now: at a `price`, or a free amount of bells at a price `per_bell`."""

    package_id: str
    name: str
    currency: str
    paid: int
    bonus: int
    bonus_expires_after_days: int | None = None
    price: Money | None = None
    per_bell: PerBell | None = None
    least: int | None = None
    most: int | None = None
    providers: list[Offered]


class PackageOffers(msgspec.Struct, frozen=True):
    """Every package that can be bought now."""

    items: list[PackageOffer]


OFFERS = Route(
    name="listTopupPackages",
    method="GET",
    path="/v1/topups/packages",
    who=CUSTOMER,
    summary="What can be bought for real money",
    description="Each package with the accounts through which it can be bought.",
    tag="topups",
    answer=PackageOffers,
    example=PackageOffers(
        [
            PackageOffer(
                package_id="bells-600",
                name="600 bells and 30 more",
                currency="BELL",
                paid=600,
                bonus=30,
                bonus_expires_after_days=90,
                price=Money(600, "CNY"),
                providers=[examples.OFFERED],
            )
        ]
    ),
)
BEGIN = Route(
    name="createTopup",
    method="POST",
    path="/v1/topups",
    who=CUSTOMER,
    summary="Begin a top-up",
    description="Nothing is paid yet: `action` says what the client does next. Once it is `paid` the bells are there. "
    "Send the `terms` that the customer was shown: where the package was changed meanwhile nothing is begun.",
    tag="topups",
    body=TopupRequest,
    body_example=examples.REQUEST,
    keyed=True,
    answer=TopupView,
    example=examples.TOPUP,
    statuses={201: "It waits for its payer"},
    problems=("not_found", "topup_unavailable", "terms_changed", "topup_limit", "provider_unavailable", "rate_limited"),
)
LIST = Route(
    name="listTopups",
    method="GET",
    path="/v1/topups",
    who=CUSTOMER,
    summary="The customer's top-ups, newest first",
    description="Those that were not paid too; `status` tells.",
    tag="topups",
    params=Pages,
    answer=Page[TopupView],
    example=Page([examples.TOPUP], None),
)
SHOW = Route(
    name="getTopup",
    method="GET",
    path="/v1/topups/{topup_id}",
    who=CUSTOMER,
    summary="One top-up",
    description="Asked again and again until `status` is no longer `pending`. `bells` tells what has become of them.",
    tag="topups",
    params=OfTopup,
    answer=OneTopup,
    example=examples.ONE,
    problems=("not_found",),
)
PURCHASE = Route(
    name="completeTopup",
    method="POST",
    path="/v1/topups/{topup_id}/purchase",
    who=CUSTOMER,
    summary="Show what a store gave the app for a purchase",
    description="The purchase must have been made with the `topupId` as its account token. Once more changes nothing.",
    tag="topups",
    params=OfTopup,
    body=PurchaseRequest,
    body_example=PurchaseRequest(purchase_token="opaque-token-up-to-1500-characters"),  # noqa: S106 - an example
    answer=TopupView,
    example=examples.TOPUP,
    problems=("not_found", "topup_unavailable", "provider_unavailable"),
)
NOTIFY = Route(
    name="notifyTopup",
    method="POST",
    path="/v1/topups/notify/{provider}",
    who=ANYONE,
    summary="A provider tells what has become of payments",
    description="For providers alone: what is not signed by them is refused. Answered as each documents it.",
    tag="topups",
    params=OfAccount,
    body=bytes,
    answer=str,
    example="success",
    media_type="text/plain",
    statuses={200: "It was taken"},
    problems=("not_found",),
    short_way=True,
)


def routes(
    pool: Pool, beginning: Beginning, receiving: Receiving, purchasing: Purchasing, idempotency: Idempotency
) -> list[AnyServed]:
    """The routes of customers and providers."""

    async def offers(asked: Asked[Session]) -> PackageOffers:  # noqa: ARG001 - the same for all
        return PackageOffers([_offer(package, offered) for package, offered in await beginning.sold()])

    async def begin(asked: Asked[Session, Nothing, TopupRequest]) -> Reply:
        owner, now, body = asked.who.owner, asked.now, encode(asked.body)
        key = asked.header(b"idempotency-key")

        if key is None:
            return replied(view(await beginning.begin(owner, asked.body, now)), 201)
        once = _once(idempotency, owner, key, body, now)

        async def produce() -> Reply:
            return replied(view(await beginning.begin(owner, asked.body, now, once)), 201)

        return await idempotency.once_as(owner, "POST /v1/topups", key, body, now, produce)

    async def everything(asked: Asked[Session, Pages]) -> Page[TopupView]:
        return await list_topups(pool, asked.who.owner, asked.params.window())

    async def show(asked: Asked[Session, OfTopup]) -> OneTopup:
        return await show_topup(pool, asked.who.owner, asked.params.topup_id)

    async def purchase(asked: Asked[Session, OfTopup, PurchaseRequest]) -> TopupView:
        body = asked.body
        field = "purchase_token" if body.signed_transaction is None else "signed_transaction"
        proof = body.signed_transaction or body.purchase_token or ""
        owner, topup_id = asked.who.owner, asked.params.topup_id
        return view(await purchasing.complete(owner, topup_id, field, proof, asked.now))

    async def notify(asked: Asked[None, OfAccount, bytes]) -> Reply:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in asked.headers.items()}
        said = await receiving.take(asked.params.provider, headers, asked.body, asked.now)
        return Reply(said.body, said.status, ((b"content-type", said.content_type.encode()),))

    return [
        OFFERS.by(offers),
        BEGIN.by(begin),
        LIST.by(everything),
        SHOW.by(show),
        PURCHASE.by(purchase),
        NOTIFY.by(notify),
    ]


def _once(idempotency: Idempotency, owner: Owner, key: str, body: bytes, now: datetime) -> Once:
    """Of requests with one key at the same moment one writes the top-up down; all open the same payment."""

    async def once(connection: Connection, write: Callable[[], Awaitable[UUID]]) -> UUID:
        async def written() -> Reply:
            return Reply(str(await write()).encode())

        return UUID((await idempotency.once_within(connection, owner, "begun", key, body, now, written)).body.decode())

    return once


def _offer(package: PackageView, offered: list[Offered]) -> PackageOffer:
    return PackageOffer(
        package_id=package.package_id,
        name=package.name,
        currency=package.currency,
        paid=package.paid,
        bonus=package.bonus,
        bonus_expires_after_days=package.bonus_expires_after_days,
        price=package.price,
        per_bell=package.per_bell,
        least=package.least,
        most=package.most,
        providers=offered,
    )
