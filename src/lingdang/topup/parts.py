"""The parts of top-ups that work together in one process, made once."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import msgspec

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.keys import Keyring
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import Policy
from lingdang.settings import Settings
from lingdang.topup.abreast import ABREAST, abreast
from lingdang.topup.accepted import Accepted
from lingdang.topup.accounts import Account, Accounts, make_accounts
from lingdang.topup.asking import Asking
from lingdang.topup.care import Care, Healer
from lingdang.topup.comparing import Comparing
from lingdang.topup.evidence import Evidence
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.operators import Desk
from lingdang.topup.redeeming import Redeeming
from lingdang.topup.returning import Returning, cash_days
from lingdang.topup.revoking import Revoking

ROUND = 50
"""Entries of the inbox that a healer takes at a time."""
OFTEN, SELDOM = 2.0, 30.0
"""Seconds that healers pause for: those with an account, and those with nothing that is of the moment."""


class Ground(msgspec.Struct, frozen=True):
    """What the parts stand on."""

    settings: Settings
    database_url: str
    keyring: Keyring
    buckets: int
    clock: Clock


class Topups:
    """The accounts, the inbox, and what follows from it; `pool` has their connections."""

    def __init__(self, ground: Ground, pool: Pool, settlement: Settlement, accounts: Accounts | None = None) -> None:
        self.ground = ground
        self.pool = pool
        self.settlement = settlement
        self.accounts = _accounts(ground) if accounts is None else accounts
        self.inbox = Inbox(pool, ground.keyring)
        self.evidence = Evidence(pool, self.accounts, ground.clock, ground.buckets)
        revokes = ground.settings.topup_rights == "revoke"
        self.following = Following(
            pool,
            settlement,
            self.inbox,
            ground.clock,
            ground.buckets,
            self.evidence,
            Revoking(settlement, Policy.of(ground.settings)) if revokes else None,
        )
        self.returning = Returning(
            pool,
            self.accounts,
            self.inbox,
            self.following,
            ground.clock,
            buckets=ground.buckets,
            days=cash_days(ground.settings.cash_refunds),
        )
        self.accepted = Accepted(pool, self.following)
        self.redeeming = Redeeming(pool, settlement, ground.clock)
        self.comparing = Comparing(pool, self.accounts, self.inbox, self.following, ground.clock)
        self.asking = Asking(pool, self.accounts, self.inbox, self.following, ground.clock)

    async def close(self) -> None:
        """Leave what is under way: all of it waits in the inbox."""
        await self.following.close()
        for account in self.accounts.values():
            account.close()

    def desk(self) -> Desk:
        """What operators do."""
        ground = self.ground
        return Desk(self.pool, self.inbox, self.following, self.returning, ground.clock, ground.buckets)

    def care(self, pool: Pool) -> Care:
        """The background task, which counts by this pool what is overdue."""
        counted: dict[str, Callable[[], float]] = {
            "lingdang_topup_asked_total": lambda: self.asking.asked,
            "lingdang_topup_forged_total": lambda: self.inbox.forged,
            "lingdang_topup_differing_total": lambda: self.comparing.differing,
        }
        healers = {
            "inbox": Healer(self._carry_on, OFTEN if self.accounts else SELDOM),
            "gifts": Healer(self.redeeming.run, SELDOM),
            "accepted": Healer(self.accepted.run, SELDOM),
            "forgetting": Healer(self._forget, SELDOM),
        }
        for name, account in self.accounts.items():
            healers |= {f"{work} {name}": healer for work, healer in self._healers_of(name, account).items()}
        return Care(pool, self.ground.clock, healers, counted)

    def _healers_of(self, name: str, account: Account) -> Mapping[str, Healer]:
        """Those that call an account's provider."""
        healers = {
            "asking": Healer(partial(self.asking.run, name), OFTEN),
            "returning": Healer(partial(self.returning.run, name), OFTEN),
            "comparing": Healer(partial(self.comparing.run, name), SELDOM),
        }
        if account.store is None:
            return healers
        return healers | {
            "inbox": Healer(partial(self._carry_on_store, name), OFTEN),
            "finishing": Healer(partial(self.evidence.run, name), OFTEN),
        }

    async def _carry_on(self) -> bool:
        """Carry out what waits in the inbox and is due, but for stores, which may have to be answered."""
        stores = [name for name, account in self.accounts.items() if account.store is not None]
        places = await self.inbox.claim(self.ground.clock(), stores, ROUND, others=True)
        for place in places:
            await self.following.try_out(place)
        return len(places) == ROUND

    async def _carry_on_store(self, name: str) -> bool:
        places = await self.inbox.claim(self.ground.clock(), [name], ABREAST)
        await abreast(self.following.try_out(place) for place in places)
        return len(places) == ABREAST

    async def _forget(self) -> bool:
        kept = timedelta(days=self.ground.settings.topup_inbox_days)
        return await self.inbox.forget(self.ground.clock() - kept)


def _accounts(ground: Ground) -> Accounts:
    return make_accounts(ground.settings, ground.database_url, ground.keyring)
