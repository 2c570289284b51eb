"""Google Play: purchases, their orders, the list of those that were voided, and notifications that Pub/Sub pushes."""

import base64
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import jwt
import msgspec

from proof.standin.desk import Message
from proof.standin.faults import Break, Wrong
from proof.standin.keys import private_pem, public_pem, rsa_key
from proof.standin.web import Answer, Request, json_answer

PACKAGE = "example.bookshop"
SUBSCRIPTION = "projects/standin/subscriptions/play"
AUDIENCE = "https://shop.example/v1/topups/notify/google"
PUSHER = "pusher@standin.iam.gserviceaccount.com"
_BOT = "shop@standin.iam.gserviceaccount.com"
_ACCESS = "standin-access-token"


def service_account(address: str) -> str:
    """The key file of the shop's service account, which signs in at this address."""
    content = {
        "type": "service_account",
        "client_email": _BOT,
        "private_key": private_pem(rsa_key("google service account")),
        "private_key_id": "1",
        "token_uri": f"{address}/token",
    }
    return msgspec.json.encode(content).decode()


@dataclass
class _Purchase:
    token: str
    order: str
    account: str | None
    product: str
    micros: int
    currency: str
    quantity: int = 1
    test: bool = False
    state: str = "PURCHASED"
    times_consumed: int = 0
    partial: list[int] = field(default_factory=list)
    voided_at: float | None = None


class GoogleDesk:
    """One app. `certificates_asked` counts how often somebody fetched the keys; `reviews` is what the shop answered."""

    name = "google"
    breaks: tuple[Break, ...] = ("signature", "stale", "ahead", "not utf-8")

    def __init__(self, clock: Callable[[], float] = time.time, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        self.certificates_asked = 0
        self.reviews: dict[str, dict[str, Any]] = {}
        self.away = False
        self._clock = clock
        self._purchases: dict[str, _Purchase] = {}
        self._count = itertools.count(1)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if request.path == "/certs":
                self.certificates_asked += 1
                return json_answer({"key-1": public_pem(rsa_key("google").public_key())})
            if request.path == "/token":
                return json_answer({"access_token": _ACCESS, "expires_in": 3600, "token_type": "Bearer"})
            if self.away:
                return Answer(503)
            if request.headers.get("authorization") != f"Bearer {_ACCESS}":
                return Answer(401)
            return self._route(request)

    def buy(self, number: str | None, **changed: object) -> str:
        """Somebody buys in the app. Answers the token that the app shows the shop."""
        with self._lock:
            count = next(self._count)
            account = None if number is None else str(UUID(number))
            bought = _Purchase(f"token.{count:06}", f"GPA.{count:04}", account, "bells.600", 6_000_000, "CNY")
            self._purchases[bought.token] = replace(bought, **changed)  # type: ignore[arg-type]
            return bought.token

    def pay(self, number: str, wrong: Wrong | None = None) -> Message:
        others: dict[Wrong | None, dict[str, object]] = {
            "amount": {"micros": 5_990_000},
            "currency": {"currency": "USD"},
            "order": {"account": str(UUID(int=UUID(number).int ^ 1))},
        }
        token = self.buy(number, **others.get(wrong, {}))
        bought = {"version": "1.0", "notificationType": 1, "purchaseToken": token, "sku": "bells.600"}
        package = "example.other" if wrong == "merchant" else PACKAGE
        return self.told(package, oneTimeProductNotification=bought)

    def give_back(self, number: str, amount: int) -> Message:
        with self._lock:
            bought = self._of(number)
            bought.partial.append(amount)
            bought.voided_at = self._clock()
            return self._void(bought)

    def consumed(self, token: str) -> int:
        """How often the shop consumed it."""
        return self._purchases[token].times_consumed

    def review(self, number: str) -> Message:
        """A bank asks for the money back."""
        bought = self._of(number)
        asked = {"version": "1.0", "pendingRefundToken": "review-1", "orderId": bought.order, "refundReason": 7}
        return self.told(pendingRefundReviewNotification={**asked, "obfuscatedAccountId": bought.account})

    def told(self, package: str = PACKAGE, at: float | None = None, **content: object) -> Message:
        """Any notification."""
        millis = int((self._clock() if at is None else at) * 1000)
        data = msgspec.json.encode(
            {"version": "1.0", "packageName": package, "eventTimeMillis": str(millis), **content}
        )
        return self.pushed(base64.b64encode(data).decode())

    def pushed(self, data: str, subscription: str = SUBSCRIPTION, key: str = "google", **claims: Any) -> Message:
        """A push of these data, in the name of an account."""
        name = str(next(self._count))
        body = msgspec.json.encode({"message": {"data": data, "messageId": name}, "subscription": subscription})
        return Message(self.name, self.endpoint, {"authorization": f"Bearer {self.token(key, **claims)}"}, body)

    def token(self, key: str = "google", kid: str = "key-1", at: float | None = None, **claims: object) -> str:
        """A token of a push."""
        now = int(self._clock() if at is None else at)
        usual: dict[str, object] = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": PUSHER}
        usual |= {"email_verified": True, "iat": now, "exp": now + 3600, "sub": "1"}
        return jwt.encode({**usual, **claims}, private_pem(rsa_key(key)), "RS256", headers={"kid": kid})

    def broken(self, message: Message, how: Break) -> Message:
        match how:
            case "signature":
                head, _, sign = message.headers["authorization"].rpartition(".")
                first = "B" if sign[0] == "A" else "A"
                return replace(message, headers={"authorization": f"{head}.{first}{sign[1:]}"})
            case "not utf-8":
                return replace(message, body=message.body[:-1] + b"\xff}")
        token = self.token(at=self._clock() + (-86400 if how == "stale" else 86400))
        return replace(message, headers={"authorization": f"Bearer {token}"})

    def _void(self, bought: _Purchase) -> Message:
        voided = {"purchaseToken": bought.token, "orderId": bought.order, "productType": 2, "refundType": 1}
        return self.told(voidedPurchaseNotification=voided)

    def _route(self, request: Request) -> Answer:
        base = f"/androidpublisher/v3/applications/{PACKAGE}/"
        if not request.path.startswith(base):
            return json_answer({"error": {"status": "PERMISSION_DENIED"}}, 403)
        match request.method, request.path.removeprefix(base).split("/"):
            case "GET", ["purchases", "productsv2", "tokens", token]:
                return self._shown(self._purchases.get(token))
            case "POST", ["purchases", "products", _, "tokens", rest]:
                self._purchases[rest.removesuffix(":consume")].times_consumed += 1
                return Answer(204)
            case "GET", ["purchases", "voidedpurchases"]:
                return self._voided(request)
            case "GET", ["orders", name]:
                return self._order(next(each for each in self._purchases.values() if each.order == name))
            case "POST", ["orders", rest]:
                name, _, what = rest.partition(":")
                return self._do(name, what, request)
        return Answer(404)

    def _do(self, name: str, what: str, request: Request) -> Answer:
        bought = next(each for each in self._purchases.values() if each.order == name)
        if what == "reviewrefund":
            self.reviews[name] = msgspec.json.decode(request.body)
        elif bought.partial:
            return json_answer({"error": {"status": "INVALID_ARGUMENT"}}, 400)
        else:
            bought.partial, bought.voided_at = [bought.micros // 10_000], self._clock()
        return Answer(200)

    def _shown(self, bought: _Purchase | None) -> Answer:
        if bought is None:
            return Answer(404)
        consumed = "CONSUMED" if bought.times_consumed else "YET_TO_BE_CONSUMED"
        details = {"quantity": bought.quantity, "consumptionState": f"CONSUMPTION_STATE_{consumed}"}
        shown: dict[str, Any] = {
            "kind": "androidpublisher#productPurchaseV2",
            "orderId": bought.order,
            "productLineItem": [{"productId": bought.product, "productOfferDetails": details}],
            "purchaseStateContext": {"purchaseState": bought.state},
        }
        if bought.account is not None:
            shown["obfuscatedExternalAccountId"] = bought.account
        if bought.test:
            shown["testPurchaseContext"] = {"fopType": "TEST"}
        return json_answer(shown)

    def _order(self, bought: _Purchase) -> Answer:
        whole = bought.micros // 10_000
        back = sum(bought.partial)
        state = "REFUNDED" if back == whole else "PARTIALLY_REFUNDED" if back else "PROCESSED"
        events = [
            {"state": "PROCESSED_SUCCESSFULLY", "refundDetails": {"total": _money(amount * 10_000, bought.currency)}}
            for amount in bought.partial
            if back != whole
        ]
        total = _money(bought.micros, bought.currency)
        return json_answer({"state": state, "total": total, "orderHistory": {"partialRefundEvents": events}})

    def _voided(self, request: Request) -> Answer:
        low, high = float(request.query["startTime"]) / 1000, float(request.query["endTime"]) / 1000
        found = [each.token for each in self._purchases.values() if low <= (each.voided_at or 0) <= high]
        start = int(request.query.get("token", 0))
        more = {"tokenPagination": {"nextPageToken": str(start + 2)}} if start + 2 < len(found) else {}
        page = [{"purchaseToken": token, "voidedTimeMillis": "1"} for token in found[start : start + 2]]
        return json_answer({"voidedPurchases": page, **more} if page else {})

    def _of(self, number: str) -> _Purchase:
        account = str(UUID(number))
        return next(each for each in self._purchases.values() if each.account == account)


def _money(micros: int, currency: str) -> dict[str, object]:
    """As Google writes it: whole units as a text, billionths as a number, neither where it is 0."""
    units, rest = divmod(micros, 1_000_000)
    parts: dict[str, object] = {"units": str(units)} if units else {}
    return {"currencyCode": currency, **parts, **({"nanos": rest * 1000} if rest else {})}
