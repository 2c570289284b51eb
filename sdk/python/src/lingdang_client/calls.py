"""Every call of the contract as an operation without I/O; `Client` and `AsyncClient` perform them."""

from collections.abc import Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from lingdang_client.answers import (
    Cart,
    CurrentSession,
    Entitlement,
    EntitlementWithReceipt,
    Entry,
    Jwks,
    Link,
    Offer,
    OpenedSession,
    Order,
    Page,
    PastOrder,
    Product,
    Refundable,
    Refunded,
    Ticked,
    Wallet,
    decode,
)
from lingdang_client.effects import Op, Request, send
from lingdang_client.errors import UnreadableAnswer, refusal
from lingdang_client.offers import MemoryOfferStore, OfferStore
from lingdang_client.payments import Payments
from lingdang_client.requests import Requests, item_path, list_path
from lingdang_client.retrying import Retry
from lingdang_client.sessions import ServerClock, Session, session_of
from lingdang_client.signing import SignType, public_jwk
from lingdang_client.steps import OnStep, Step, unheard
from lingdang_client.topups import Channel, Redeemed, Topup, TopupPackage, TopupPackages, TopupTerms

T = TypeVar("T")


class Options(TypedDict, total=False):
    """What a client may be told at its making, beside where the server is."""

    session: Session
    """One that was kept with `Session.dump`."""
    store: OfferStore
    """Where payments under way are kept; by default in memory, which no crash survives."""
    retry: Retry
    """How long a payment is repeated without a final answer."""
    on_step: OnStep
    """Is told of the six steps of a purchase."""
    language: str
    """Of the messages: `zh-CN` or `en`."""
    device_id: str
    clock: ServerClock


class Calls:
    """The operations of one client, with its session and what it knows of the server's time."""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._requests = Requests(options.get("session"), options.get("language"), options.get("device_id"))
        self._clock = options.get("clock", ServerClock())
        self._on_step = options.get("on_step", unheard)
        self.payments = Payments(
            self._requests,
            options.get("store", MemoryOfferStore()),
            options.get("retry", Retry()),
            self._clock,
            self._on_step,
        )

    @property
    def session(self) -> Session | None:
        return self._requests.opened

    def open_session(
        self,
        cust_id: str | None,
        password: str | None,
        platform_token: str | None,
        sign_type: SignType,
        private_key: EllipticCurvePrivateKey | None,
    ) -> Op[Session]:
        body, headers = _proof(cust_id, password, platform_token)
        body["signType"] = sign_type
        if sign_type == "ES256":
            private_key = private_key or generate_private_key(SECP256R1())
            body["publicKey"] = public_jwk(private_key)
        request = self._requests.make_anonymous("POST", "/v1/sessions", body, headers)
        opened = decode((yield from send(request)), OpenedSession)
        try:
            session = session_of(opened, private_key)
        except ValueError as error:
            raise UnreadableAnswer(str(error)) from None
        self._clock.learn(opened.server_time)
        self._requests.opened = session
        return session

    def current_session(self) -> Op[CurrentSession]:
        return self._get("/v1/sessions/current", CurrentSession)

    def end_session(self) -> Op[None]:
        yield from self._nothing(self._requests.make("DELETE", "/v1/sessions/current"))
        self._requests.opened = None

    def products(self, query: str, limit: int | None, cursor: str | None) -> Op[Page[Product]]:
        return self._get(list_path("/v1/products", query=query or None, limit=limit, cursor=cursor), Page[Product])

    def product(self, product_id: str) -> Op[Product]:
        return self._get(item_path("/v1/products", product_id), Product)

    def tick(self, product_id: str, ticked: bool) -> Op[Ticked]:
        request = self._requests.make("PUT", item_path("/v1/cart/items", product_id), {"ticked": ticked})
        return (yield from self._step(1, request, Ticked))

    def cart(self) -> Op[Cart]:
        return self._get("/v1/cart", Cart)

    def tick_all(self, ticked: bool) -> Op[Cart]:
        return decode((yield from send(self._requests.make("PATCH", "/v1/cart", {"ticked": ticked}))), Cart)

    def remove(self, product_id: str) -> Op[None]:
        yield from self._nothing(self._requests.make("DELETE", item_path("/v1/cart/items", product_id)))

    def checkout(
        self, product_ids: Sequence[str], voucher_ids: Sequence[str] | None, voucher_code: str | None
    ) -> Op[Offer]:
        body: dict[str, Any] = {"productIds": list(product_ids)}
        if voucher_ids is not None:
            body["voucherIds"] = list(voucher_ids)
        if voucher_code is not None:
            body["voucherCode"] = voucher_code
        request = self._requests.make("POST", "/v1/checkout", body)
        self._on_step(Step(2, request))
        return (yield from self._step(3, request, Offer))

    def orders(self, limit: int | None, cursor: str | None) -> Op[Page[Order]]:
        return self._get(list_path("/v1/orders", limit=limit, cursor=cursor), Page[Order])

    def past_orders(self, limit: int | None, cursor: str | None) -> Op[Page[PastOrder]]:
        return self._get(list_path("/v1/orders/history", limit=limit, cursor=cursor), Page[PastOrder])

    def order(self, order_id: str) -> Op[Order]:
        return self._get(item_path("/v1/orders", order_id), Order)

    def refundable(self, order_id: str, product_ids: Sequence[str] | None) -> Op[Refundable]:
        asked = {} if product_ids is None else {"productIds": ",".join(product_ids)}
        return self._get(list_path(item_path("/v1/orders", order_id) + "/refundable", **asked), Refundable)

    def refund(self, order_id: str, refund_id: str, reason: str, product_ids: Sequence[str] | None) -> Op[Refunded]:
        body: dict[str, object] = {"refundId": refund_id, "reason": reason}
        if product_ids is not None:
            body["productIds"] = list(product_ids)
        request = self._requests.make("POST", item_path("/v1/orders", order_id) + "/refunds", body)
        return decode((yield from send(request)), Refunded)

    def wallet(self) -> Op[Wallet]:
        return self._get("/v1/wallet", Wallet)

    def entries(self, limit: int | None, cursor: str | None) -> Op[Page[Entry]]:
        return self._get(list_path("/v1/wallet/entries", limit=limit, cursor=cursor), Page[Entry])

    def topup_packages(self) -> Op[list[TopupPackage]]:
        return (yield from self._get("/v1/topups/packages", TopupPackages)).items

    def top_up(
        self,
        package_id: str,
        provider: str,
        key: str,
        channel: Channel,
        amount: int | None,
        terms: TopupTerms | None,
        payer_id: str | None,
        return_url: str | None,
    ) -> Op[Topup]:
        body: dict[str, object] = {"packageId": package_id, "provider": provider, "channel": channel}
        further = {"amount": amount, "terms": terms, "payerId": payer_id, "returnUrl": return_url}
        body.update({name: value for name, value in further.items() if value is not None})
        return decode((yield from send(self._requests.make("POST", "/v1/topups", body, key))), Topup)

    def topups(self, limit: int | None, cursor: str | None) -> Op[Page[Topup]]:
        return self._get(list_path("/v1/topups", limit=limit, cursor=cursor), Page[Topup])

    def topup(self, topup_id: str) -> Op[Topup]:
        return self._get(item_path("/v1/topups", topup_id), Topup)

    def redeem(self, code: str) -> Op[Redeemed]:
        return decode((yield from send(self._requests.make("POST", "/v1/wallet/redeem", {"code": code}))), Redeemed)

    def entitlements(self, limit: int | None, cursor: str | None) -> Op[Page[Entitlement]]:
        return self._get(list_path("/v1/entitlements", limit=limit, cursor=cursor), Page[Entitlement])

    def entitlement(self, product_id: str) -> Op[EntitlementWithReceipt]:
        request = self._requests.make("GET", item_path("/v1/entitlements", product_id))
        return (yield from self._step(6, request, EntitlementWithReceipt))

    def link(self, product_id: str, seconds: int) -> Op[Link]:
        path = item_path("/v1/entitlements", product_id) + "/links"
        return decode((yield from send(self._requests.make("POST", path, {"seconds": seconds}))), Link)

    def access(self, product_id: str) -> Op[str]:
        response = yield from send(self._requests.make("GET", list_path("/v1/access", productId=product_id)))
        if response.status != 204:
            raise refusal(response)
        return response.headers.get("x-entitlement-order") or response.headers.get("x-entitlement-grant", "")

    def jwks(self) -> Op[Jwks]:
        return decode((yield from send(self._requests.make_anonymous("GET", "/.well-known/jwks.json"))), Jwks)

    def revoked(self) -> Op[str]:
        response = yield from send(self._requests.make_anonymous("GET", "/v1/receipts/revoked"))
        if response.status != 200:
            raise refusal(response)
        return response.body.decode("ascii", "replace")

    def _get(self, path: str, answer: type[T]) -> Op[T]:
        return decode((yield from send(self._requests.make("GET", path))), answer)

    def _step(self, number: int, request: Request, answer: type[T]) -> Op[T]:
        response = yield from send(request)
        self._on_step(Step(number, request, response))
        return decode(response, answer)

    def _nothing(self, request: Request) -> Op[None]:
        response = yield from send(request)
        if response.status != 204:
            raise refusal(response)


def _proof(
    cust_id: str | None, password: str | None, platform_token: str | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and headers that say who asks. Raises TypeError unless it is exactly one of the two ways."""
    if platform_token is not None and cust_id is None and password is None:
        return {}, {"Authorization": f"Bearer {platform_token}"}
    if platform_token is None and cust_id is not None and password is not None:
        return {"custId": cust_id, "password": password}, {}
    raise TypeError("give either cust_id and password, or platform_token")
