"""Beginning a top-up: what is agreed is written down, then the provider opens a payment for it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.errors import Problem, invalid_field, retry_later
from lingdang.ids import uuid7
from lingdang.owner import Owner, transaction_as
from lingdang.topup import rows
from lingdang.topup.accounts import Account, Accounts
from lingdang.topup.advancing import next_ask
from lingdang.topup.following import Following
from lingdang.topup.limits import Caps, refuse_beyond
from lingdang.topup.packages import AccountName, PackageId, PackageView, get_package, packages_sold
from lingdang.topup.pricing import Terms, agree, refuse_other
from lingdang.topup.providers.provider import Begun, Channel, Order, Refused, Unavailable
from lingdang.topup.rows import TopupRow

OPEN_FOR: Mapping[bool, timedelta] = {False: timedelta(hours=1), True: timedelta(days=3)}
"""How long a top-up may be paid: on the web, and at a store."""
AGAIN_SECONDS = 5
_ID = "{topupId}"
"""In an address: the top-up's id, which its client does not know yet."""

Once = Callable[[Connection, Callable[[], Awaitable[UUID]]], Awaitable[UUID]]
"""Has a top-up written down, in the transaction on the connection, unless that was done before; answers its id."""

_log = structlog.get_logger(__name__)


class TopupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a customer wants to buy, and how. `amount` is the bells of a package with a free amount.

    `terms` are those that the customer was shown: where they are others by now, nothing is begun.

    `payer_id` is who pays as the provider knows them, where it asks for that. `return_url` is where the provider sends
    them afterwards: a path of the shop, or an address of an origin that the shop allows. `{topupId}` in it stands for
    the top-up's id.
    """

    package_id: PackageId
    provider: AccountName
    channel: Channel
    amount: int | None = None
    terms: Terms | None = None
    payer_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    return_url: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None


class Offered(msgspec.Struct, frozen=True):
    """An account through which a package can be bought, of which kind, and by which channels."""

    provider: str
    kind: str
    channels: list[Channel]


class Beginning:
    """Begins top-ups. `site` is where the shop is found; `origins` are those that a payer may be sent back to."""

    def __init__(
        self,
        pool: Pool,
        accounts: Accounts,
        following: Following,
        caps: Caps,
        site: str | None,
        origins: Sequence[str],
    ) -> None:
        self._pool = pool
        self._accounts = accounts
        self._following = following
        self._caps = caps
        self._site = site or ""
        self._origins = {*origins, *([site] if site else [])}

    async def sold(self) -> list[tuple[PackageView, list[Offered]]]:
        """The packages that can be bought, each with the accounts for it. Raises Problem `overloaded`."""
        found = [(package, self._offered(package)) for package in await packages_sold(self._pool)]
        return [(package, offered) for package, offered in found if offered]

    async def begin(self, owner: Owner, request: TopupRequest, now: datetime, once: Once | None = None) -> TopupRow:
        """A new top-up that waits for its payer, or the one that was written down `once` before.

        One that its provider refuses for good has failed.

        Raises Problem `not_found`, `invalid_request`, `topup_unavailable`, `terms_changed`, `topup_limit`,
        `rate_limited`, `provider_unavailable`, `unauthenticated` or `overloaded`.
        """
        package = await get_package(self._pool, request.package_id)
        account = self._account(package, request)
        agreed = agree(package, request.amount)
        if isinstance(agreed, Problem):
            raise agreed
        is_store, topup_id = request.channel == "store", uuid7(now)
        row = TopupRow(
            customer=owner.customer,
            topup_id=topup_id,
            bucket=owner.bucket,
            package_id=package.package_id,
            name=package.name,
            account=account.name,
            channel=request.channel,
            currency=agreed.currency,
            paid=agreed.paid,
            bonus=agreed.bonus,
            bonus_days=agreed.bonus_expires_after_days,
            price=agreed.price.amount,
            price_currency=agreed.price.currency,
            store_product=package.store_products.get(account.name),
            return_url=self._return_url(request.return_url, topup_id),
            created_at=now,
            expires_at=now + OPEN_FOR[is_store],
        )
        row = msgspec.structs.replace(row, next_ask_at=next_ask(row, now))
        async with transaction_as(self._pool, owner) as connection:

            async def write() -> UUID:
                refuse_other(request.terms, agreed)
                await refuse_beyond(connection, self._caps, owner.bucket, owner.customer, agreed.price, now)
                await rows.insert(connection, row)
                return row.topup_id

            written = await (write() if once is None else once(connection, write))
            if written != row.topup_id:
                row = await rows.locked(connection, written)
        if row.closed is not None:
            raise Problem("topup_unavailable", reason="refused")
        return row if row.action is not None else await self._begun(account, row, request.payer_id)

    async def _begun(self, account: Account, row: TopupRow, payer_id: str | None) -> TopupRow:
        order = self._order(row, payer_id)
        try:
            begun = await account.call_for_customer(lambda: account.provider.begin(order))
        except Unavailable:
            raise retry_later("provider_unavailable", AGAIN_SECONDS, why=f"{account.name} does not answer") from None
        except Refused as refused:
            _log.error("topup_refused", account=account.name, topup=str(row.topup_id), reason=refused.reason)
            await self._following.decide(row.topup_id, _failed)
            raise Problem("topup_unavailable", reason="refused") from None
        async with connection_of(self._pool) as connection, connection.transaction():
            await self._pool.limit_transaction(connection)
            return await _with(connection, row.topup_id, begun)

    def _order(self, row: TopupRow, payer_id: str | None) -> Order:
        back = row.return_url
        if back is None and self._site:
            back = "/"  # some pages of providers cannot be without
        return Order(
            topup_id=row.topup_id,
            name=row.name,
            price=row.agreed,
            channel=row.channel,
            expires_at=row.expires_at,
            notify_url=f"{self._site}/v1/topups/notify/{row.account}",
            return_url=self._site + back if back is not None and back.startswith("/") else back,
            payer_id=payer_id,
            store_product=row.store_product,
        )

    def _offered(self, package: PackageView) -> list[Offered]:
        accounts = [self._accounts[name] for name in self._names(package)]
        return [
            Offered(each.name, each.provider.kind, list(each.provider.channels))
            for each in accounts
            if _takes(each, package)
        ]

    def _names(self, package: PackageView) -> list[str]:
        return [name for name in self._accounts if not package.providers or name in package.providers]

    def _account(self, package: PackageView, request: TopupRequest) -> Account:
        """Raises Problem `topup_unavailable` with what stands against it."""
        account = self._accounts.get(request.provider)
        if account is None or request.provider not in self._names(package) or not _takes(account, package):
            raise Problem("topup_unavailable", reason="provider")
        if not package.active:
            raise Problem("topup_unavailable", reason="withdrawn")
        if request.channel not in account.provider.channels:
            raise Problem("topup_unavailable", reason="channel")
        return account

    def _return_url(self, asked: str | None, topup_id: UUID) -> str | None:
        url = None if asked is None else asked.replace(_ID, str(topup_id), 1)
        if url is None or (url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()):
            return url
        if _origin_of(url) not in self._origins or not url.isascii() or not url.isprintable():
            raise invalid_field("return_url", "Expected a path of the shop, or an address of an allowed origin")
        return url


def _origin_of(url: str) -> str | None:
    """Its origin as it is written; None where it has none, or begins with what a browser would leave out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if url.startswith(origin) else None


def _takes(account: Account, package: PackageView) -> bool:
    """Whether the account takes the package's money; a store has to sell it."""
    provider = account.provider
    if "store" in provider.channels:
        return account.name in package.store_products
    return provider.currencies is None or package.money in provider.currencies


def _failed(row: TopupRow) -> TopupRow:
    """The top-up that nobody can pay, unless its provider told of something meanwhile."""
    if row.paid_at is not None or row.closed is not None:
        return row
    return msgspec.structs.replace(row, closed="failed", next_ask_at=None)


async def _with(connection: Connection, topup_id: UUID, begun: Begun) -> TopupRow:
    """The top-up with what the provider opened. What it told meanwhile stays."""
    row = await rows.locked(connection, topup_id)
    reference = row.reference if row.reference is not None else begun.reference
    changed = msgspec.structs.replace(row, action=begun.action, reference=reference)
    await rows.update(connection, changed)
    return changed
