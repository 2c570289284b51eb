"""What is made of what a provider told: the top-up as it becomes, and what its customer's platform is told. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from lingdang.events import kinds
from lingdang.events.notices import Notice
from lingdang.topup.inbox import Told
from lingdang.topup.merging import is_doubtful, is_foreign, merged, tells_all
from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import NOBODY, OWED, TopupRow

ASKS = tuple(timedelta(seconds=each) for each in (30, 60, 180, 600, 1800, 3600, 21600))
"""From one asking to the next; the last one again and again."""


class Step(NamedTuple):
    """The top-up before and after."""

    before: TopupRow
    after: TopupRow

    @property
    def notices(self) -> list[Notice]:
        """What of it is told. A repeat has the same keys, and is told once."""
        was, now = self.before.status, self.after.status
        if was == now and self.before.disputed == self.after.disputed:
            return []
        found = _NOTICES.get(now)
        if found is None or self.after.customer == NOBODY:
            return []
        key = f"{self.after.topup_id} {self.after.disputed}" if now == "disputed" else str(self.after.topup_id)
        return [Notice(self.after.customer, found, key, _data(self.after))]


_NOTICES = {
    "failed": kinds.TOPUP_FAILED,
    "expired": kinds.TOPUP_EXPIRED,
    "disputed": kinds.TOPUP_DISPUTED,
    "review": kinds.TOPUP_REVIEW,
}


def _data(row: TopupRow) -> kinds.TopupTold:
    return kinds.TopupTold(
        topup_id=str(row.topup_id),
        package_id=row.package_id,
        provider=row.account,
        price=kinds.RealMoney(row.price, row.price_currency),
        received=kinds.RealMoney(row.received, row.received_currency) if row.received_currency else None,
        disputed=row.disputed,
        differs=row.differs,
    )


def advanced(row: TopupRow, told: Told, now: datetime, *, tester: bool) -> TopupRow:
    """The top-up by what was told of it, before any bells are moved."""
    standing = told.standing
    if standing is None:
        return row
    exact = told.source == "answer" and told.seen == row.version
    after = merged(row, standing, now, exact=exact, tester=tester)
    if _leaves_open(after, told, standing, exact=exact):
        owed = {OWED: standing.at} | after.told
        return msgspec.structs.replace(after, told=owed, next_ask_at=now)
    if exact and (after.paid_at is not None or after.closed is not None):
        answered = {name: at for name, at in after.told.items() if name != OWED}
        after = msgspec.structs.replace(after, told=answered)
    return msgspec.structs.replace(after, next_ask_at=_next_ask(after, now))


def _leaves_open(row: TopupRow, told: Told, standing: Standing, *, exact: bool) -> bool:
    """Whether only an answer tells how things stand now."""
    if told.source == "notification" and (is_foreign(row, standing) or is_doubtful(row, standing)):
        return True
    if told.ask or (told.source == "answer" and told.seen is not None and not exact):
        return True
    untold = standing.state == "paid" and row.paid_at is None and not tells_all(row, standing)
    return untold and told.source == "notification"


def _next_ask(row: TopupRow, now: datetime) -> datetime | None:
    """When the provider is asked next: never where it is final, and no answer is owed."""
    if row.disputed:
        return row.next_ask_at or now + ASKS[-1]
    if OWED in row.told:
        return row.next_ask_at or now
    return None if row.paid_at is not None or row.closed is not None else row.next_ask_at


def next_ask(row: TopupRow, now: datetime) -> datetime:
    """When an open top-up is asked for once more: by the schedule, and when it expires."""
    due = now + ASKS[min(row.asks, len(ASKS) - 1)]
    return min(due, row.expires_at) if row.expires_at > now else due
