"""Receiving notifications: verified, then written down, then answered; what they mean is carried out beside."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from lingdang.errors import Problem, retry_later
from lingdang.topup.accounts import Accounts
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.providers.provider import Forged, NotificationReply, Unavailable

NOT_UTF8 = "not utf-8"

_log = structlog.get_logger(__name__)


class Receiving:
    """Takes what providers send, for all accounts."""

    def __init__(self, accounts: Accounts, inbox: Inbox, following: Following) -> None:
        self._accounts = accounts
        self._inbox = inbox
        self._following = following

    async def take(
        self, account_name: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> NotificationReply:
        """What the provider is answered. Once it is answered that it was taken, it is written down.

        Raises Problem `not_found` for an account that there is not, `invalid_request` for a body that is no UTF-8,
        `overloaded` where it shall send again.
        """
        account = self._accounts.get(account_name)
        if account is None:
            raise Problem("not_found")
        try:
            if not _is_utf8(body):
                raise Forged(NOT_UTF8)
            notification = await account.read(headers, body, now)
        except Forged as forged:
            _log.warning("notification_forged", account=account_name, reason=forged.reason)
            await self._inbox.refuse(account_name, forged.reason, headers, body, now)
            if forged.reason == NOT_UTF8:
                raise Problem("invalid_request", errors=[{"field": "body", "message": "Expected UTF-8"}]) from None
            return account.provider.reply(accepted=False)
        except Unavailable:
            raise retry_later("overloaded", 5, why=f"{account_name} cannot be verified now") from None
        taken = await self._inbox.take(account_name, notification, headers, body, now)
        told = {"account": account_name, "type": notification.type, "notification": notification.id}
        _log.info("notification_taken" if taken else "notification_repeated", **told)
        if taken is not None:
            self._following.soon(*taken)
        return account.provider.reply(accepted=True)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
