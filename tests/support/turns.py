"""An endpoint with what its courier has, moved by hand: nothing goes on by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any
from unittest.mock import patch

from lingdang.clock import system_clock
from lingdang.db.pool import Pool, connection_of, transaction
from lingdang.events.webhooks import held, leases, places
from lingdang.events.webhooks.courier import Courier
from lingdang.events.webhooks.couriers import OUTCOMES
from lingdang.events.webhooks.endpoints import EndpointInput, put_endpoint
from lingdang.events.webhooks.figures import Figures, Record
from lingdang.events.webhooks.held import WaitingList, Whose
from lingdang.events.webhooks.leases import Leases
from lingdang.events.webhooks.reads import Reads
from lingdang.events.webhooks.running import Health
from lingdang.events.webhooks.secrets import Secrets
from lingdang.events.webhooks.sending import Rules, Sender
from lingdang.events.webhooks.strands import Strands
from lingdang.events.webhooks.turn import Parts, Turn
from lingdang.journal.pace import Pace
from lingdang.keys import Keyring
from lingdang.ledger.settlement import Settlement
from proof.webhooks.receiver import Answer, Delivery, Receiver, reply
from support.customers import key_of, make_known
from support.journal import sql
from support.money import credit, open_settlement

ENDPOINT = "main"
LOOPBACK = (ip_network("127.0.0.0/8"),)
_LONG_SECONDS = 3600.0
"""A lease lasts for as long as a test may take on a slow machine."""


def whose(cust_id: str) -> Whose:
    """A customer of the only bucket."""
    return 0, key_of(cust_id)


def answering(status: int, *places: tuple[str, int], headers: tuple[str, ...] = ()) -> Answer:
    """Answers so whatever has one of these events in it, by customer and `seq`, and accepts all else."""

    async def answer(delivery: Delivery) -> bytes:
        named = any((event.get("custId"), event.get("seq")) in places for event in delivery.events)
        return reply(status, b"no", *headers) if named else reply(204)

    return answer


async def refuse(_: Delivery) -> bytes:
    """Fails, whatever comes."""
    return reply(500, b"broken")


async def gone(_: Delivery) -> bytes:
    """Wants nothing more."""
    return reply(410)


class Ticking:
    """A clock that goes on by a millisecond whenever it is looked at, and by as much as it was told."""

    def __init__(self) -> None:
        self._now = system_clock()

    def __call__(self) -> datetime:
        self.forward(0.001)
        return self._now

    def forward(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Endpoint:
    """The only endpoint of a shop, whose lease this process has. `parts` is what its courier is given."""

    def __init__(
        self, database_url: str, parts: Parts, hands: Ticking, settlement: Settlement, receiver: Receiver
    ) -> None:
        self.parts = parts
        self.hands = hands
        self.receiver = receiver
        self.record = Record(Figures())
        self._database_url = database_url
        self._settlement = settlement

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""
        return sql(self._database_url, statement)

    async def happen(self, *cust_ids: str) -> None:
        """A credit for each of these, one after the other."""
        make_known(self._database_url, *cust_ids)
        for cust_id in cust_ids:
            await self._settlement.submit(credit(cust_id, 1))

    async def put(self, **given: Any) -> None:
        """Write the endpoint, anew if it is there."""
        async with transaction(self.parts.pool) as connection:
            await put_endpoint(connection, ENDPOINT, EndpointInput(self.receiver.url, **given), 1, self.hands())

    def lose_lease(self) -> None:
        """Another worker sends for it."""
        self.sql("UPDATE webhook_lease SET holder = gen_random_uuid()")

    def cursor(self) -> int:
        """Up to where everything arrived or is held."""
        [(position,)] = self.sql("SELECT position FROM webhook_cursor")
        return int(position)

    def held(self) -> list[tuple[int, bool, bool]]:
        """Of what is held, in its order: failures, whether it is due at some time, whether it was given up."""
        return self.sql("SELECT failures, due_at IS NOT NULL, parked_at IS NOT NULL FROM webhook_held ORDER BY number")

    def arrived(self, cust_id: str) -> list[int]:
        """The `seq`s of a customer that were accepted, in the sequence of arrival."""
        events = [event for delivery in self.receiver.accepted for event in delivery.events]
        return [event["seq"] for event in events if event.get("custId") == cust_id]

    async def waiting(self) -> WaitingList:
        """Of whom something is held."""
        async with connection_of(self.parts.pool) as connection:
            return WaitingList(await held.waiting_of(connection, ENDPOINT))

    async def courier(self) -> Courier:
        """A courier that begins."""
        created_at = (await self.found()).created_at
        return Courier(ENDPOINT, created_at, self.parts, await self.waiting(), self.record)

    async def found(self) -> places.Endpoint:
        """The endpoint as its courier sees it."""
        async with connection_of(self.parts.pool) as connection:
            found = await places.load(connection, ENDPOINT, self.hands())
        assert found is not None
        return found

    async def turn(self, *, arrived: bool = True) -> Turn:
        """A turn that begins. `arrived`: something arrived there lately."""
        found = await self.found()
        async with connection_of(self.parts.pool) as connection:
            secrets = await self.parts.secrets.in_use(connection, ENDPOINT, self.hands())
        waiting, health = await self.waiting(), Health(arrived, set())
        return Turn(self.parts, ENDPOINT, found, secrets, self.record, waiting, Strands(), health)


@asynccontextmanager
async def endpoint_of(database_url: str, keyring: Keyring, receiver: Receiver) -> AsyncIterator[Endpoint]:
    """An endpoint at which nothing has happened yet, with a secret, and the lease of it."""
    hands, sender = Ticking(), Sender(Rules(LOOPBACK, (receiver.port,)))
    async with Pool(database_url, 8, False) as pool, open_settlement(database_url) as settlement:
        pace, counts = Pace(lambda: 0.0), dict.fromkeys(OUTCOMES, 0)
        parts = Parts(pool, sender, Secrets(keyring), Leases(), pace, hands, 1, {}, Reads(pool, {}), counts)
        endpoint = Endpoint(database_url, parts, hands, settlement, receiver)
        await endpoint.put()
        with patch.object(leases, "LEASE_SECONDS", _LONG_SECONDS):
            async with transaction(pool) as connection:
                await parts.secrets.add(connection, ENDPOINT, hands())
                await parts.leases.take(connection)
            yield endpoint
        await sender.close()
