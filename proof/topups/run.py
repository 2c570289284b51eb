"""One run: top-ups at stand-ins, their notifications on crooked ways, and processes that are killed meanwhile.

First payers pay. Once the bells are there, customers spend some of them. Then money goes back: at the providers, or as
operators ask; and further payers pay, whose bells may meet debts.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import Scope, create_api_key
from proof.faults import shop
from proof.faults.kinds import KINDS as FAULTS
from proof.faults.server import Server
from proof.standin.desk import Message
from proof.standin.faults import Faults
from proof.standin.standin import Standin
from proof.topups.audit import audit
from proof.topups.people import People
from proof.topups.plan import ANOTHER_APP, MEANT, PRICE, STORES, Story, stories, travel
from proof.topups.sending import Answered, Sent, send_all

PATIENCE = 120.0
"""Seconds within which everything must have been carried out."""
VICTIMS = ("worker", "background")
SCOPES: tuple[Scope, ...] = ("topups:write", "wallets:adjust")
PACKAGE = {
    "name": "600 bells",
    "paid": 600,
    "bonus": 60,
    "bonusExpiresAfterDays": 90,
    "price": {"amount": PRICE, "currency": "CNY"},
    "storeProducts": {"apple": "bells.600", "google": "bells.600"},
}
_CREDITED = "SELECT count(*) FROM transfer WHERE kind = 'topup'"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is done. The seed decides everything else."""

    seed: int
    topups: int = 25
    kills: int = 2
    """In each of the two parts."""
    pause: float = 0.2
    """Seconds before each notification."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `deliveries` counts refused ones too; `debts` are customers who owe bells at the end."""

    faults: list[str]
    deliveries: int
    forged: int
    debts: int


async def run(plan: Plan, place: Path) -> Outcome:
    """Carry out the plan in the empty directory `place`."""
    chance = random.Random(plan.seed)
    with Standin(Faults(), {}).serving() as standin:
        async with _served(place, standin) as server:
            people = await _people(server)
            await people.empty()
            await people.sell("six", PACKAGE)
            told = await _begin(people, standin, stories(chance, plan.topups, shop.CUSTOMERS))
            return await _Run(plan, chance, standin, server, people, told).done()


@asynccontextmanager
async def _served(place: Path, standin: Standin) -> AsyncIterator[Server]:
    """The shop with the stand-in's accounts. Its customers are testers, who may use play money."""
    data_dir = place / "shop"
    await asyncio.to_thread(shop.prepare, data_dir)
    environ = {
        "LINGDANG_TOPUP_PROVIDERS": msgspec.json.encode(standin.accounts()).decode(),
        "LINGDANG_PUBLIC_URL": "https://shop.example",
    }
    server = Server(data_dir, workers=2, tls=False, environ=environ)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def _people(server: Server) -> People:
    async with await Connection.connect(server.database_url(), autocommit=True) as connection:
        await connection.execute("UPDATE customer SET groups = '{store-testers}'")
        key = await create_api_key(connection, f"proof-{uuid4().hex}", SCOPES, system_clock())
    assert key is not None, "its name is new"
    return People(server.url, shop.customers(server.data_dir), key)


async def _begin(people: People, standin: Standin, planned: Sequence[Story]) -> dict[str, Story]:
    """Begin the top-ups: the stories by their ids."""
    told: dict[str, Story] = {}
    for story in planned:
        channel = "store" if story.kind in STORES else "web"
        begun = await people.begin(story.customer, {"packageId": "six", "provider": story.kind, "channel": channel})
        if story.kind == "alipay":
            standin.alipay.open(begun["action"]["url"])
        told[begun["topupId"]] = story
    return told


class _Run:
    """A run whose top-ups are begun."""

    def __init__(
        self,
        plan: Plan,
        chance: random.Random,
        standin: Standin,
        server: Server,
        people: People,
        told: Mapping[str, Story],
    ) -> None:
        self._plan = plan
        self._chance = chance
        self._standin = standin
        self._server = server
        self._people = people
        self._told = told
        self._answered: list[Answered] = []

    async def done(self) -> Outcome:
        """Carry it out, and judge it."""
        await self._part(lambda name, story: [] if story.late else [self._pays(name, story)], [])
        await self._credited()
        await self._spent()
        asked = [self._asked(name, story) for name, story in self._told.items() if story.by_operator]
        await self._part(self._goes_back, asked)
        return await self._judged()

    async def _part(
        self, happens: Callable[[str, Story], list[Message]], beside: Sequence[Coroutine[Any, Any, None]]
    ) -> None:
        """Something happens to every top-up; it is told, beside other work, while processes are killed."""
        sending = [sent for name, story in self._told.items() for sent in self._travels(happens(name, story), story)]
        self._chance.shuffle(sending)
        await asyncio.gather(self._send(sending), self._kill(len(sending)), *beside)

    async def _send(self, sending: Sequence[Sent]) -> None:
        self._answered += await send_all(self._server.url, sending, self._plan.pause)

    def _travels(self, messages: Sequence[Message], story: Story) -> list[Sent]:
        """Each arrives several times, some with a forged one beside them."""
        sending: list[Sent] = []
        desk = self._standin.desks[story.kind]
        for message in messages:
            way = travel(self._chance)
            sending += [Sent(message=message, refused=ANOTHER_APP if story.refused else None)] * way.times
            how = None if story.refused else way.how(desk.breaks)
            if how is None:
                continue
            forged = desk.broken(message, how)
            if (forged.body, forged.headers) != (message.body, message.headers):
                sending.append(Sent(message=forged, refused=MEANT[how]))
        return sending

    def _pays(self, name: str, story: Story) -> Message:
        return self._standin.desks[story.kind].pay(UUID(name).hex, story.wrong)

    def _goes_back(self, name: str, story: Story) -> list[Message]:
        """What happens at the providers once bells were spent."""
        number, desk = UUID(name).hex, self._standin.desks[story.kind]
        if story.late:
            return [self._pays(name, story)]
        messages = [] if story.by_operator else [desk.give_back(number, amount) for amount in story.returns]
        if story.reversed:
            messages.append(self._standin.apple.reverse(number))
        if story.won is not None:
            messages += [self._standin.stripe.dispute(number), self._standin.stripe.settle(number, story.won)]
        return messages

    async def _asked(self, name: str, story: Story) -> None:
        """An operator gives the money back, part by part."""
        for number, amount in enumerate(story.returns):
            await self._people.give_back(name, f"part-{number}", amount)

    async def _credited(self) -> None:
        """Wait until all that was paid is credited, or for long enough: what is missing is found at the end."""
        due = sum(story.wrong is None and not story.late for story in self._told.values())
        end = time.monotonic() + PATIENCE
        with psycopg.connect(self._server.database_url(), autocommit=True) as connection:
            while time.monotonic() < end:
                [(count,)] = connection.execute(_CREDITED).fetchall()
                if count >= due:
                    return
                await asyncio.sleep(0.2)

    async def _spent(self) -> None:
        """Customers buy books, each another one."""
        numbers = iter(range(1, shop.BOOKS + 1))
        for story in self._told.values():
            for _ in range(story.books):
                await self._people.buy(story.customer, f"book-{next(numbers)}")

    async def _kill(self, deliveries: int) -> None:
        """Kill processes while deliveries are under way."""
        seconds = deliveries * self._plan.pause / 8
        for _ in range(self._plan.kills):
            await asyncio.sleep(seconds / (self._plan.kills + 1))
            await FAULTS[self._chance.choice(VICTIMS)](self._server, self._chance)

    async def _judged(self) -> Outcome:
        """What is wrong once nothing is, or after PATIENCE."""
        end = time.monotonic() + PATIENCE
        with psycopg.connect(self._server.database_url(), autocommit=True) as connection:
            while (faults := audit(connection, self._told, self._answered)) and time.monotonic() < end:  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(1)
            [(debts,)] = connection.execute("SELECT count(*) FROM wallet WHERE debt > 0").fetchall()
        return Outcome(
            faults=faults,
            deliveries=len(self._answered),
            forged=sum(each.sent.refused is not None for each in self._answered),
            debts=int(debts),
        )
