"""The client for programs without an event loop."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar, Unpack

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from lingdang_client.answers import (
    Cart,
    CurrentSession,
    Entitlement,
    EntitlementWithReceipt,
    Entry,
    Jwks,
    Link,
    Offer,
    Order,
    Page,
    PastOrder,
    Payment,
    Product,
    Refundable,
    Refunded,
    Ticked,
    Wallet,
)
from lingdang_client.calls import Calls, Options
from lingdang_client.effects import Effect, Local, Op, Request, Response, Wait
from lingdang_client.offers import PendingPayment
from lingdang_client.sessions import Session
from lingdang_client.signing import SignType
from lingdang_client.topups import Channel, Redeemed, Topup, TopupPackage, TopupTerms
from lingdang_client.transport import answered, checked_url, trust, unreachable

T = TypeVar("T")


class Pages(Generic[T]):
    """A list of the server: iterate over its items, which fetches page after page, or take one page."""

    def __init__(self, fetch: Callable[[str | None], Page[T]]) -> None:
        self._fetch = fetch

    def page(self, cursor: str | None = None) -> Page[T]:
        """The page at a cursor; without one the first."""
        return self._fetch(cursor)

    def __iter__(self) -> Iterator[T]:
        cursor = None
        while True:
            page = self._fetch(cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


class Client:
    """A customer's view of a Lingdang server. Refusals are raised as LingdangError, no answer as Unreachable.

    `ca` is a PEM file with the authority to trust; `timeout` is in seconds, for each wait on the network;
    `plain_http` allows http to other machines. The further options are those of `Options`.
    """

    def __init__(
        self,
        url: str,
        *,
        ca: str | Path | None = None,
        timeout: float = 30.0,
        plain_http: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._http = httpx.Client(base_url=checked_url(url, plain_http), verify=trust(ca), timeout=timeout)
        self._calls = Calls(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The session goes on."""
        self._http.close()

    @property
    def session(self) -> Session | None:
        """The open session."""
        return self._calls.session

    def open_session(
        self,
        cust_id: str | None = None,
        password: str | None = None,
        *,
        platform_token: str | None = None,
        sign_type: SignType = "ES256",
        private_key: EllipticCurvePrivateKey | None = None,
    ) -> Session:
        """Open a signing session by a password or by a platform's JWT.

        For ES256 a key is made here unless one is given, and never leaves this process.
        """
        return self._run(self._calls.open_session(cust_id, password, platform_token, sign_type, private_key))

    def current_session(self) -> CurrentSession:
        """The session as the server sees it."""
        return self._run(self._calls.current_session())

    def end_session(self) -> None:
        """Log out: the session token is refused everywhere from now on."""
        self._run(self._calls.end_session())

    def products(self, query: str = "", *, page_size: int | None = None) -> Pages[Product]:
        """What is on sale, or what of it a search finds."""
        return Pages(lambda cursor: self._run(self._calls.products(query, page_size, cursor)))

    def product(self, product_id: str) -> Product:
        """One product, on sale or not."""
        return self._run(self._calls.product(product_id))

    def tick(self, product_id: str, ticked: bool = True) -> Ticked:
        """① Put a product into the cart, or change its tick."""
        return self._run(self._calls.tick(product_id, ticked))

    def cart(self) -> Cart:
        """The cart at today's prices."""
        return self._run(self._calls.cart())

    def tick_all(self, ticked: bool = True) -> Cart:
        """Tick or untick everything in the cart."""
        return self._run(self._calls.tick_all(ticked))

    def remove(self, product_id: str) -> None:
        """Take a product out of the cart, if it is there."""
        self._run(self._calls.remove(product_id))

    def checkout(
        self,
        product_ids: Sequence[str],
        *,
        voucher_ids: Sequence[str] | None = None,
        voucher_code: str | None = None,
    ) -> Offer:
        """②③ What these products cost together, and the token that pays it. `voucher_ids`: None the best, [] none."""
        return self._run(self._calls.checkout(product_ids, voucher_ids, voucher_code))

    def pay(self, offer: Offer) -> Payment:
        """④⑤ Pay an offer, repeating the same order until there is a final answer. It is never taken twice.

        Raises the LingdangError of a refusal, or PaymentUnfinished: then `resume` it later.
        """
        return self._run(self._calls.payments.pay(offer))

    def unfinished(self) -> list[PendingPayment]:
        """This customer's payments that were begun and have no final answer."""
        return self._run(self._calls.payments.unfinished())

    def resume(self, order_id: str) -> Payment:
        """Bring an unfinished payment to its end. In another session than its own it can only be asked about.

        Raises as `pay`, and NoSuchOffer.
        """
        return self._run(self._calls.payments.resume(order_id))

    def orders(self, *, page_size: int | None = None) -> Pages[Order]:
        """Paid orders, newest first."""
        return Pages(lambda cursor: self._run(self._calls.orders(page_size, cursor)))

    def past_orders(self, *, page_size: int | None = None) -> Pages[PastOrder]:
        """Orders of the system before, newest first, where the platform brought them in."""
        return Pages(lambda cursor: self._run(self._calls.past_orders(page_size, cursor)))

    def order(self, order_id: str) -> Order:
        """One order as it was bought."""
        return self._run(self._calls.order(order_id))

    def refundable(self, order_id: str, product_ids: Sequence[str] | None = None) -> Refundable:
        """What giving an order back, or some of its products, would bring now. Nothing is written."""
        return self._run(self._calls.refundable(order_id, product_ids))

    def refund(
        self,
        order_id: str,
        refund_id: str,
        *,
        reason: str = "customer_request",
        product_ids: Sequence[str] | None = None,
    ) -> Refunded:
        """Give an order back, or some of its products, where the shop allows it. `refund_id` is your own: the same one
        again is answered as it was. Raises RefundNotAllowed, AlreadyRefunded, or IdempotencyMismatch when the same
        `refund_id` asked for something else before."""
        return self._run(self._calls.refund(order_id, refund_id, reason, product_ids))

    def wallet(self) -> Wallet:
        """The balances."""
        return self._run(self._calls.wallet())

    def entries(self, *, page_size: int | None = None) -> Pages[Entry]:
        """Every movement of the wallet, newest first."""
        return Pages(lambda cursor: self._run(self._calls.entries(page_size, cursor)))

    def topup_packages(self) -> list[TopupPackage]:
        """What can be bought for real money now."""
        return self._run(self._calls.topup_packages())

    def top_up(
        self,
        package_id: str,
        provider: str,
        idempotency_key: str,
        *,
        channel: Channel = "web",
        amount: int | None = None,
        terms: TopupTerms | None = None,
        payer_id: str | None = None,
        return_url: str | None = None,
    ) -> Topup:
        """Begin a top-up; its `action` says what the payer does next. `amount`: the bells of a free-amount package.
        `terms`: those that the customer was shown (`package.terms(amount)`); where the shop changed them meanwhile
        nothing is begun.

        Keep `idempotency_key`, a new one for each purchase, until there is an answer: the same call again with it
        begins nothing new. Raises LingdangError: `terms_changed`, `topup_unavailable`,
        `topup_limit`, `provider_unavailable`.
        """
        return self._run(
            self._calls.top_up(package_id, provider, idempotency_key, channel, amount, terms, payer_id, return_url)
        )

    def topups(self, *, page_size: int | None = None) -> Pages[Topup]:
        """Top-ups, newest first, those that nobody paid too."""
        return Pages(lambda cursor: self._run(self._calls.topups(page_size, cursor)))

    def topup(self, topup_id: str) -> Topup:
        """One top-up: ask again, with pauses, until its `status` is no longer `pending`."""
        return self._run(self._calls.topup(topup_id))

    def redeem(self, code: str) -> Redeemed:
        """The bells of a gift code. The same code again is answered as it was. Raises LingdangError:
        `gift_code_unusable`, and RateLimited after too many wrong ones."""
        return self._run(self._calls.redeem(code))

    def entitlements(self, *, page_size: int | None = None) -> Pages[Entitlement]:
        """⑥ What the customer owns."""
        return Pages(lambda cursor: self._run(self._calls.entitlements(page_size, cursor)))

    def entitlement(self, product_id: str) -> EntitlementWithReceipt:
        """⑥ The right to one product, with its receipt. Raises NotFound when it is not owned.

        A receipt opens the product: the customer can no longer refund it by themselves.
        """
        return self._run(self._calls.entitlement(product_id))

    def link(self, product_id: str, seconds: int) -> Link:
        """A link to a product of the customer's for so many seconds, 1 to 86,400: for a download or a picture, whose
        request carries no session. Raises NotFound when it is not owned. Making it opens nothing; its use does.
        """
        return self._run(self._calls.link(product_id, seconds))

    def access(self, product_id: str) -> str:
        """The id of the order, or of the grant, that gave access to a product, which opens it. Raises NotEntitled."""
        return self._run(self._calls.access(product_id))

    def jwks(self) -> Jwks:
        """The public keys that verify receipts."""
        return self._run(self._calls.jwks())

    def revoked(self) -> str:
        """The signed list of the rights that ended, for whoever verifies receipts offline: see `verify_revoked`."""
        return self._run(self._calls.revoked())

    def _run(self, operation: Op[T]) -> T:
        try:
            effect = next(operation)
            while True:
                try:
                    result = self._perform(effect)
                except BaseException as error:
                    effect = operation.throw(error)
                else:
                    effect = operation.send(result)
        except StopIteration as stop:
            answer: T = stop.value
            return answer

    def _perform(self, effect: Effect) -> object:
        match effect:
            case Request():
                return self._send(effect)
            case Wait(seconds):
                time.sleep(seconds)
                return None
            case Local(call):
                return call()

    def _send(self, request: Request) -> Response:
        try:
            return answered(
                self._http.request(request.method, request.path, headers=request.headers, content=request.body)
            )
        except httpx.RequestError as error:
            raise unreachable(error) from error
