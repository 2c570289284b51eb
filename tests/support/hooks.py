"""A shop with receivers of webhooks: endpoints are put over HTTP, and events happen past the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from lingdang.ids import Customer
from lingdang.keys import Keyring
from lingdang.ledger.settlement import Settlement
from proof.webhooks.receiver import Delivery, Receiver
from support.customers import make_known
from support.hands import Hands
from support.money import credit, open_settlement
from support.people import api_key
from support.shop import Shop, open_shop

LOOPBACK = ("127.0.0.0/8",)


class Platform:
    """Who has endpoints at a shop, and customers to whom things happen."""

    def __init__(self, shop: Shop, hands: Hands, settlement: Settlement, key: dict[str, str]) -> None:
        self.shop = shop
        self.hands = hands
        self.key = key
        self._settlement = settlement
        self._known: dict[str, Customer] = {}

    async def put(self, receiver: Receiver, endpoint_id: str = "main", **body: Any) -> dict[str, Any]:
        """Create or replace an endpoint."""
        answer = await self.ask("PUT", endpoint_id, {"url": receiver.url, **body})
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def ask(self, method: str, place: str, body: Any = None) -> httpx.Response:
        """A request about an endpoint."""
        path = f"/v1/admin/webhooks/{place}".rstrip("/")
        return await self.shop.http.request(method, path, json=body, headers=self.key)

    async def look(self, endpoint_id: str = "main") -> dict[str, Any]:
        """The endpoint as it is now."""
        told: dict[str, Any] = (await self.ask("GET", endpoint_id)).json()
        return told

    async def happen(self, *cust_ids: str) -> None:
        """A credit for each of these, one after the other."""
        new = [cust_id for cust_id in dict.fromkeys(cust_ids) if cust_id not in self._known]
        if new:
            self._known |= {each.cust_id: each for each in make_known(self.shop.database_url, *new)}
        for cust_id in cust_ids:
            await self._settlement.submit(credit(self._known[cust_id].key, 1))

    def state(self) -> str:
        """Of the only endpoint."""
        [(active, fails)] = self.shop.sql("SELECT active, failing_since IS NOT NULL FROM webhook_endpoint")
        return "paused" if not active else "failing" if fails else "delivering"

    def held(self) -> list[tuple[Any, ...]]:
        """The rows of what is held: position in the customer's order, failures, whether it is due, whether parked."""
        return self.shop.sql(
            "SELECT failures, due_at IS NOT NULL, parked_at IS NOT NULL FROM webhook_held ORDER BY number"
        )


@asynccontextmanager
async def platform_of(
    database_url: str, keyring: Keyring, *receivers: Receiver, **settings: Any
) -> AsyncIterator[Platform]:
    """A shop that may send to these receivers."""
    hands = Hands()
    name = f"platform-{uuid4().hex}"
    ports = tuple(receiver.port for receiver in receivers)
    named = {"webhook_networks": LOOPBACK, "webhook_ports": ports} | settings
    async with open_shop(database_url, keyring, clock=hands, **named) as shop, open_settlement(database_url) as settled:
        yield Platform(shop, hands, settled, await api_key(shop, name=name))


def is_signed(secret: str, delivery: Delivery) -> bool:
    """Whether one of a message's signatures is by this secret, whenever it was sent."""
    headers = delivery.headers
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    made = Webhook(secret).sign(headers["webhook-id"], sent, delivery.body.decode())
    return made in headers["webhook-signature"].split(" ")


def seqs(receiver: Receiver, cust_id: str) -> list[int]:
    """A customer's `seq`s as they came in, each where it came first."""
    return list(dict.fromkeys(event["seq"] for event in receiver.events if event.get("custId") == cust_id))
