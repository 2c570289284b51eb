"""Apple: purchases in an app. The app shows a signed transaction, and Apple's server tells what became of it.

The library verifies signature, chain and revocation, and compares bundle and environment. In the environments of Xcode
it verifies nothing at all, so they cannot be configured and are refused before it is called. Age, kind and refunds are
checked here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import jwt
import msgspec
from appstoreserverlibrary.models.ConsumptionRequest import ConsumptionRequest
from appstoreserverlibrary.models.DeliveryStatus import DeliveryStatus
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.models.NotificationHistoryRequest import NotificationHistoryRequest
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier, VerificationException, VerificationStatus
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from msgspec import Meta

from lingdang.topup.money import Money
from lingdang.topup.providers.apple_client import AppleApi
from lingdang.topup.providers.apple_standing import Transaction, is_consumable, moment, of_transaction
from lingdang.topup.providers.checks import Pem, asked_now, check_time, decode, text_of
from lingdang.topup.providers.provider import (
    Action,
    Begun,
    Channel,
    Forged,
    GivenBack,
    Listing,
    Notification,
    NotificationReply,
    Order,
    Refused,
    Standing,
    Unavailable,
)

_OLDEST = timedelta(days=7)
"""Apple tries again for six and a half days, and does not say that it signs anew for each attempt."""
_ENVIRONMENTS = {"Production": Environment.PRODUCTION, "Sandbox": Environment.SANDBOX}


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An app in Apple's store, and a key for its server API."""

    bundle_id: Annotated[str, Meta(min_length=1, max_length=155)]
    app_apple_id: Annotated[int, Meta(gt=0)]
    environment: Literal["Production", "Sandbox"] = "Production"
    """`Production` takes purchases of Apple's sandbox too, as play money: its reviewers make them."""
    root_certificates: Pem
    """Apple's roots, one after the other."""
    issuer_id: str
    key_id: str
    private_key: Pem
    online_checks: bool = True
    """Whether Apple is asked, once in a quarter of an hour, if its certificates are revoked."""
    consent: bool = False
    """Whether customers have agreed that Apple is told what they consumed."""
    api: str | None = None
    """Another address in the place of Apple's."""


def make(account: Account) -> "Apple":
    """The provider of this account. Raises ValueError for certificates or keys that are none."""
    return Apple(account)


class Apple:
    """One app. A purchase's reference is its `transactionId`."""

    kind = "apple"
    channels: Sequence[Channel] = ("store",)
    currencies: Sequence[str] | None = None
    listing = Listing(ready=timedelta(hours=1), whole=False)

    def __init__(self, account: Account) -> None:
        names = ("Production", "Sandbox") if account.environment == "Production" else (account.environment,)
        environments = [_ENVIRONMENTS[name] for name in names if name in _ENVIRONMENTS]
        if not environments:
            raise ValueError(f"environment: {account.environment}")
        certificates = load_pem_x509_certificates(account.root_certificates.encode())
        roots = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
        self._account = account
        self._verifiers = {
            environment.value: SignedDataVerifier(
                roots, account.online_checks, environment, account.bundle_id, account.app_apple_id
            )
            for environment in environments
        }
        self._api = AppleApi(
            account.private_key, account.key_id, account.issuer_id, account.bundle_id, environments, account.api
        )

    def begin(self, order: Order) -> Begun:
        if order.store_product is None:
            raise Refused("store_product")
        params = {"productId": order.store_product, "appAccountToken": str(order.topup_id)}
        return Begun(action=Action(kind="store", params=params))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        signed = decode(text_of(body), _Body).signedPayload
        notification, at = self._notification(signed)
        check_time(at, now, _OLDEST)
        return notification

    def reply(self, accepted: bool) -> NotificationReply:
        """After anything but 2xx Apple tries again, five times in six and a half days."""
        return NotificationReply(200 if accepted else 500)

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """Apple knows purchases by its own id alone."""
        at = asked_now()
        signed = None if reference is None else self._api.transaction(reference)
        if signed is None:
            return None
        try:
            return of_transaction(self._transaction(signed), at)
        except Forged as forged:
            raise Unavailable(forged.reason) from forged

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """Nothing waits at Apple that could be closed."""
        return self.ask(topup_id, reference)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """Money goes back when a customer asks Apple for it, and never by us."""
        raise Refused("store")

    def list_day(self, day: date) -> Iterator[Standing]:
        """Every notification of a day (UTC's) that Apple sent or tried to send."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        span = NotificationHistoryRequest(startDate=_millis(start), endDate=_millis(start + timedelta(days=1)) - 1)
        for signed in self._api.notifications(span):
            try:
                standing = self._notification(signed)[0].standing
            except Forged as forged:
                raise Unavailable(forged.reason) from forged
            if standing is not None:
                yield standing

    def purchase(self, proof: str, now: datetime) -> Standing:
        """A transaction that an app shows may be old, and refunded since: Apple is asked how it stands."""
        transaction = self._transaction(proof)
        check_time(moment(transaction.signedDate), now, timedelta.max)
        standing = self.ask(UUID(int=0), transaction.transactionId)
        if standing is None:
            raise Forged("unknown: Apple has no such transaction")
        if not is_consumable(transaction):
            return msgspec.structs.replace(standing, differs=("type",))
        return standing

    def finish(self, reference: str) -> None:
        """The app finishes its transactions itself."""

    def tell_consumed(self, evidence: str, consumed: int) -> None:
        if not self._account.consent:
            raise Refused("consent")
        request = ConsumptionRequest(
            customerConsented=True,
            sampleContentProvided=False,
            deliveryStatus=DeliveryStatus.DELIVERED,
            consumptionPercentage=consumed,
        )
        self._api.tell_consumed(evidence, request)

    def _notification(self, signed: str) -> tuple[Notification, datetime]:
        """A notification and when it was signed."""
        told = self._verified(signed, lambda verifier: verifier.verify_and_decode_notification(signed))
        at = moment(told.signedDate)
        kind, name = told.rawNotificationType, told.notificationUUID
        if not (isinstance(kind, str) and isinstance(name, str) and name):
            raise Forged("unreadable: no notification")
        signed_transaction = None if told.data is None else told.data.signedTransactionInfo
        transaction = None if signed_transaction is None else self._transaction(signed_transaction)
        standing = None
        if transaction is not None and is_consumable(transaction):
            standing = of_transaction(transaction, at)
        asked = kind == "CONSUMPTION_REQUEST" and standing is not None
        notification = Notification(
            id=name,
            type=kind,
            at=at,
            standing=standing,
            ask=kind == "REFUND_REVERSED" and standing is not None,
            evidence=standing.reference if asked and standing is not None else None,
        )
        return notification, at

    def _transaction(self, signed: str) -> Transaction:
        told = self._verified(signed, lambda verifier: verifier.verify_and_decode_signed_transaction(signed))
        try:
            return msgspec.convert({name: getattr(told, name) for name in Transaction.__struct_fields__}, Transaction)
        except msgspec.ValidationError as error:
            raise Forged(f"unreadable: {error}") from None

    def _verified(self, signed: str, verify: Any) -> Any:
        """What the library says of a signed text. Raises Forged and Unavailable."""
        environment = _claimed_environment(signed)
        verifier = self._verifiers.get(environment)
        if verifier is None:
            raise Forged(f"environment: {environment[:32]}")
        try:
            return verify(verifier)
        except VerificationException as error:
            raise _meant(error) from error
        except Exception as error:  # its models raise whatever their converter does
            raise Forged(f"unreadable: {error}") from error


class _Body(msgspec.Struct, frozen=True):
    signedPayload: str  # noqa: N815 - Apple's name


def _claimed_environment(signed: str) -> str:
    """The environment that a text claims, to choose who verifies it. Whoever does compares it again."""
    try:
        claims = jwt.decode(signed, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Forged("unreadable: no signed text") from None
    inner = next(
        (claims[name] for name in ("data", "summary", "appData") if isinstance(claims.get(name), dict)), claims
    )
    return str(inner.get("environment", "none"))


def _meant(error: VerificationException) -> Forged | Unavailable:
    match error.status:
        case VerificationStatus.RETRYABLE_VERIFICATION_FAILURE:
            return Unavailable("ocsp")
        case VerificationStatus.INVALID_APP_IDENTIFIER:
            return Forged("app")
        case VerificationStatus.INVALID_ENVIRONMENT:
            return Forged("environment")
    return Forged(f"signature: {error.status.name}")


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
