"""A customer's wallet: balances, movements, and the signed statement of account."""

from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.ids import DEFAULT_CURRENCY, Currency, Customer
from lingdang.journal.statements import Statements, Wanted, read_period
from lingdang.library.wallets import EntryView, WalletView, list_entries, view_wallet
from lingdang.owner import transaction_as
from lingdang.paging import Page, read_seq, to_cursor, window
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import bought
from lingdang.routes.parameters import Cursor, Pages


class Period(msgspec.Struct, frozen=True, rename="camel"):
    """Which wallet, and when."""

    currency: Currency = DEFAULT_CURRENCY
    since: Annotated[
        str | None,
        Meta(description="A day, of LINGDANG_TIME_ZONE, or a moment: 2026-11-23 or 2026-11-23T08:00:00Z."),
    ] = msgspec.field(default=None, name="from")
    until: Annotated[
        str | None, Meta(description="A day, to its end, or the moment before which; now unless told.")
    ] = msgspec.field(default=None, name="to")
    cursor: Cursor = None


class StatementView(msgspec.Struct, frozen=True, rename="camel"):
    """A statement of account as a JWS compact. `next_cursor` brings the next page, which joins up with this one."""

    statement: str
    next_cursor: str | None


WALLET = Route(
    name="getWallet",
    method="GET",
    path="/v1/wallet",
    who=CUSTOMER,
    summary="What the customer can spend",
    description="The balance of each currency, and what of it lapses when.",
    tag="wallet",
    answer=WalletView,
    example=bought.WALLET,
)
ENTRIES = Route(
    name="listWalletEntries",
    method="GET",
    path="/v1/wallet/entries",
    who=CUSTOMER,
    summary="Every movement of the wallet, newest first",
    description="Each movement has the balance right after it.",
    tag="wallet",
    params=Pages,
    answer=Page[EntryView],
    example=Page([bought.ENTRY], None),
)
STATEMENT = Route(
    name="getWalletStatement",
    method="GET",
    path="/v1/wallet/statement",
    who=CUSTOMER,
    summary="A signed statement of account",
    description="Every movement of a period, with the balances before and after, as a JWS that anybody verifies "
    "offline. A long statement has several pages that join up.",
    tag="wallet",
    params=Period,
    answer=StatementView,
    example=StatementView("eyJhbGciOiJFZERTQSIs….….…", None),
)


def routes(pool: Pool, reports: Pool, statements: Statements, zone: ZoneInfo) -> list[AnyServed]:
    """The wallet's routes; the statement of account reads much, by the pool of reports."""

    async def wallet(asked: Asked[Session]) -> WalletView:
        return await view_wallet(pool, asked.who.owner, asked.now)

    async def entries(asked: Asked[Session, Pages]) -> Page[EntryView]:
        return await list_entries(pool, asked.who.owner, asked.params.window())

    async def statement(asked: Asked[Session, Period]) -> StatementView:
        owner, now, params = asked.who.owner, asked.now, asked.params
        period = read_period(params.since, params.until, now, zone)
        after = read_seq(window(None, params.cursor).after)
        wanted = Wanted(owner.bucket, Customer(owner.customer, owner.cust_id), params.currency, *period, after)
        async with transaction_as(reports, owner) as connection:
            made = await statements.make(connection, wanted, now)
        return StatementView(made.statement, None if made.next_seq is None else to_cursor(str(made.next_seq)))

    return [WALLET.by(wallet), ENTRIES.by(entries), STATEMENT.by(statement)]
