"""The parts of top-ups of one shop, moved by hand: nothing is carried on by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from lingdang.db.pool import Pool, transaction
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.settings import Settings
from lingdang.topup import rows
from lingdang.topup.accounts import Account
from lingdang.topup.inbox import Place, Told
from lingdang.topup.parts import Ground, Topups
from lingdang.topup.providers.provider import Notification, Order, Provider, Standing
from lingdang.topup.providers.sandbox import Sandbox
from lingdang.topup.rows import TopupRow
from support.customers import make_known
from support.hands import Hands
from support.journal import sql
from support.money import open_settlement
from support.topups import ROW


class Till:
    """`topups` are the parts, `sandbox` is the provider of the account of that name."""

    def __init__(self, database_url: str, topups: Topups, sandbox: Sandbox, hands: Hands) -> None:
        self.topups = topups
        self.sandbox = sandbox
        self.hands = hands
        self._database_url = database_url

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""
        return sql(self._database_url, statement)

    def bells(self) -> list[tuple[Any, ...]]:
        """The journal's rows: kind, amount and the balance after it."""
        return self.sql("SELECT kind, amount, balance FROM transfer ORDER BY customer, seq")

    async def insert(self, cust_id: str = "ann", **changed: Any) -> TopupRow:
        """A top-up of 660 bells for CNY 6.00, written down and no more."""
        [customer] = make_known(self._database_url, cust_id)
        named = {"customer": customer.key, "topup_id": uuid7(), "account": "sandbox"} | changed
        row = msgspec.structs.replace(ROW, **named)
        async with transaction(self.topups.pool) as connection:
            assert await rows.insert(connection, row)
        return row

    async def begun(self, cust_id: str = "ann", **changed: Any) -> TopupRow:
        """One that waits at the sandbox for its payer."""
        row = await self.insert(cust_id, **changed)
        order = Order(
            topup_id=row.topup_id,
            name=row.name,
            price=row.agreed,
            channel=row.channel,
            expires_at=row.expires_at,
            notify_url="",
        )
        self.sandbox.begin(order)
        return row

    async def play(self, row: TopupRow, outcome: str) -> TopupRow:
        """Have its payment come out so, and carry out what the sandbox tells. Returns the top-up as it is then."""
        for sending in self.sandbox.play(row.topup_id, outcome) or []:
            now = self.hands()
            read = self.sandbox.read(sending.headers, sending.body, now)
            taken = await self.topups.inbox.take("sandbox", read, sending.headers, sending.body, now)
            if taken is not None:
                await self.topups.following.carry_out(*taken)
        return await self.found(row)

    async def taken_in(self, *standings: Standing) -> list[tuple[Place, Told]]:
        """Notifications of these standings, in the inbox and not carried out."""
        found = []
        for standing in standings:
            note = Notification(id=str(uuid7()), type="pay", at=standing.at, standing=standing)
            entry = await self.topups.inbox.take("sandbox", note, {}, b"", self.hands())
            assert entry is not None
            found.append(entry)
        return found

    async def carry_out_due(self) -> None:
        """What a healer does now."""
        for place in await self.topups.inbox.claim(self.hands(), ["sandbox"], 100):
            await self.topups.following.carry_out(place)

    async def paid(self, cust_id: str = "ann") -> TopupRow:
        """One that was paid, and whose bells were given."""
        return await self.play(await self.begun(cust_id), "pay")

    async def found(self, row: TopupRow) -> TopupRow:
        """The top-up as it is now."""
        found = await rows.find(self.topups.pool, row.topup_id)
        assert found is not None
        return found


@asynccontextmanager
async def till_of(
    database_url: str, keyring: Keyring, *providers: tuple[str, Provider], sandbox: Sandbox | None = None, **named: Any
) -> AsyncIterator[Till]:
    """A till with the sandbox and further accounts; `named` are settings."""
    hands = Hands()
    own = sandbox or Sandbox("sandbox", database_url, keyring, "", clock=hands)
    accounts = {name: Account(name, provider) for name, provider in (("sandbox", own), *providers)}
    ground = Ground(Settings(**named), database_url, keyring, 1, hands)
    async with Pool(database_url, 4, False) as pool, open_settlement(database_url, clock=hands) as settlement:
        topups = Topups(ground, pool, settlement, accounts)
        yield Till(database_url, topups, own, hands)
        await topups.close()
