"""Everything that can go wrong, as exceptions. A refusal of the server has the class of its `code`."""

# ruff: noqa: N818 - the exceptions are called what the contract calls the refusals

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lingdang_client.effects import Response


class ClientError(Exception):
    """The root of all exceptions of this package."""


class Unreachable(ClientError):
    """No answer came: no connection, a broken one, or too long a wait. What the request did is unknown."""


class UntrustedServer(Unreachable):
    """The server's certificate is not one to be trusted. The request was not sent."""


class UnreadableAnswer(ClientError):
    """An answer came that is not the contract's."""


class NoSession(ClientError):
    """A customer's call was made before a session was opened."""


class NoSuchOffer(ClientError):
    """The store holds no payment of this order id."""


class StoreError(ClientError):
    """The offer store cannot be read or written. The message names the file."""


class InvalidReceipt(ClientError):
    """A receipt does not prove what it is asked to prove. The message says why."""


class InvalidWebhook(ClientError):
    """A request is not one that the shop sent just now. The message says why."""


class PaymentUnfinished(ClientError):
    """No final answer yet: the order may or may not be paid. The store still holds it: `resume` it later.

    `last` is what the last attempt met.
    """

    def __init__(self, order_id: str, last: Exception) -> None:
        super().__init__(f"the outcome of order {order_id} is not known yet, resume it later; last: {last}")
        self.order_id = order_id
        self.last = last


class LingdangError(ClientError):
    """The server refused. `code` is stable, `members` are the problem's further members (RFC 9457).

    `retry_after` is in seconds, None when the server named no time.
    """

    def __init__(
        self,
        code: str,
        status: int,
        title: str = "",
        detail: str = "",
        request_id: str = "",
        members: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {detail or title}")
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.members = dict(members or {})
        self.retry_after = retry_after

    def _strings(self, name: str) -> list[str]:
        value = self.members.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    def _whole(self, name: str) -> int:
        value = self.members.get(name)
        return value if isinstance(value, int) else 0


class InvalidRequest(LingdangError):
    """The request is malformed."""

    @property
    def errors(self) -> list[dict[str, str]]:
        """`{path, message}` of each wrong place."""
        value = self.members.get("errors")
        return value if isinstance(value, list) else []


class Unauthenticated(LingdangError):
    """No valid session, or a wrong login."""


class CustMismatch(LingdangError):
    """Customer, session and order token are not of one customer and one session."""


class SignInvalid(LingdangError):
    """The signature does not verify, or its type is not the session's."""


class TimestampSkew(LingdangError):
    """The timestamp is too far from the server's time."""

    @property
    def server_time(self) -> datetime | None:
        """The server's time, when it told it."""
        try:
            return msgspec.convert(self.members.get("serverTime"), datetime)
        except msgspec.ValidationError:
            return None


class TokenInvalid(LingdangError):
    """The order token was altered, made elsewhere, or its key is retired."""


class TokenExpired(LingdangError):
    """The offer has expired."""


class OrderMismatch(LingdangError):
    """The products are not the order token's."""


class AlreadyOwned(LingdangError):
    """The customer owns some of the products already."""

    @property
    def product_ids(self) -> list[str]:
        return self._strings("productIds")


class AlreadyRefunded(LingdangError):
    """Some of the order's products were refunded before."""

    @property
    def product_ids(self) -> list[str]:
        return self._strings("productIds")


class RefundNotAllowed(LingdangError):
    """The order, or some of its products, cannot be refunded."""

    @property
    def reasons(self) -> dict[str, str]:
        """Why: `not_offered`, `too_late`, `opened` or `voucher_order`, by product or for the whole `order`."""
        value = self.members.get("reasons")
        return {str(of): str(why) for of, why in value.items()} if isinstance(value, dict) else {}


class ProductUnavailable(LingdangError):
    """Some of the products are not on sale."""

    @property
    def product_ids(self) -> list[str]:
        return self._strings("productIds")


class VoucherUnusable(LingdangError):
    """Some of the vouchers cannot be used."""

    @property
    def voucher_ids(self) -> list[str]:
        return self._strings("voucherIds")

    @property
    def reasons(self) -> dict[str, dict[str, Any]]:
        """Why, by voucher or code: each with its `code`, its figures, and a sentence in `en` and `zh`."""
        value = self.members.get("reasons")
        return value if isinstance(value, dict) else {}


class WalletInDebt(LingdangError):
    """A top-up was taken back after its bells were spent. What comes in pays it first; then the same offer is good."""

    @property
    def debt(self) -> int:
        return self._whole("debt")


class InsufficientBells(LingdangError):
    """The balance is too small; the same offer can be paid after a top-up. Amounts in whole bells."""

    @property
    def required(self) -> int:
        return self._whole("required")

    @property
    def balance(self) -> int:
        return self._whole("balance")

    @property
    def shortfall(self) -> int:
        return self._whole("shortfall")


class NotEntitled(LingdangError):
    """The customer does not own the product."""


class NotFound(LingdangError):
    """No such thing, or not this customer's."""


class IdempotencyMismatch(LingdangError):
    """The key was used before with another body."""


class RateLimited(LingdangError):
    """Too many requests; see `retry_after`."""


class Overloaded(LingdangError):
    """The server is too busy. Nothing was done; see `retry_after`."""


class IdentityUnavailable(LingdangError):
    """The platform's identity provider gives no keys, so its token cannot be checked; see `retry_after`."""


class OutcomeUnknown(LingdangError):
    """The server lost its database while it wrote. The same request again tells the outcome."""


BY_CODE: dict[str, type[LingdangError]] = {
    "invalid_request": InvalidRequest,
    "unauthenticated": Unauthenticated,
    "cust_mismatch": CustMismatch,
    "sign_invalid": SignInvalid,
    "timestamp_skew": TimestampSkew,
    "token_invalid": TokenInvalid,
    "token_expired": TokenExpired,
    "order_mismatch": OrderMismatch,
    "already_owned": AlreadyOwned,
    "already_refunded": AlreadyRefunded,
    "refund_not_allowed": RefundNotAllowed,
    "product_unavailable": ProductUnavailable,
    "voucher_unusable": VoucherUnusable,
    "wallet_in_debt": WalletInDebt,
    "insufficient_bells": InsufficientBells,
    "not_entitled": NotEntitled,
    "not_found": NotFound,
    "idempotency_mismatch": IdempotencyMismatch,
    "rate_limited": RateLimited,
    "overloaded": Overloaded,
    "identity_unavailable": IdentityUnavailable,
    "outcome_unknown": OutcomeUnknown,
}

_NAMED = {"type", "title", "status", "detail", "code", "requestId"}


def refusal(response: Response) -> LingdangError:
    """The exception of an answer that is not a success. One without a problem body gets the code `http_<status>`."""
    problem = _problem(response.body)
    code = problem.get("code")
    if not isinstance(code, str):
        code = f"http_{response.status}"
    return BY_CODE.get(code, LingdangError)(
        code,
        response.status,
        str(problem.get("title", "")),
        str(problem.get("detail", "")),
        str(problem.get("requestId", response.headers.get("x-request-id", ""))),
        {name: value for name, value in problem.items() if name not in _NAMED},
        _retry_after(response),
    )


def _problem(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
