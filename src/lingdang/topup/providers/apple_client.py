"""Apple's server API through its library: which answers may pass, and in which environment a purchase is."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from appstoreserverlibrary.api_client import APIException, AppStoreServerAPIClient
from appstoreserverlibrary.models.ConsumptionRequest import ConsumptionRequest
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.models.NotificationHistoryRequest import NotificationHistoryRequest

from lingdang.topup.providers.provider import Refused, Unavailable

_PASSING = frozenset({401, 408, 429})
"""A wrong key is an operator's to repair; no top-up is given up for it."""
_UNKNOWN = 404

_Answer = TypeVar("_Answer")


class AppleApi:
    """One app's API in each of its environments. Every method raises Unavailable and Refused."""

    def __init__(
        self,
        key: str,
        key_id: str,
        issuer_id: str,
        bundle_id: str,
        environments: Sequence[Environment],
        address: str | None,
    ) -> None:
        self._clients = [
            AppStoreServerAPIClient(key.encode(), key_id, issuer_id, bundle_id, environment)
            for environment in environments
        ]
        for client in self._clients:
            if address is not None:
                client._base_url = address  # the library has no other way to name it

    def transaction(self, transaction_id: str) -> str | None:
        """A purchase as a signed text; None where no environment knows it."""
        return self._in_one(lambda client: client.get_transaction_info(transaction_id).signedTransactionInfo)

    def tell_consumed(self, transaction_id: str, request: ConsumptionRequest) -> None:
        """Answer the question how much of a purchase was consumed."""
        self._in_one(lambda client: client.send_consumption_information(transaction_id, request))

    def notifications(self, span: NotificationHistoryRequest) -> Iterator[str]:
        """Every notification of a span, signed, of the first environment."""
        client, token = self._clients[0], None
        while True:
            page = _asked(lambda token=token: client.get_notification_history(token, span))  # type: ignore[misc]
            for item in page.notificationHistory or ():
                if item.signedPayload is not None:
                    yield item.signedPayload
            token = page.paginationToken
            if not page.hasMore or token is None:
                return

    def _in_one(self, call: Callable[[AppStoreServerAPIClient], _Answer]) -> _Answer | None:
        for client in self._clients:
            try:
                return _asked(lambda client=client: call(client))  # type: ignore[misc]
            except _UnknownThereError:
                continue
        return None


class _UnknownThereError(Exception):
    pass


def _asked(call: Callable[[], _Answer]) -> _Answer:
    try:
        return call()
    except APIException as error:
        if error.http_status_code == _UNKNOWN:
            raise _UnknownThereError from error
        reason = str(error.raw_api_error or error.http_status_code)
        passing = error.http_status_code >= 500 or error.http_status_code in _PASSING
        raise Unavailable(reason) if passing else Refused(reason) from error
    except Exception as error:  # those of requests, and what its models raise for an answer that is none
        raise Unavailable(type(error).__name__) from error
