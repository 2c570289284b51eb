"""Top-ups as operators see them: whose, what differs, what is left of the bells, what was told, what was given back."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from lingdang.clock import Clock
from lingdang.db.pool import Pool, connection_of, fetch_all
from lingdang.errors import Problem
from lingdang.identity.customers import ERASED
from lingdang.ids import bucket_of
from lingdang.ledger.reading_left import TopUpLeft, left_of
from lingdang.paging import Page, Window, page
from lingdang.topup import looking_up, refunds, rows
from lingdang.topup.evidence import consumed
from lingdang.topup.following import Following
from lingdang.topup.inbox import Heard, Inbox
from lingdang.topup.refunds import RETURN, RefundRow, RefundStatus
from lingdang.topup.returning import Returning
from lingdang.topup.rows import NOBODY, TopupRow
from lingdang.topup.status import Decided, Status
from lingdang.topup.views import TopupView, list_all, list_of, view

_NAMES = "SELECT customer, customer_id FROM customer WHERE customer = ANY (%b)"

Decision = Literal["accept", "return"]


class TopupOfCustomer(TopupView, frozen=True, rename="camel", kw_only=True):
    """A top-up with whose it is (null: nobody's, or of a customer who was erased), and what differs of its money."""

    cust_id: str | None
    reference: str | None
    test: bool
    differs: list[str]
    decided: Decided | None


class LeftView(msgspec.Struct, frozen=True, rename="camel"):
    """What has become of a top-up's bells: credited = left + spent + frozen + taken. What has lapsed is spent.

    `consumed` is the share that was spent, in thousandths of a percent, as stores are told it.
    """

    left: int
    spent: int
    frozen: int
    taken: int
    debt: int
    consumed: int


class RefundOfMoney(msgspec.Struct, frozen=True, rename="camel"):
    """Money that was given back as an operator asked, in minor units; `refused` is the provider's reason."""

    refund_id: str
    amount: int
    currency: str
    status: RefundStatus
    asked_at: datetime
    done_at: datetime | None
    refused: str | None


class TopupDetail(TopupOfCustomer, frozen=True, rename="camel", kw_only=True):
    """A top-up with all that is known of it; `left` is null while it was not credited."""

    left: LeftView | None
    refunds: list[RefundOfMoney]
    heard: list[Heard]


class Desk:
    """What operators do with top-ups."""

    def __init__(
        self, pool: Pool, inbox: Inbox, following: Following, returning: Returning, clock: Clock, buckets: int
    ) -> None:
        self._pool = pool
        self._inbox = inbox
        self._following = following
        self._returning = returning
        self._clock = clock
        self._buckets = buckets

    async def listed(self, status: Status | None, customer: int | None, window: Window) -> Page[TopupOfCustomer]:
        """Top-ups, newest first: of all customers or of one, in one state or in any."""
        if customer is None:
            found = await list_all(self._pool, status, window)
        else:
            found = await list_of(self._pool, bucket_of(customer, self._buckets), customer, status, window)
        names = await self._names([row.customer for row in found])
        return page([_told(row, names) for row in found], [str(row.topup_id) for row in found], window.limit)

    async def looked_up(self, *, support_reference: str | None, reference: str | None) -> list[TopupOfCustomer]:
        """Top-ups by what their customer was told, by the payment's id at its provider, or by both."""
        found = [] if support_reference is None else await looking_up.of_support(self._pool, support_reference)
        if reference is not None:
            paid = await looking_up.of_payment(self._pool, reference)
            found = paid if support_reference is None else [row for row in paid if row in found]
        names = await self._names([row.customer for row in found])
        return [_told(row, names) for row in found]

    async def shown(self, topup_id: UUID) -> TopupDetail:
        """One top-up. Raises Problem `not_found`."""
        row = await rows.find(self._pool, topup_id)
        if row is None:
            raise Problem("not_found")
        names = await self._names([row.customer])
        left = await left_of(self._pool, row.customer, topup_id, self._clock(), buckets=self._buckets)
        async with connection_of(self._pool) as connection:
            given_back = await refunds.refunds_of(connection, row)
        return TopupDetail(
            **msgspec.structs.asdict(_told(row, names)),
            left=None if left is None else _left(left),
            refunds=[_refund(row, each) for each in given_back],
            heard=list(await self._inbox.of_topup(topup_id, row.account, row.reference)),
        )

    async def _names(self, customers: list[int]) -> dict[int, str]:
        """What customers are called, without those who were erased."""
        found = await fetch_all(self._pool, _NAMES, (customers,))
        return {key: cust_id for key, cust_id in found if not cust_id.startswith(ERASED)}

    async def give_back(self, topup_id: UUID, refund_id: str, amount: int | None) -> RefundOfMoney:
        """Give money back. Raises as Returning.give_back."""
        if refund_id == RETURN:
            raise Problem("idempotency_mismatch")
        refund = await self._returning.give_back(topup_id, refund_id, amount)
        row = await rows.find(self._pool, topup_id)
        assert row is not None, "it has a refund"
        return _refund(row, refund)

    async def decide(self, topup_id: UUID, decision: Decision) -> TopupDetail:
        """Credit what was agreed though the money is another one, or return the money. Once more changes nothing.

        A return that the provider refuses is undecided again. What a dispute holds is returned once it is won.

        Raises Problem `not_found`, or `topup_undecided` for what is not in review or was decided otherwise.
        """
        await self._following.decide(topup_id, lambda found: _decided(found, decision))
        if decision == "return":
            await self._returning.return_decided(topup_id)
        return await self.shown(topup_id)


def _decided(row: TopupRow, decision: Decision) -> TopupRow:
    wanted: Decided = "accepted" if decision == "accept" else "returned"
    if row.decided == wanted:
        return row
    if row.status != "review" or row.decided is not None:
        raise Problem("topup_undecided", reason="not_in_review")
    if wanted == "accepted" and (why_not := _why_not_accepted(row)):
        raise Problem("topup_undecided", reason=why_not)
    if wanted == "returned" and row.credited_at is not None:
        raise Problem(
            "topup_undecided", reason="credited"
        )  # its money is given back by a refund, which takes the bells
    return msgspec.structs.replace(row, decided=wanted)


def _why_not_accepted(row: TopupRow) -> str | None:
    if row.customer == NOBODY:
        return "of_nobody"
    if not row.paid + row.bonus:
        return "no_bells"  # it names a top-up of another account: nothing was agreed at its own
    return None if row.received else "not_paid"


def _told(row: TopupRow, names: dict[int, str]) -> TopupOfCustomer:
    return TopupOfCustomer(
        **msgspec.structs.asdict(view(row)),
        cust_id=names.get(row.customer),
        reference=row.reference,
        test=row.test,
        differs=list(row.differs),
        decided=row.decided,
    )


def _left(found: TopUpLeft) -> LeftView:
    return LeftView(found.left, found.spent, found.frozen, found.taken, found.debt, consumed(found))


def _refund(row: TopupRow, refund: RefundRow) -> RefundOfMoney:
    return RefundOfMoney(
        refund_id=refund.refund_id,
        amount=refund.amount,
        currency=row.money.currency,
        status=refund.status,
        asked_at=refund.asked_at,
        done_at=refund.done_at,
        refused=refund.refused,
    )
