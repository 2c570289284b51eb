"""One run: a shop under load, three endpoints of which one is always well, and a process that is killed meanwhile."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import psycopg
from standardwebhooks import Webhook

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import create_api_key
from proof.faults import shop
from proof.faults.kinds import KINDS
from proof.faults.load import Load
from proof.faults.server import Server
from proof.webhooks.audit import Journal, Verdict, audit, has_all, journal_of
from proof.webhooks.moods import moods, picky
from proof.webhooks.receiver import Delivery, Receiver, accept, receiving

PATIENCE = 300.0
"""Seconds within which everything must have arrived once all are well."""
BATCHES = {"good": 100, "picky": 1, "moody": 20}
"""The endpoints, with how many events each takes at a time."""
REFUSED = 0.05


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is done. The seed decides victims and moments."""

    seconds: float = 60.0
    kills: int = 5
    workers: int = 2
    customers: int = shop.CUSTOMERS
    pause: float = 0.0
    """Seconds that each customer rests between two orders."""
    seed: int = 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `astray` counts connections that a redirect led elsewhere, `forged` what was not well signed."""

    verdicts: list[Verdict]
    payments: int
    astray: int
    forged: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.astray == self.forged == 0 and all(verdict.is_clean for verdict in self.verdicts)


class NotArrivedError(Exception):
    """Something did not arrive though every receiver was well."""


async def run(plan: Plan, place: Path, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Carry out the plan in the empty directory `place`. `tell` hears what is happening. Raises NotArrivedError."""
    async with AsyncExitStack() as stack:
        astray = await stack.enter_async_context(receiving())
        receivers = {name: await stack.enter_async_context(receiving()) for name in BATCHES}
        server = await stack.enter_async_context(_served(plan, place, [*receivers.values(), astray]))
        secrets = await _put_endpoints(server, receivers)
        chance = random.Random(plan.seed)
        receivers["picky"].answer = picky(chance, REFUSED)
        with psycopg.connect(server.database_url(), autocommit=True) as connection:
            [(start,)] = connection.execute("SELECT max(position) FROM webhook_cursor").fetchall()
        load = Load(shop.customers(server.data_dir, plan.customers), claims=False, pause=plan.pause)
        async with load.running(server.url, None):
            await asyncio.gather(
                _change_moods(plan, receivers["moody"], astray.url, tell), _kill(plan, server, chance, tell)
            )
        await _all_well(server, receivers)
        journal = await _arrived(server, start, receivers, tell)
        return Outcome(
            verdicts=[audit(name, journal, receiver.accepted) for name, receiver in receivers.items()],
            payments=len(load.answered),
            astray=astray.connections,
            forged=sum(_forged(secrets[name], receiver) for name, receiver in receivers.items()),
        )


@asynccontextmanager
async def _served(plan: Plan, place: Path, receivers: list[Receiver]) -> AsyncIterator[Server]:
    """The shop, which may send to these receivers."""
    data_dir = place / "shop"
    await asyncio.to_thread(shop.prepare, data_dir)
    ports = ",".join(str(receiver.port) for receiver in receivers)
    environ = {"LINGDANG_WEBHOOK_NETWORKS": "127.0.0.0/8", "LINGDANG_WEBHOOK_PORTS": ports}
    server = Server(data_dir, workers=plan.workers, tls=False, environ=environ)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def _put_endpoints(server: Server, receivers: dict[str, Receiver]) -> dict[str, str]:
    """Create the endpoints, or write them anew; the secrets of new ones by name."""
    async with await Connection.connect(server.database_url(), autocommit=True) as connection:
        key = await create_api_key(connection, f"proof-{uuid4().hex}", ("webhooks:write",), system_clock())
    secrets: dict[str, str] = {}
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30, trust_env=False) as http:
        for name, receiver in receivers.items():
            body = {"url": receiver.url, "batch": BATCHES[name]}
            answer = await http.put(f"/v1/admin/webhooks/{name}", json=body)
            answer.raise_for_status()
            secrets[name] = answer.json()["secret"]
    return secrets


async def _change_moods(plan: Plan, receiver: Receiver, elsewhere: str, tell: Callable[[str], None]) -> None:
    """Let a receiver be unwell in every way, one after the other."""
    known = moods(elsewhere)
    for name, answer in known.items():
        tell(f"the moody one {name}")
        receiver.answer = answer
        await asyncio.sleep(plan.seconds / len(known))


async def _kill(plan: Plan, server: Server, chance: random.Random, tell: Callable[[str], None]) -> None:
    for _ in range(plan.kills):
        await asyncio.sleep(plan.seconds / (plan.kills + 1))
        tell("the process that delivers is killed")
        await KINDS["background"](server, chance)


async def _all_well(server: Server, receivers: dict[str, Receiver]) -> None:
    """Every receiver is well from now on, and what failed is tried at once."""
    for receiver in receivers.values():
        receiver.answer = accept
    for _ in range(20):
        try:
            await _put_endpoints(server, receivers)
        except httpx.TransportError:
            await asyncio.sleep(0.5)
        else:
            return


async def _arrived(server: Server, start: int, receivers: dict[str, Receiver], tell: Callable[[str], None]) -> Journal:
    """Wait until everything has arrived everywhere: what that is."""
    with psycopg.connect(server.database_url(), autocommit=True) as connection:
        journal = journal_of(connection, start)
    end = time.monotonic() + PATIENCE
    missing = list(receivers)
    while missing:
        tell(f"waiting for {', '.join(missing)}")
        if time.monotonic() > end:
            raise NotArrivedError(f"not all has arrived at {', '.join(missing)}\n{server.log()[-4000:]}")
        await asyncio.sleep(0.5)
        missing = [name for name in missing if not has_all(journal, receivers[name].accepted)]
    return journal


def _forged(secret: str, receiver: Receiver) -> int:
    """How much of what was accepted does not bear the secret's signature."""
    return sum(not _is_signed(Webhook(secret), delivery) for delivery in receiver.accepted)


def _is_signed(webhook: Webhook, delivery: Delivery) -> bool:
    sent = datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), UTC)
    made = webhook.sign(delivery.headers["webhook-id"], sent, delivery.body.decode())
    return made in delivery.headers["webhook-signature"].split(" ")
