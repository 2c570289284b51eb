"""How a purchase stands by a transaction that Apple signed. Nothing here asks Apple."""

from datetime import UTC, datetime

import msgspec

from lingdang.ids import MAX_AMOUNT
from lingdang.topup.money import Money, digits
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.provider import Forged, Standing

_WHOLE = 100_000
"""A percentage in thousandths."""


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of a transaction, by the library's names. Times are milliseconds, `price` thousandths."""

    transactionId: str  # noqa: N815
    productId: str  # noqa: N815
    signedDate: int  # noqa: N815
    quantity: int | None = None
    rawType: str | None = None  # noqa: N815
    rawInAppOwnershipType: str | None = None  # noqa: N815
    rawEnvironment: str | None = None  # noqa: N815
    appAccountToken: str | None = None  # noqa: N815
    price: int | None = None
    currency: str | None = None
    revocationDate: int | None = None  # noqa: N815
    revocationPercentage: int | None = None  # noqa: N815


def moment(millis: object) -> datetime:
    """Apple's times are Unix milliseconds. Raises Forged for what is none."""
    if not isinstance(millis, int) or not 0 <= millis < 10**14:
        raise Forged("timestamp: no number")
    return datetime.fromtimestamp(millis / 1000, UTC)


def is_consumable(transaction: Transaction) -> bool:
    """Bells are consumables, and nobody's family shares them. Whatever else an app sells is of no consequence."""
    return transaction.rawType == "Consumable" and transaction.rawInAppOwnershipType in (None, "PURCHASED")


def of_transaction(transaction: Transaction, at: datetime) -> Standing:
    """By a transaction as it was at this moment. A refund of a part says which percentage of the price went back."""
    received = _received(transaction)
    return Standing(
        topup_id=our_number((transaction.appAccountToken or "").lower()),
        reference=transaction.transactionId,
        state="paid",
        at=at,
        received=received,
        refunded=_refunded(transaction, received),
        store_product=transaction.productId,
        quantity=1 if transaction.quantity is None else transaction.quantity,
        payer_account=transaction.appAccountToken.lower() if transaction.appAccountToken else None,
        test=transaction.rawEnvironment != "Production",
    )


def _received(transaction: Transaction) -> Money | None:
    if transaction.price is None or transaction.currency is None:
        return None
    return Money(transaction.price * 10 ** digits(transaction.currency) // 1000, transaction.currency)


def _refunded(transaction: Transaction, received: Money | None) -> int:
    if transaction.revocationDate is None:
        return 0
    share = _WHOLE if transaction.revocationPercentage is None else transaction.revocationPercentage
    if received is None or not received.amount:
        # Of a price that is not told, or of nothing, everything went back, whatever was agreed for it.
        return MAX_AMOUNT if share else 0
    return -(-received.amount * share // _WHOLE)
