"""Customers who go on buying through every fault, and who repeat what was not answered until it is."""

import asyncio
import itertools
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from lingdang.payment.signing import string_to_sign
from proof.bench.signing import sign
from proof.faults.shop import CODE, Customer

CLIENT_SECONDS = 5.0
"""How long a client waits for an answer before it tries again on a new connection."""
_PAUSE_SECONDS = 0.02


class Paid(NamedTuple):
    """What a customer was told of a payment."""

    cust_id: str
    paid: int
    balance: int


class Times(NamedTuple):
    """Seconds from a fault until a payment begun after it was answered, and until every customer had one."""

    first: float
    whole: float


class Back:
    """Waits for service: for the first payment begun and answered after a fault, and for every customer's."""

    def __init__(self, customers: set[str]) -> None:
        self.since = time.monotonic()
        self.times: Times | None = None
        """Known once service is back."""
        self._first: float | None = None
        self._missing = set(customers)
        self._done = asyncio.Event()

    def paid(self, cust_id: str, begun: float) -> None:
        """A customer's payment that was begun at `begun` has been answered."""
        if begun < self.since or self.times is not None:
            return
        now = time.monotonic() - self.since
        if self._first is None:
            self._first = now
        self._missing.discard(cust_id)
        if not self._missing:
            self.times = Times(self._first, now)
            self._done.set()

    async def wait(self, seconds: float) -> bool:
        """Whether every customer has paid again within `seconds`."""
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            return False
        return True


class Load:
    """The customers' side of the history: what they were told. Each has one connection and one purchase at a time.

    Without `claims` they claim no vouchers, for which each customer has a quota; `pause`: seconds between purchases.
    """

    def __init__(self, customers: list[Customer], *, claims: bool = True, pause: float = 0.0) -> None:
        self._customers = customers
        self._claims = claims
        self._pause = pause
        self._backs: list[Back] = []
        self._stopping = False
        self.answered: dict[str, Paid] = {}
        self.claimed: set[str] = set()
        self.repeated = 0
        """Payments that were sent again because their answer was missing or 503."""
        self.replayed = 0
        """Those of them that had been executed before."""
        self.unexpected: Counter[str] = Counter()
        """Answers that no client should be given."""

    @asynccontextmanager
    async def running(self, url: str, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
        """Buy for as long as the block; at its end every purchase begun is brought to its end."""
        tasks = [asyncio.create_task(self._shop(customer, url, tls)) for customer in self._customers]
        try:
            yield
            self._stopping = True
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def back(self) -> Back:
        """From now on, watch for service."""
        back = Back({customer.cust_id for customer in self._customers})
        self._backs = [watched for watched in self._backs if watched.times is None]
        self._backs.append(back)
        return back

    async def _shop(self, customer: Customer, url: str, tls: ssl.SSLContext | None) -> None:
        headers = {"Authorization": f"Bearer {customer.token}", "X-Cust-Id": customer.cust_id}
        async with httpx.AsyncClient(
            base_url=url, headers=headers, verify=tls or False, timeout=CLIENT_SECONDS, trust_env=False
        ) as http:
            for number in itertools.count(1):
                if self._stopping:
                    return
                await self._buy(http, customer, f"book-{number}")
                await asyncio.sleep(self._pause)

    async def _buy(self, http: httpx.AsyncClient, customer: Customer, product_id: str) -> None:
        vouchers = [await self._claim(http, product_id)] if self._claims else []
        begun = time.monotonic()
        asked = {"productIds": [product_id], "voucherIds": vouchers}
        offer = (await self._sure(http, "/v1/checkout", asked)).json()
        answer = await self._sure(http, "/v1/payments", _payment(customer, product_id, offer["orderToken"]))
        order = answer.json()
        if order["orderId"] != offer["orderId"]:
            self.unexpected["another order's answer"] += 1
        self.replayed += answer.headers.get("idempotent-replayed") == "true"
        self.answered[order["orderId"]] = Paid(customer.cust_id, order["paid"], order["balance"])
        for back in self._backs:
            back.paid(customer.cust_id, begun)

    async def _claim(self, http: httpx.AsyncClient, key: str) -> str:
        claimed = await self._sure(http, "/v1/vouchers/claim", {"code": CODE}, {"Idempotency-Key": key})
        voucher_id: str = claimed.json()["voucherId"]
        self.claimed.add(voucher_id)
        return voucher_id

    async def _sure(
        self, http: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send one request again and again, as a client does, until it is answered."""
        for attempt in itertools.count():
            if attempt:
                self.repeated += path == "/v1/payments"
                await asyncio.sleep(_PAUSE_SECONDS)
            try:
                answer = await http.post(path, json=body, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code < 300:
                return answer
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                self.unexpected[f"{path} {answer.status_code} {answer.text[:200]}"] += 1
                await asyncio.sleep(1)
        raise AssertionError("it is repeated without end")


def _payment(customer: Customer, product_id: str, order_token: str) -> dict[str, Any]:
    """A signed payment for one product."""
    now, nonce = int(time.time()), uuid4().hex
    message = string_to_sign(customer.cust_id, nonce, order_token, [product_id], "HMAC-SHA256", now)
    return {
        "productIds": [product_id],
        "timestamp": now,
        "nonce": nonce,
        "orderToken": order_token,
        "signType": "HMAC-SHA256",
        "sign": sign(message, "HMAC-SHA256", customer.sign_key, None),
    }
