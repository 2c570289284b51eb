"""What customers and operators do meanwhile: bells are spent, and money is given back. Each repeats until answered."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from lingdang.payment.signing import string_to_sign
from proof.bench.signing import sign
from proof.faults.shop import START, Customer

PAUSE = 0.2
TRIES = 300
_AGAIN = frozenset({429, 503})


class PeopleError(Exception):
    """Something that had to be done was refused. The message says what and how."""


class People:
    """Everybody, at a shop's address. `key` is an operator's."""

    def __init__(self, url: str, customers: list[Customer], key: str) -> None:
        self._url = url
        self._customers = customers
        self._operator = {"Authorization": f"Bearer {key}"}

    async def empty(self) -> None:
        """Nobody has bells any more."""
        for customer in self._customers:
            body = {"adjustmentId": "none", "amount": -START, "reason": "a wallet of top-ups alone"}
            await self._sure("POST", f"/v1/admin/wallets/{customer.cust_id}/adjustments", body, self._operator)

    async def sell(self, package_id: str, package: Mapping[str, Any]) -> None:
        """Put a package on sale."""
        await self._sure("PUT", f"/v1/admin/topups/packages/{package_id}", package, self._operator)

    async def begin(self, customer: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a top-up; its answer."""
        begun: dict[str, Any] = await self._sure("POST", "/v1/topups", body, self._headers(customer))
        return begun

    async def buy(self, customer: int, product_id: str) -> None:
        """Buy a book. Raises PeopleError, also for a customer without the bells."""
        headers = self._headers(customer)
        asked = {"productIds": [product_id], "voucherIds": []}
        offer = await self._sure("POST", "/v1/checkout", asked, headers)
        await self._sure("POST", "/v1/payments", _payment(self._customers[customer], product_id, offer), headers)

    async def give_back(self, topup_id: str, refund_id: str, amount: int) -> None:
        """Ask for money to be given back, twice at the same moment, until it has been."""
        path = f"/v1/admin/topups/{topup_id}/refunds"
        body = {"refundId": refund_id, "amount": amount}
        for _ in range(TRIES):
            told = await asyncio.gather(*(self._sure("POST", path, body, self._operator) for _ in range(2)))
            if all(each["status"] == "done" for each in told):
                return
            await asyncio.sleep(PAUSE)
        raise PeopleError(f"refund of {topup_id}: {told}")

    def _headers(self, customer: int) -> dict[str, str]:
        who = self._customers[customer]
        return {"Authorization": f"Bearer {who.token}", "X-Cust-Id": who.cust_id}

    async def _sure(self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """What is answered, once it is: to a request that is sent again as it was. Raises PeopleError."""
        headers = {"Idempotency-Key": uuid4().hex, **headers}
        why = ""
        for _ in range(TRIES):
            try:
                async with httpx.AsyncClient(base_url=self._url, timeout=15, trust_env=False) as http:
                    answer = await http.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                why = repr(error)
            else:
                if answer.is_success:
                    return answer.json()
                why = f"{answer.status_code} {answer.text}"
                if answer.status_code not in _AGAIN:
                    break
            await asyncio.sleep(PAUSE)
        raise PeopleError(f"{method} {path}: {why}")


def _payment(customer: Customer, product_id: str, offer: Mapping[str, Any]) -> dict[str, Any]:
    now, nonce, token = int(time.time()), uuid4().hex, offer["orderToken"]
    message = string_to_sign(customer.cust_id, nonce, token, [product_id], "HMAC-SHA256", now)
    return {
        "productIds": [product_id],
        "timestamp": now,
        "nonce": nonce,
        "orderToken": token,
        "signType": "HMAC-SHA256",
        "sign": sign(message, "HMAC-SHA256", customer.sign_key, None),
    }
