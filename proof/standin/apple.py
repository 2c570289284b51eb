"""Apple: signed transactions, server notifications (version 2), and the server API that is asked about them."""

import base64
import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proof.standin.apple_chain import Chain, make_chain
from proof.standin.desk import Message
from proof.standin.faults import Break, Wrong
from proof.standin.web import Answer, Request, json_answer

BUNDLE_ID = "example.bookshop"
APP_ID = 1234567890
KEY_ID = "STANDIN0K1"
ISSUER_ID = "57246542-96fe-1a63-e053-0824d011072a"


@cache
def chain() -> Chain:
    """The stand-in's own chain."""
    return make_chain()


@cache
def api_key() -> EllipticCurvePrivateKey:
    """The shop's key for the server API."""
    return generate_private_key(SECP256R1())


def api_key_pem() -> str:
    """It as a file of App Store Connect."""
    return api_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class _Purchase:
    number: str
    id: str
    content: dict[str, Any]


class AppleDesk:
    """One app. Its notifications go to `endpoint`. `consumed` is what the shop answered to Apple's questions."""

    name = "apple"
    breaks: tuple[Break, ...] = ("body", "signature", "stale", "ahead", "not utf-8")

    def __init__(self, clock: Callable[[], float] = time.time, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        self.consumed: dict[str, dict[str, Any]] = {}
        self.chain = chain()
        self._clock = clock
        self._purchases: dict[str, _Purchase] = {}
        self._history: list[tuple[int, str]] = []
        self._count = itertools.count(2000000000000001)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if not self._authorized(request):
                return Answer(401)
            match request.method, request.path.split("/")[1:]:
                case "GET", ["inApps", "v1", "transactions", name]:
                    return self._shown(name)
                case "PUT", ["inApps", "v2" | "v1", "transactions", "consumption", name]:
                    self.consumed[name] = msgspec.json.decode(request.body)
                    return Answer(202)
                case "POST", ["inApps", "v1", "notifications", "history"]:
                    return self._listed(msgspec.json.decode(request.body), request.query.get("paginationToken"))
            return _unknown()

    def buy(self, number: str, **changed: object) -> str:
        """Somebody buys in the app. Answers what the app shows the shop."""
        with self._lock:
            name, now = str(next(self._count)), self._now()
            content: dict[str, Any] = {
                "transactionId": name,
                "originalTransactionId": name,
                "bundleId": BUNDLE_ID,
                "productId": "bells.600",
                "purchaseDate": now,
                "originalPurchaseDate": now,
                "quantity": 1,
                "type": "Consumable",
                "appAccountToken": str(UUID(number)),
                "inAppOwnershipType": "PURCHASED",
                "environment": "Production",
                "storefront": "CHN",
                "transactionReason": "PURCHASE",
                "price": 6000,
                "currency": "CNY",
                **changed,
            }
            self._purchases[number] = _Purchase(number, name, content)
            return self.transaction(number)

    def transaction(self, number: str, **changed: object) -> str:
        """The purchase as it stands, signed now."""
        content = {"signedDate": self._now(), **self._purchases[number].content, **changed}
        return self.signed({name: value for name, value in content.items() if value is not None})

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        others: dict[Wrong | None, dict[str, object]] = {
            "amount": {"price": 5990},
            "currency": {"currency": "USD"},
            "merchant": {"bundleId": "example.other"},
            "order": {"appAccountToken": str(UUID(int=UUID(number).int ^ 1))},
        }
        with self._lock:
            self.buy(number, **others.get(wrong, {}))
            return self.notify(number, "ONE_TIME_CHARGE")

    def give_back(self, number: str, amount: int) -> Message:
        """`amount` of the price's minor units, as a percentage in thousandths as Apple tells it."""
        with self._lock:
            content = self._purchases[number].content
            whole = content["price"] // 10
            kind = "REFUND_FULL" if amount == whole else "REFUND_PRORATED"
            content |= {"revocationDate": self._now(), "revocationReason": 0, "revocationType": kind}
            content |= {"revocationPercentage": amount * 100_000 // whole}
            return self.notify(number, "REFUND")

    def reverse(self, number: str) -> Message:
        """Apple takes its refund back: the transaction is as it was."""
        with self._lock:
            content = self._purchases[number].content
            for name in [name for name in content if name.startswith("revocation")]:
                del content[name]
            return self.notify(number, "REFUND_REVERSED")

    def notify(self, number: str, kind: str, **data: object) -> Message:
        """A notification about a purchase."""
        content = self._purchases[number].content
        about = {
            "appAppleId": APP_ID,
            "bundleId": content["bundleId"],
            "bundleVersion": "1",
            "environment": content["environment"],
            "signedTransactionInfo": self.transaction(number),
            **data,
        }
        return self.told(kind, data=about)

    def told(self, kind: str, **more: object) -> Message:
        """Any notification."""
        content = {"notificationType": kind, "notificationUUID": str(uuid4()), "version": "2.0"}
        signed = self.signed({**content, "signedDate": self._now(), **more})
        self._history.append((self._now(), signed))
        return self._sent(signed)

    def signed(self, content: object, chain: Chain | None = None) -> str:
        """Any content, signed as Apple signs it."""
        by = chain or self.chain
        certificates = (by.signer, by.authority, by.root)
        x5c = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]
        return jwt.encode(content, by.key, "ES256", headers={"x5c": x5c})  # type: ignore[arg-type]

    def broken(self, message: Message, how: Break) -> Message:
        signed = str(msgspec.json.decode(message.body)["signedPayload"])
        head, content, signature = signed.split(".")
        claims = jwt.decode(signed, options={"verify_signature": False})
        match how:
            case "body":
                claims["notificationType"] = "REFUND_DECLINED"
                altered = base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=").decode()
                return self._sent(f"{head}.{altered}.{signature}")
            case "signature":
                first = "B" if signature[0] == "A" else "A"
                return self._sent(f"{head}.{content}.{first}{signature[1:]}")
            case "not utf-8":
                return replace(message, body=re.sub(rb"\}$", b"\xff}", message.body))
        moved = -10 * 86400_000 if how == "stale" else 86400_000
        return self._sent(self.signed({**claims, "signedDate": self._now() + moved}))

    def _sent(self, signed: str) -> Message:
        body = msgspec.json.encode({"signedPayload": signed})
        return Message(self.name, self.endpoint, {"content-type": "application/json"}, body)

    def _authorized(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, api_key().public_key(), ["ES256"], audience="appstoreconnect-v1")
            return bool(jwt.get_unverified_header(token)["kid"] == KEY_ID and claims["bid"] == BUNDLE_ID)
        except (jwt.PyJWTError, KeyError):
            return False

    def _shown(self, name: str) -> Answer:
        found = next((each.number for each in self._purchases.values() if each.id == name), None)
        return _unknown() if found is None else json_answer({"signedTransactionInfo": self.transaction(found)})

    def _listed(self, span: dict[str, Any], token: str | None) -> Answer:
        found = [signed for at, signed in self._history if span["startDate"] <= at <= span["endDate"]]
        start = int(token or 0)
        page = [{"signedPayload": signed, "sendAttempts": []} for signed in found[start : start + 20]]
        more = start + 20 < len(found)
        following = {"paginationToken": str(start + 20)} if more else {}
        return json_answer({"notificationHistory": page, "hasMore": more, **following})

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _unknown() -> Answer:
    return json_answer({"errorCode": 4040010, "errorMessage": "Transaction id not found."}, 404)
