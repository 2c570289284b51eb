"""One run: top-ups at three stand-ins, their notifications on crooked ways, and processes that are killed meanwhile."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import create_api_key
from proof.faults import shop
from proof.faults.kinds import KINDS as FAULTS
from proof.faults.server import Server
from proof.standin.desk import Message
from proof.standin.faults import Faults
from proof.standin.standin import Standin
from proof.topups.audit import audit
from proof.topups.plan import KINDS, PRICE, Story, stories, travel
from proof.topups.sending import Answered, Sent, send_all

PATIENCE = 120.0
"""Seconds within which everything must have been carried out."""
VICTIMS = ("worker", "background")
PACKAGE = {
    "name": "600 bells",
    "paid": 600,
    "bonus": 60,
    "bonusExpiresAfterDays": 90,
    "price": {"amount": PRICE, "currency": "CNY"},
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is done. The seed decides everything else."""

    seed: int
    topups: int = 18
    kills: int = 3
    pause: float = 0.2
    """Seconds before each notification."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `deliveries` counts forged ones too."""

    faults: list[str]
    deliveries: int
    forged: int


async def run(plan: Plan, place: Path) -> Outcome:
    """Carry out the plan in the empty directory `place`."""
    chance = random.Random(plan.seed)
    with Standin(Faults(), {}).serving() as standin:
        async with _served(place, standin) as server:
            await _sell(server)
            told = await _begin(server, standin, stories(chance, plan.topups, shop.CUSTOMERS))
            sending = _on_their_way(chance, standin, told)
            answered, _ = await asyncio.gather(
                send_all(server.url, sending, plan.pause), _kill(plan, server, len(sending), chance)
            )
            return await _judged(server, told, answered)


@asynccontextmanager
async def _served(place: Path, standin: Standin) -> AsyncIterator[Server]:
    """The shop with the stand-in's accounts. Its customers are testers, who may use play money."""
    data_dir = place / "shop"
    await asyncio.to_thread(shop.prepare, data_dir)
    accounts = {name: account for name, account in standin.accounts().items() if name in KINDS}
    environ = {
        "LINGDANG_TOPUP_PROVIDERS": msgspec.json.encode(accounts).decode(),
        "LINGDANG_PUBLIC_URL": "https://shop.example",
    }
    server = Server(data_dir, workers=2, tls=False, environ=environ)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def _sell(server: Server) -> None:
    async with await Connection.connect(server.database_url(), autocommit=True) as connection:
        await connection.execute("UPDATE customer SET groups = '{store-testers}'")
        key = await create_api_key(connection, f"proof-{uuid4().hex}", ("topups:write",), system_clock())
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30, trust_env=False) as http:
        (await http.put("/v1/admin/topups/packages/six", json=PACKAGE)).raise_for_status()


async def _begin(server: Server, standin: Standin, planned: Sequence[Story]) -> dict[str, Story]:
    """Begin the top-ups: the stories by their ids."""
    people = shop.customers(server.data_dir)
    told: dict[str, Story] = {}
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
        for story in planned:
            who = people[story.customer]
            headers = {"Authorization": f"Bearer {who.token}", "X-Cust-Id": who.cust_id}
            body = {"packageId": "six", "provider": story.kind, "channel": "web"}
            answer = await http.post("/v1/topups", json=body, headers=headers)
            answer.raise_for_status()
            begun: dict[str, Any] = answer.json()
            if story.kind == "alipay":
                standin.alipay.open(begun["action"]["url"])
            told[begun["topupId"]] = story
    return told


def _on_their_way(chance: random.Random, standin: Standin, told: dict[str, Story]) -> list[Sent]:
    """Everything happens at the providers; what they and forgers send, in the order of arrival."""
    sending: list[Sent] = []
    for name, story in told.items():
        desk = standin.desks[story.kind]
        for message in _happens(standin, UUID(name).hex, story):
            way = travel(chance)
            sending += [Sent(message=message, is_forged=False)] * way.times
            how = way.how(desk.breaks)
            forged = message if how is None else desk.broken(message, how)
            if (forged.body, forged.headers) != (message.body, message.headers):
                sending.append(Sent(message=forged, is_forged=True))
    chance.shuffle(sending)
    return sending


def _happens(standin: Standin, number: str, story: Story) -> list[Message]:
    desk = standin.desks[story.kind]
    messages = [desk.pay(number, story.wrong)]
    messages += [desk.give_back(number, amount) for amount in story.returns]
    if story.won is not None:
        messages += [standin.stripe.dispute(number), standin.stripe.settle(number, story.won)]
    return messages


async def _kill(plan: Plan, server: Server, deliveries: int, chance: random.Random) -> None:
    """Kill processes while deliveries are under way."""
    seconds = deliveries * plan.pause / 8
    for _ in range(plan.kills):
        await asyncio.sleep(seconds / (plan.kills + 1))
        await FAULTS[chance.choice(VICTIMS)](server, chance)


async def _judged(server: Server, told: dict[str, Story], answered: Sequence[Answered]) -> Outcome:
    """What is wrong once nothing is, or after PATIENCE."""
    end = time.monotonic() + PATIENCE
    with psycopg.connect(server.database_url(), autocommit=True) as connection:
        while (faults := audit(connection, told, answered)) and time.monotonic() < end:  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(1)
    return Outcome(faults=faults, deliveries=len(answered), forged=sum(each.sent.is_forged for each in answered))
