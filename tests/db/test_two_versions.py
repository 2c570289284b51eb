"""Workers of two versions on one database: what an upgrade without downtime, and the way back, stand on.

The version before is this one, served by a process of its own. The version after has tables with a column more, and
functions with a parameter more under new names (docs/decisions/0021-sql-has-a-home.md). It is served in this process.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lingdang.cart import carts
from lingdang.checkout import reading
from lingdang.db import migrate as migrations
from lingdang.db import sql_files
from lingdang.db.migrate import HEAD, migrate
from lingdang.deployment import make_sessions
from lingdang.keys import Keyring
from lingdang.ledger import store
from support.buyer import Buyer, buyer, give, stock
from support.carts import tick
from support.journal import deployment_of, seal_all, verify
from support.refunds import desk_of, refund
from support.served import Served, is_well, serving
from support.shop import PATIENCE, Shop, open_shop
from support.tabs import until, waiting
from support.vouchers import differences, hold, put_coupon

FUNCTIONS = {
    "ledger/load.sql": "ledger_load",
    "ledger/found.sql": "ledger_found",
    "ledger/write.sql": "ledger_write",
    "checkout/facts.sql": "checkout_facts",
    "cart/tick.sql": "cart_tick",
}
TABLES = ("wallet", "transfer", "entitlement", "voucher", "cart_item", "product", "customer")
STATEMENTS: list[tuple[Any, str]] = [
    (store, "_LOAD"),
    (store, "_FOUND"),
    (store, "_FOUND_NUMBERED"),
    (store, "_SAVE"),
    (reading, "_SQL"),
    (carts, "_TICK"),
]


def renewed(statement: Any) -> Any:
    """A statement as the version after sends it."""
    text = statement.decode() if isinstance(statement, bytes) else statement
    changed = text
    for name in FUNCTIONS.values():
        changed = changed.replace(f" {name}(", f" {name}_2('after', ")
    assert changed != text
    return changed.encode() if isinstance(statement, bytes) else changed


def files_after() -> dict[str, str]:
    """The files of the version after: functions with a parameter more beside the old ones, whose insides changed."""
    files = sql_files.texts()
    for path, name in FUNCTIONS.items():
        text = files[path]
        renamed = text.replace(f"FUNCTION {name}(\n    b ", f"FUNCTION {name}_2(\n    maker text, b ")
        assert renamed != text
        files[path] = f"-- Kept for one release.\n{text}"
        files[path.replace(".sql", "_2.sql")] = renamed
    saving = files["ledger/write_2.sql"]
    writing = saving.replace("accounts, cause,\n                          detail)", "accounts, cause, detail, made_by)")
    writing = writing.replace("n.cause, n.detail::json\n", "n.cause, n.detail::json, maker\n")
    assert writing.count("made_by") == 1
    assert writing.count("maker") == 2
    files["ledger/write_2.sql"] = writing
    return files


REVISION = f"""
from lingdang.db.migrations.run import run

revision = "9999"
down_revision = "{HEAD}"


def upgrade() -> None:
    run({"".join(f"ALTER TABLE {table} ADD COLUMN made_by text NOT NULL DEFAULT 'before';" for table in TABLES)!r})
"""


@pytest.fixture
def after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on `migrate` is that of the version after."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrations._MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9999_after.py").write_text(REVISION)
    texts = files_after()
    monkeypatch.setattr(migrations, "_MIGRATIONS", scripts)
    monkeypatch.setattr(migrations, "OLDEST", HEAD)
    monkeypatch.setattr(migrations, "HEAD", "9999")
    monkeypatch.setattr(sql_files, "texts", lambda: texts)
    for function in (sql_files.changed, sql_files.apply):
        monkeypatch.setattr(function, "__defaults__", (sql_files.VERSION + 1,))


@pytest.fixture
def before(database_url: str, tmp_path: Path) -> Any:
    """A server of the version before, of two workers."""
    with serving(tmp_path / "before", "--http", "--workers", "2", database_url=database_url) as served:
        yield served


@pytest.fixture
async def old(before: Served, database_url: str) -> AsyncIterator[Shop]:
    """A client of it."""
    keyring = Keyring(before.data_dir / "keyring.json")
    async with httpx.AsyncClient(base_url=before.url, timeout=PATIENCE) as client:
        yield Shop(before.url, database_url, keyring, client, make_sessions(deployment_of(database_url, keyring)))


def starts(data_dir: Path, **environ: str) -> bool:
    """Whether a server of the version before starts, and is ready."""
    with serving(data_dir, "--http", **environ) as served, served.client() as client:
        return is_well(client)


class Reader:
    """Ticks, checks out, pays with a voucher now and then, looks and gives back, until told to stop."""

    def __init__(self, ann: Buyer, desk: dict[str, str], names: list[str], vouchers: list[str]) -> None:
        self.ann = ann
        self.desk = desk
        self.names = iter(names)
        self.vouchers = vouchers
        self.bought = 0
        self.stopped = False

    async def run(self) -> None:
        while not self.stopped:
            await self.buy(next(self.names))

    async def buy(self, name: str) -> None:
        ticked = await tick(self.ann, name)
        assert ticked.status_code == 200, ticked.text
        vouchers = [self.vouchers.pop()] if self.vouchers and self.bought % 2 else []
        order = await self.ann.checkout(name, voucherIds=vouchers)
        body = self.ann.payment(order["orderToken"], [name])
        paid = await self.ann.send(body)
        assert paid.status_code == 200, paid.text
        assert (await self.ann.send(body)).text == paid.text
        if self.bought % 3 == 0:
            given_back = await refund(self.ann.shop, self.desk, order["orderId"], f"r-{name}")
            assert given_back.status_code == 200, given_back.text
        for path in ("orders", "wallet/entries", "entitlements", "cart", "wallet/statement"):
            answer = await self.ann.get(f"/v1/{path}")
            assert answer.status_code == 200, answer.text
        self.bought += 1


async def test_workers_of_two_versions_serve_one_database(
    before: Served, old: Shop, after: None, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one goes on while the tables and files of the new one come, and beside it; and after it, alone again."""
    names = {who: [f"{who}-{number}" for number in range(400)] for who in ("ann", "bob", "new-ann")}
    stock(old, *(name for each in names.values() for name in each), price=1)
    put_coupon(old, "ten", each=9)
    vouchers = {who: [hold(old, who, "ten") for _ in range(3)] for who in ("ann", "bob")}
    for who in ("ann", "bob"):
        await give(old, who, 10_000)
    desk = await desk_of(old)
    readers = [Reader(buyer(old, who), desk, names[who], vouchers[who]) for who in ("ann", "bob")]
    running = [asyncio.create_task(reader.run()) for reader in readers]

    async def further(*watched: Reader) -> None:
        """Each of them has bought three more books, or has failed."""
        goals = [(reader, reader.bought + 3) for reader in watched]
        await until(lambda: any(t.done() for t in running) or all(reader.bought >= goal for reader, goal in goals))
        assert not any(task.done() for task in running), [task.result() for task in running if task.done()]

    await further(*readers)
    assert await asyncio.to_thread(migrate, database_url) == (HEAD, "9999")
    await further(*readers)
    assert (await old.http.get("/readyz")).status_code == 200
    environ = {"database_url": database_url, "keyring_file": str(old.keyring.path)}
    assert await asyncio.to_thread(starts, tmp_path / "restarted", **environ)
    for module, name in STATEMENTS:
        monkeypatch.setattr(module, name, renewed(getattr(module, name)))
    async with open_shop(database_url, old.keyring) as new:
        twin = Reader(buyer(new), desk, names["new-ann"], [])
        running.append(asyncio.create_task(twin.run()))
        await further(*readers, twin)
        await further(*readers, twin)
        twin.stopped = True
        await running.pop()
    await further(*readers)
    for reader in readers:
        reader.stopped = True
    await asyncio.gather(*running)
    makers = dict(old.sql("SELECT made_by, count(*) FROM transfer WHERE kind = 'payment' GROUP BY 1"))
    assert makers == {"before": sum(reader.bought for reader in readers), "after": twin.bought}
    assert differences(old) == []
    before.stop()
    await seal_all(database_url, old.keyring)
    assert verify(database_url, old.keyring).differences == []


async def test_a_migration_gives_way_to_who_was_there_and_comes_again(shop: Shop, after: None) -> None:
    """A long report holds it up, and it holds up nobody for long: customers buy meanwhile."""
    stock(shop, "a", "b", price=1)
    await give(shop, "ann", 10)
    ann = buyer(shop)
    with psycopg.connect(shop.database_url) as report:
        report.execute("SELECT count(*) FROM customer")
        migrating = asyncio.create_task(asyncio.to_thread(migrate, shop.database_url))
        await until(lambda: waiting(shop) > 0)
        for name in "ab":
            assert (await ann.buy(name)).status_code == 200
        assert not migrating.done()
        assert shop.sql("SELECT version_num FROM alembic_version") == [(HEAD,)]
        report.rollback()
    assert await migrating == (HEAD, "9999")
    assert differences(shop) == []
