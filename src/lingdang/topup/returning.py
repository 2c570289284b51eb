"""Giving a top-up's money back at its provider, as an operator asks: how much, what goes first, until it is done."""

from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.ledger.reading_left import left_on
from lingdang.topup import refunds, rows
from lingdang.topup.abreast import ABREAST, abreast
from lingdang.topup.accounts import Account, Accounts
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.refunds import Outcome, RefundRow
from lingdang.topup.rows import TopupRow

_log = structlog.get_logger(__name__)


def cash_days(setting: str) -> int:
    """For how many days what is left is given back in money, by LINGDANG_CASH_REFUNDS; 0: never."""
    return int(setting.partition(":")[2] or 0)


class Returning:
    """Gives money back. `days`: for so long after a top-up what is left of it may be given back."""

    def __init__(
        self,
        pool: Pool,
        accounts: Accounts,
        inbox: Inbox,
        following: Following,
        clock: Clock,
        *,
        buckets: int,
        days: int,
    ) -> None:
        self._pool = pool
        self._accounts = accounts
        self._inbox = inbox
        self._following = following
        self._clock = clock
        self._buckets = buckets
        self._days = days

    async def give_back(self, topup_id: UUID, refund_id: str, amount: int | None) -> RefundRow:
        """Give so much back, or what the bells that are left cost. Idempotent by `refund_id`.

        Raises Problem `not_found`, `refund_not_allowed`, `idempotency_mismatch` or `overloaded`.
        """
        row = await rows.find(self._pool, topup_id)
        if row is None:
            raise Problem("not_found")
        known = await self._known(row, refund_id)
        if known is None:
            async with connection_of(self._pool) as connection, connection.transaction():
                await self._pool.limit_transaction(connection)
                locked = await rows.locked(connection, topup_id)
                wanted = await self._allowed(connection, locked) if amount is None else amount
                estimated = amount is None
                await refunds.write_down(connection, locked, refund_id, wanted, self._clock(), estimated=estimated)
        elif amount not in (None, known.amount):
            raise Problem("idempotency_mismatch")
        return await self.carry_out(topup_id, refund_id)

    async def return_decided(self, topup_id: UUID) -> None:
        """Carry out the refunds that a decision has written down. Raises Problem."""
        row = await rows.known(self._pool, topup_id)
        async with connection_of(self._pool) as connection:
            found = await refunds.refunds_of(connection, row)
        for each in found:
            if refunds.is_return(each) and each.status == "pending":
                await self.carry_out(topup_id, each.refund_id)

    async def run(self, account: str) -> bool:
        """Carry on what is due at an account; whether there was as much as is done at once."""
        due = await refunds.claim(self._pool, account, self._clock(), ABREAST)
        await abreast(self.carry_out(topup_id, refund_id) for topup_id, refund_id in due)
        return len(due) == ABREAST

    async def carry_out(self, topup_id: UUID, refund_id: str) -> RefundRow:
        """Take the bells, give the money, and answer how the refund stands. Raises Problem."""
        row = await rows.find(self._pool, topup_id)
        assert row is not None, "it has a refund"
        refund = await self._known(row, refund_id)
        assert refund is not None, "it was written down"
        account = self._accounts.get(row.account)
        if refund.status == "pending" and account is not None:
            refund = await self._held(row, refund)
            if refund.status == "pending":
                await self._ask(account, topup_id, refund)
        ended = await self._known(row, refund_id)
        assert ended is not None, "none is removed"
        return ended

    async def _held(self, row: TopupRow, refund: RefundRow) -> RefundRow:
        """Take its bells first. What is left may have been spent since it was asked for: then it is of less."""
        if not refund.estimated:
            await self._following.rebook(row.topup_id)
            return refund
        most = refund.amount
        while refund.estimated and refund.status == "pending":
            await self._lower(row.topup_id, refund.refund_id, most)
            try:
                await self._following.hold(row.topup_id, refund.refund_id)
            except Problem as problem:
                if problem.code != "refund_not_allowed":
                    raise
                most -= 1  # so it ends, however the bells are rounded
            found = await self._known(row, refund.refund_id)
            assert found is not None, "none is removed"
            refund, most = found, min(most, found.amount)
        return refund

    async def _lower(self, topup_id: UUID, refund_id: str, most: int) -> None:
        """Have it be of what is left by now, and no more than so much."""
        async with connection_of(self._pool) as connection, connection.transaction():
            await self._pool.limit_transaction(connection)
            row = await rows.locked(connection, topup_id)
            known = await refunds.refunds_of(connection, row)
            worth, now = await self._worth(connection, row), self._clock()
            lowered = [
                refunds.lowered(each, min(worth, most), now) if each.refund_id == refund_id and each.estimated else each
                for each in known
            ]
            await refunds.save(connection, row, known, lowered)

    async def _ask(self, account: Account, topup_id: UUID, refund: RefundRow) -> None:
        row = await rows.find(self._pool, topup_id)
        assert row is not None, "none is removed"
        reference, received = row.reference, row.money
        assert reference is not None, "what was paid has one"
        amount = Money(refund.amount, received.currency)
        provider = account.provider
        try:
            given = await account.call(lambda: provider.refund(topup_id, reference, refund.refund_id, amount, received))
        except Unavailable:
            await refunds.unanswered(self._pool, row, refund.refund_id)
            return
        except Refused as refused:
            _log.warning("refund_refused", topup=str(topup_id), refund=refund.refund_id, reason=refused.reason)
            await self._following.refused(topup_id, refund.refund_id, refused.reason[:200])
            return
        now = self._clock()
        entry = f"refund {refund.refund_id} {uuid7()}"
        named = msgspec.structs.replace(given.standing, topup_id=topup_id)
        outcome = Outcome(refund.refund_id, given.state, given.reason)
        place = await self._inbox.answer(row.account, entry, named, row.version, now, outcome)
        await self._following.try_out(place)

    async def _known(self, row: TopupRow, refund_id: str) -> RefundRow | None:
        async with connection_of(self._pool) as connection:
            found = await refunds.refunds_of(connection, row)
        return next((each for each in found if each.refund_id == refund_id), None)

    async def _allowed(self, connection: Connection, row: TopupRow) -> int:
        """What the bells that are left cost. Raises Problem `refund_not_allowed`."""
        if not self._days:
            raise Problem("refund_not_allowed", reasons={"topup": "cash_refunds_off"})
        if row.credited_at is None:
            raise Problem("refund_not_allowed", reasons={"topup": "not_credited"})
        if self._clock() > row.credited_at + timedelta(days=self._days):
            raise Problem("refund_not_allowed", reasons={"topup": "too_late"})
        worth = await self._worth(connection, row)
        if not worth:
            raise Problem("refund_not_allowed", reasons={"topup": "nothing_left"})
        return worth

    async def _worth(self, connection: Connection, row: TopupRow) -> int:
        found = await left_on(connection, row.customer, row.topup_id, self._clock(), buckets=self._buckets)
        return 0 if found is None else row.received * found.left // (row.paid + row.bonus)
