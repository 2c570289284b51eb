"""Purchases in an app: the client pays at the store, then shows us the proof, which completes its top-up."""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import msgspec
import structlog

from lingdang.db.pool import Pool
from lingdang.errors import Problem, invalid_field, retry_later
from lingdang.owner import Owner
from lingdang.topup import rows
from lingdang.topup.accounts import Accounts
from lingdang.topup.agreeing import agrees
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.providers.provider import Forged, Refused, Standing, Unavailable
from lingdang.topup.rows import TopupRow
from lingdang.topup.views import get_topup

_AGAIN_SECONDS = 5

_log = structlog.get_logger(__name__)


class Purchasing:
    """Takes proofs of purchases, for all stores."""

    def __init__(self, pool: Pool, accounts: Accounts, inbox: Inbox, following: Following) -> None:
        self._pool = pool
        self._accounts = accounts
        self._inbox = inbox
        self._following = following

    async def complete(self, owner: Owner, topup_id: UUID, field: str, proof: str, now: datetime) -> TopupRow:
        """The customer's top-up, once what the proof shows is carried out. `field` is where the proof stood.

        The proof completes the top-up that it names, whichever was asked for; one that names none is left to operators.
        Raises Problem `not_found`, `topup_unavailable` where it is no store's or the store says nothing of the proof
        for good, `invalid_request` for a proof that is not the store's, `provider_unavailable`,
        `unauthenticated` or `overloaded`.
        """
        row = await get_topup(self._pool, owner, topup_id)
        account = self._accounts.get(row.account)
        store = None if account is None else account.store
        if account is None or store is None:
            raise Problem("topup_unavailable", reason="channel")
        try:
            standing = await account.call_for_customer(lambda: store.purchase(proof, now))
        except Forged as forged:
            _log.warning("purchase_forged", account=account.name, topup=str(topup_id), reason=forged.reason)
            await self._inbox.refuse(account.name, forged.reason, {}, proof.encode(), now)
            raise invalid_field(field, "It is not the store's") from None
        except Unavailable:
            raise retry_later("provider_unavailable", _AGAIN_SECONDS, why=f"{account.name} does not answer") from None
        except Refused as refused:
            _log.error("purchase_refused", account=account.name, topup=str(topup_id), reason=refused.reason)
            raise Problem("topup_unavailable", reason="refused") from None
        if not await self._is_known(account.name, standing, now):
            place = await self._inbox.answer(account.name, f"purchase {_name(row, standing)}", standing, None, now)
            await self._following.try_out(place)
        return await get_topup(self._pool, owner, topup_id)

    async def _is_known(self, account: str, standing: Standing, now: datetime) -> bool:
        """Whether nothing follows from what a store said, as when a proof is shown again."""
        if standing.reference is None:
            return False
        row = await rows.find_reference(self._pool, account, standing.reference)
        return row is not None and row.paid_at is not None and not row.is_credit_due and agrees(row, standing, now)


def _name(row: TopupRow, standing: Standing) -> str:
    """Of what the store said, whenever it said it, while the top-up stays as it is: a purchase that waits is one entry,
    however often it is shown."""
    said = msgspec.structs.replace(standing, at=datetime.fromtimestamp(0, UTC))
    return sha256(msgspec.json.encode((row.topup_id, row.version, said))).hexdigest()
