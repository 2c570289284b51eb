"""Whoever writes: buyers through two settlements, and others who end their transactions late, or not at all."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import psycopg

from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.db.failures import AWAY
from lingdang.db.flush import flush
from lingdang.db.pool import Connection, connect_options
from lingdang.errors import Problem
from lingdang.events import notices
from lingdang.events.kinds import PAUSED, EndpointPaused
from lingdang.events.notices import NOBODY, Notice
from lingdang.ids import uuid7
from lingdang.ledger import store
from lingdang.ledger.crediting import Credit
from lingdang.ledger.lines import Line
from lingdang.ledger.paying import Pay
from lingdang.ledger.rules import settle
from lingdang.ledger.settlement import Settlement
from proof.faults.shop import PRICE

CUSTOMERS = 200

_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"


class Writers:
    """All of them. `counts` tells what they did, `causes` what they were told is in the journal."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.causes: set[UUID] = set()
        self._url = url
        self._chance = chance
        self._ended = asyncio.Event()
        self._books = itertools.count(1)
        self._names = itertools.count(1)

    def end(self) -> None:
        """Begin nothing more."""
        self._ended.set()

    async def buy(self, settlement: Settlement) -> None:
        """Pay and take credits, each sent again until it is answered."""
        while not self._ended.is_set():
            command = self._pay() if self._chance.random() < 0.7 else self._credit()
            while True:
                try:
                    await settlement.submit(command)
                    break
                except Problem as problem:
                    if problem.code not in ("overloaded", "outcome_unknown"):
                        raise
                    await asyncio.sleep(0.05)
            self._told(command)
            self.counts["answered"] += 1

    async def dawdle(self) -> None:
        """Write rows through the ledger's functions, in transactions that last, and give every other one up."""
        while not self._ended.is_set():
            try:
                async with self._written() as (connection, commands):
                    await self._nap(0.4)
                    if self._chance.random() < 0.5:
                        await connection.execute("COMMIT")
                        self._told(*commands)
                        self.counts["committed late"] += 1
                    elif self._chance.random() < 0.5:
                        await connection.execute("ROLLBACK")
                        self.counts["rolled back"] += 1
                    else:
                        self.counts["gone away from"] += 1
            except (*AWAY, psycopg.Error):
                await asyncio.sleep(0.05)

    async def prepare(self) -> None:
        """Write rows in transactions that are prepared, and ended later by somebody else."""
        while not self._ended.is_set():
            try:
                async with self._written() as (connection, _):
                    await connection.execute(f"PREPARE TRANSACTION 'p-{next(self._names)}'".encode())
                    self.counts["prepared"] += 1
                await self._nap(0.6)
                await self._end_prepared()
                await self._nap(0.6)
            except (*AWAY, psycopg.Error):
                await asyncio.sleep(0.05)
        await self._end_all_prepared()

    async def _end_all_prepared(self) -> None:
        """End all that is prepared, at last: buyers wait for its customers."""
        while True:
            try:
                await self._end_prepared()
                return
            except AWAY:
                await asyncio.sleep(0.05)

    async def hold_an_id(self, url: str) -> None:
        """Hold a transaction's id without settling, as an import does, or a writer in another database."""
        while not self._ended.is_set():
            try:
                async with await Connection.connect(url, **connect_options(False)) as connection:
                    await connection.execute("BEGIN")
                    await connection.execute("SELECT pg_current_xact_id()")
                    await self._nap(2)
                    await connection.execute("COMMIT")
                    self.counts["ids held"] += 1
            except AWAY:
                await asyncio.sleep(0.05)

    async def notify(self) -> None:
        """Write notices in transactions that last, and give some of them up."""
        while not self._ended.is_set():
            try:
                async with await Connection.connect(self._url, **connect_options(False)) as connection:
                    await notices.begin(connection, 0)
                    await connection.execute("BEGIN")
                    paused = EndpointPaused(endpoint_id="main", reason="test")
                    notice = Notice(NOBODY, PAUSED, str(next(self._names)), paused)
                    await notices.write(connection, 0, system_clock(), [notice])
                    await self._nap(0.2)
                    await connection.execute("COMMIT" if self._chance.random() < 0.8 else "ROLLBACK")
                    self.counts["notices"] += 1
            except (*AWAY, psycopg.Error):
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def _written(self) -> AsyncIterator[tuple[Connection, list[Credit]]]:
        """A connection whose transaction has written these."""
        commands = [self._credit() for _ in range(self._chance.randint(1, 3))]
        async with await Connection.connect(self._url, **connect_options(False)) as connection:
            await connection.execute(store.begin(0).encode())
            state, now = await store.load(connection, 0, commands, system_clock, Memory())
            await flush(connection, store.saving(0, settle(state, commands, now)[1]))
            yield connection, commands

    async def _end_prepared(self) -> None:
        async with await Connection.connect(self._url, **connect_options(False)) as connection:
            for (name,) in await (await connection.execute(_PREPARED)).fetchall():
                how = self._chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))
                await connection.execute(f"{how} PREPARED '{name}'".encode())
                self.counts[f"prepared, {how.lower()}"] += 1

    async def _nap(self, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, most))

    def _told(self, *commands: Pay | Credit) -> None:
        self.causes.update(command.cause for command in commands)

    def _credit(self) -> Credit:
        return Credit(
            customer=self._chance.randint(1, CUSTOMERS),
            credit_id=str(uuid7()),
            currency="BELL",
            amount=1,
            kind="paid",
            expires_at=None,
            reason="test",
        )

    def _pay(self) -> Pay:
        line = Line(f"book-{next(self._books)}", "A book", None, PRICE, PRICE, 0)
        return Pay(
            customer=self._chance.randint(1, CUSTOMERS),
            session_id=uuid7(),
            order_id=uuid7(),
            currency="BELL",
            lines=(line,),
            vouchers=(),
            subtotal=PRICE,
            discount=0,
            total=PRICE,
            expires_at=system_clock() + timedelta(hours=1),
        )
