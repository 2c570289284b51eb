"""Stripe's API through its library: which answers may pass, which are final, and lists page by page."""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import msgspec
import stripe

from lingdang.topup.providers.provider import Refused, Unavailable

_SECONDS = 20
_PAGE = 100
_PASSING = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    # A wrong key is an operator's to repair; no top-up is given up for it.
    stripe.AuthenticationError,
    stripe.PermissionError,
)
_IN_USE = 409
"""The same idempotency key, or the same object, is under way elsewhere."""


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_Decoded = TypeVar("_Decoded")
_Item = TypeVar("_Item", bound=_Identified)


class StripeApi:
    """An account's API at `address`, or that of one `connected` to it. Every method raises Unavailable and Refused."""

    def __init__(self, secret_key: str, address: str, connected: str | None) -> None:
        http: Any = stripe.RequestsClient(timeout=_SECONDS)
        self._client: Any = stripe.StripeClient(
            secret_key,
            stripe_account=connected,
            base_addresses={"api": address},
            http_client=http,
            max_network_retries=1,
        )

    def get(self, path: str, kind: type[_Decoded], **parameters: Any) -> _Decoded:
        """One object."""
        return self._ask("get", path, kind, parameters)

    def find(self, path: str, kind: type[_Decoded], **parameters: Any) -> _Decoded | None:
        """One object, or None where Stripe has none of this id."""
        try:
            return self.get(path, kind, **parameters)
        except Refused as refused:
            if refused.reason == "resource_missing":
                return None
            raise

    def post(self, path: str, kind: type[_Decoded], **parameters: Any) -> _Decoded:
        """Make or change one. The same `idempotency_key` within a day makes nothing twice."""
        return self._ask("post", path, kind, parameters)

    def all(self, path: str, kind: type[_Item], **parameters: Any) -> Iterator[_Item]:
        """Every item of a list, newest first."""
        after: dict[str, str] = {}
        while True:
            page = self._ask("get", path, _Page, {**parameters, **after, "limit": _PAGE})
            items = [_decode(raw, kind) for raw in page.data]
            yield from items
            if not (page.has_more and items):
                return
            after = {"starting_after": items[-1].id}

    def _ask(self, method: str, path: str, kind: type[_Decoded], parameters: dict[str, Any]) -> _Decoded:
        try:
            answer = self._client.raw_request(method, path, **parameters)
        except stripe.StripeError as error:
            raise _meant(error) from error
        return _decode(answer.body.encode(), kind)


class _Page(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]
    has_more: bool


def _decode(body: bytes | msgspec.Raw, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable(f"unreadable: {error}") from error


def _meant(error: stripe.StripeError) -> Unavailable | Refused:
    status = error.http_status or 0
    final = 400 <= status < 500 and status != _IN_USE and not isinstance(error, _PASSING)
    reason = error.code or type(error).__name__
    return Refused(reason) if final else Unavailable(reason)
