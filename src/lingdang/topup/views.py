"""A top-up as its customer sees it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.ledger.reading_moved import moved_of
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, foreign_cursor, page
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Action, Channel
from lingdang.topup.rows import SELECT, TopupRow, row_of
from lingdang.topup.status import Status

_ONE = f"{SELECT} WHERE bucket = %b AND customer = %b AND topup_id = %b"
_LIST = f"{SELECT} WHERE bucket = %b AND customer = %b AND topup_id < %b ORDER BY topup_id DESC LIMIT %b"
_ALL = f"{SELECT} WHERE topup_id < %b ORDER BY topup_id DESC LIMIT %b"
_IN_STATE = f"{SELECT} WHERE status = %b AND topup_id < %b ORDER BY topup_id DESC LIMIT %b"
_OF_ONE = f"""
{SELECT} WHERE bucket = %b AND customer = %b AND topup_id < %b AND (%b::text IS NULL OR status = %b)
 ORDER BY topup_id DESC LIMIT %b
"""
BEYOND = UUID(int=2**128 - 1)


class ActionView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the client does next: opens `url`, shows it as a QR code, or hands `params` to the provider's own code."""

    kind: Literal["redirect", "qr", "app", "store", "none"]
    url: str | None = None
    params: dict[str, str] = {}


class TopupView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A top-up: what was agreed, and what has come of it. `received` is the money that came, null while none has.

    `refunded` is what went back, `disputed` what is held by disputes that are open, `lost` what lost ones took, all in
    minor units of the money.
    In review it has a `support_reference` to give to the shop.
    """

    topup_id: str
    status: Status
    package_id: str
    name: str
    provider: str
    channel: Channel
    currency: str
    paid: int
    bonus: int
    price: Money
    received: Money | None
    refunded: int
    disputed: int
    lost: int
    action: ActionView
    support_reference: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    credited_at: datetime | None


class BellsView(msgspec.Struct, frozen=True, rename="camel"):
    """What moved a top-up's bells since they came: `debt_paid` of them paid what was owed, `taken` went back with their
    money, of which `owed` had been spent and became a debt, and `frozen` are held by an open dispute.
    """

    debt_paid: int
    taken: int
    owed: int
    frozen: int


class OneTopup(TopupView, frozen=True, rename="camel", kw_only=True):
    """A top-up with what moved its bells; `bells` is null while it was not credited."""

    bells: BellsView | None


async def get_topup(pool: Pool, owner: Owner, topup_id: UUID) -> TopupRow:
    """The customer's top-up. Raises Problem `not_found`, and as `fetch_as`."""
    for row in await fetch_as(pool, owner, _ONE, (owner.bucket, owner.customer, topup_id)):
        return row_of(row)
    raise Problem("not_found")


async def show_topup(pool: Pool, owner: Owner, topup_id: UUID) -> OneTopup:
    """The customer's top-up with its bells. Raises Problem `overloaded`, and as `get_topup`."""
    row = await get_topup(pool, owner, topup_id)
    found = None if row.credited_at is None else await moved_of(pool, owner.bucket, owner.customer, topup_id)
    bells = None if found is None else BellsView(found.debt_paid, found.taken, found.owed, found.frozen)
    return OneTopup(**msgspec.structs.asdict(view(row)), bells=bells)


async def list_topups(pool: Pool, owner: Owner, window: Window) -> Page[TopupView]:
    """The customer's top-ups, newest first."""
    below = read_id(window)
    rows = await fetch_as(pool, owner, _LIST, (owner.bucket, owner.customer, below, window.limit + 1))
    views = [view(row_of(row)) for row in rows]
    return page(views, [each.topup_id for each in views], window.limit)


async def list_all(pool: Pool, status: Status | None, window: Window) -> list[TopupRow]:
    """Top-ups of all customers, newest first, one more than asked for where there is one."""
    below = read_id(window)
    if status is None:
        rows = await fetch_all(pool, _ALL, (below, window.limit + 1))
    else:
        rows = await fetch_all(pool, _IN_STATE, (status, below, window.limit + 1))
    return [row_of(row) for row in rows]


async def list_of(pool: Pool, bucket: int, customer: int, status: Status | None, window: Window) -> list[TopupRow]:
    """One customer's, likewise."""
    values = (bucket, customer, read_id(window), status, status, window.limit + 1)
    return [row_of(row) for row in await fetch_all(pool, _OF_ONE, values)]


def read_id(window: Window) -> UUID:
    """Below which id a page begins. Raises Problem `invalid_request`."""
    if window.after is None:
        return BEYOND
    try:
        return UUID(window.after)
    except ValueError:
        raise foreign_cursor() from None


def view(row: TopupRow) -> TopupView:
    """The top-up as its customer sees it."""
    status = row.status
    return TopupView(
        topup_id=str(row.topup_id),
        status=status,
        package_id=row.package_id,
        name=row.name,
        provider=row.account,
        channel=row.channel,
        currency=row.currency,
        paid=row.paid,
        bonus=row.bonus,
        price=row.agreed,
        received=row.money if row.received_currency else None,
        refunded=row.refunded,
        disputed=row.disputed,
        lost=row.lost,
        action=_action(row.action) if status == "pending" and row.action else ActionView("none"),
        support_reference=support_reference(row.topup_id) if status == "review" else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        credited_at=row.credited_at,
    )


def support_reference(topup_id: UUID) -> str:
    """What a customer tells the shop: the end of the id, in three groups."""
    end = topup_id.hex[-12:].upper()
    return f"{end[:4]}-{end[4:8]}-{end[8:]}"


def _action(action: Action) -> ActionView:
    return ActionView(action.kind, action.url, dict(action.params))
