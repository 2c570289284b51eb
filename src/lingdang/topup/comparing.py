"""Comparing, once a day and account: the provider's list of a day with what was credited, both ways.

Money that is not known here is asked for by the ordinary door, and so credited. Bells whose money the provider does not
know of are an operator's to decide about. Doing it twice is doing it once, so a day that was broken off begins anew.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.topup import days, rows
from lingdang.topup.accounts import Account, Accounts
from lingdang.topup.agreeing import agrees, has_its_money
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.merging import LIST, is_another
from lingdang.topup.providers.provider import Refused, Standing, Unavailable
from lingdang.topup.rows import SELECT, TopupRow, row_of

AT_ONCE = 500
"""Payments that are looked up at a time."""
MOST_MISSING = 1000
"""A list that lacks more credits of a day is not believed."""

_BY_REFERENCES = f"{SELECT} WHERE account = %b AND reference = ANY (%b)"
_CREDITED = """
SELECT topup_id FROM topup
 WHERE account = %b AND paid_at >= %b AND paid_at < %b AND credited_at IS NOT NULL AND %b <> ALL (differs)
"""

_log = structlog.get_logger(__name__)


class Compared(msgspec.Struct, frozen=True):
    """How many payments a day's list had, and how many top-ups were not as it has them."""

    listed: int
    differing: int


class Comparing:
    """Compares, for all accounts. `differing` counts differences."""

    def __init__(self, pool: Pool, accounts: Accounts, inbox: Inbox, following: Following, clock: Clock) -> None:
        self._pool = pool
        self._accounts = accounts
        self._inbox = inbox
        self._following = following
        self._clock = clock
        self.differing = 0

    async def run(self, name: str) -> bool:
        """Compare a day of an account, if one is due; whether it was."""
        await days.add_ready(self._pool, name, self._accounts[name].provider.listing, self._clock())
        day = await days.claim(self._pool, name, self._clock())
        if day is None:
            return False
        try:
            await self.compare(name, day)
        except (Unavailable, Refused, Problem) as error:
            _log.warning("list_postponed", account=name, day=str(day), reason=str(error))
            await days.later(self._pool, name, day, self._clock())
        return True

    async def compare(self, name: str, day: date) -> Compared:
        """Compare a day of an account, and do what follows. Raises Unavailable, Refused and Problem: once more then."""
        account = self._accounts[name]
        listed = await account.listed(day)
        known, differing = set[UUID](), 0
        for start in range(0, len(listed), AT_ONCE):
            part = listed[start : start + AT_ONCE]
            for standing, row in zip(part, await self._found(name, part), strict=True):
                if row is not None:
                    known.add(row.topup_id)
                differing += await self._looked_at(account, day, standing, row)
        if account.provider.listing.whole:
            differing += await self._missing(account, day, known)
        await days.done(self._pool, name, day, self._clock(), len(listed), differing)
        self.differing += differing
        return Compared(len(listed), differing)

    async def _found(self, name: str, part: Sequence[Standing]) -> list[TopupRow | None]:
        """The top-up of each payment; None for one that no top-up has."""
        references = [each.reference for each in part if each.reference is not None]
        numbers = [each.topup_id for each in part if each.topup_id is not None]
        with_reference = [row_of(row) for row in await fetch_all(self._pool, _BY_REFERENCES, (name, references))]
        by_reference = {row.reference: row for row in with_reference}
        by_id = {row.topup_id: row for row in await rows.find_all(self._pool, numbers)}
        found = []
        for each in part:
            row = None if each.reference is None else by_reference.get(each.reference)
            if row is None and each.topup_id is not None:
                row = by_id.get(each.topup_id)
            found.append(None if row is None or row.account != name or is_another(row, each) else row)
        return found

    async def _looked_at(self, account: Account, day: date, standing: Standing, row: TopupRow | None) -> bool:
        """Whether it differs; what follows from it is then done."""
        if row is None:
            # Of a payment of somebody else's at the same account the list may tell that it went back, and no more.
            if standing.topup_id is None and standing.received is None:
                return False
            await self._hear(account, day, standing, None)
            return True
        if agrees(row, standing, self._clock()):
            return False
        await self._ask(account, day, row)
        now = await rows.known(self._pool, row.topup_id)
        if now.paid_at is not None and standing.proven and not agrees(now, standing, self._clock()):
            # Of what was paid it tells what came back, which not every provider answers.
            await self._hear(account, day, standing, None)
            now = await rows.known(self._pool, row.topup_id)
        if not agrees(now, standing, self._clock()):
            await self._flag(day, row)
            return True
        return _sums(now) != _sums(row)

    async def _missing(self, account: Account, day: date, known: set[UUID]) -> int:
        """How many of the day's credits are not on the list, though the provider knows nothing of their money."""
        bounds = days.bounds(account.provider.listing, day)
        credited = await fetch_all(self._pool, _CREDITED, (account.name, *bounds, LIST))
        missing = [topup_id for (topup_id,) in credited if topup_id not in known]
        if len(missing) > MOST_MISSING:
            raise Unavailable(f"list: lacks {len(missing)} credits")
        lacking = 0
        for row in await rows.find_all(self._pool, missing):
            # One that was paid at the end of a day may be on another day's list.
            told = await self._ask(account, day, row)
            if told is None or told.state != "paid" or not has_its_money(row, told):
                await self._flag(day, row)
                lacking += 1
        return lacking

    async def _ask(self, account: Account, day: date, row: TopupRow) -> Standing | None:
        """What the provider answers of a payment, which is then carried out."""
        provider = account.provider
        told = await account.call(lambda: provider.ask(row.topup_id, row.reference))
        if told is not None:
            await self._hear(account, day, msgspec.structs.replace(told, topup_id=row.topup_id), row.version)
        return told

    async def _hear(self, account: Account, day: date, standing: Standing, seen: int | None) -> None:
        entry = f"{LIST} {day} {uuid7()}"
        await self._following.carry_out(await self._inbox.answer(account.name, entry, standing, seen, self._clock()))

    async def _flag(self, day: date, row: TopupRow) -> None:
        """Leave it to an operator. Bells that it has stay."""
        _log.error("topup_not_as_listed", account=row.account, day=str(day), topup=str(row.topup_id))
        await self._following.decide(row.topup_id, _flagged)


def _sums(row: TopupRow) -> tuple[object, ...]:
    return (row.paid_at is None, row.received, row.refunded, row.disputed, row.lost)


def _flagged(row: TopupRow) -> TopupRow:
    return row if LIST in row.differs else msgspec.structs.replace(row, differs=(*row.differs, LIST), decided=None)
