"""`lingdang move-out`: what is written is read by `move-in`, and an empty shop that reads it has the same totals."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from support.commands import Run
from support.money import add_products
from support.moving import asked, balances, customer, json_lines, library, lot, order, require_agreement, right
from support.refunds import ann_among_books, bought, desk_of, refund
from support.shop import Shop
from support.vouchers import all_books, put_coupon

ROWS = [
    customer("ann", groups=["gold", "early"], createdAt="2020-05-01T00:00:00Z"),
    lot("ann", 500),
    lot("ann", 70, "bonus", expiresAt="2999-01-31"),
    lot("ann", 9, currency="GEM"),
    right("ann", "a"),
    lot("auth0|5f7c+x~y", 1),
    right("bob@example.com", "c"),
]


@pytest.fixture
def other_url(postgres: str) -> Iterator[str]:
    """An empty shop beside the test's."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE other_shop TEMPLATE template_shop STRATEGY file_copy")
        yield postgres.replace("/postgres?", "/other_shop?", 1)
        connection.execute("DROP DATABASE other_shop WITH (FORCE)")


def test_a_round_trip_into_an_empty_shop(
    move_in: Any, run: Run, database_url: str, other_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    written = msgspec.json.decode(run("move-out", tmp_path / "out", "--json").stdout)
    assert written["files"] == {"customers.jsonl": 3, "lots.jsonl": 4, "rights.jsonl": 2, "orders.jsonl": 0}
    add_products(other_url, "a", "b", "c")
    files = sorted((tmp_path / "out").iterdir())
    code, report, refused = move_in(*files)
    assert (code, refused, report["newCustomers"]) == (0, [], 0)
    result = run_on(other_url, tmp_path, "move-in", *files)
    assert (result.exit_code, balances(other_url), library(other_url)) == (
        0,
        balances(database_url),
        library(database_url),
    )
    same = "SELECT customer_id, groups, created_at FROM customer ORDER BY 1"
    assert asked(other_url, same) == asked(database_url, same)
    lots = "SELECT currency, lots, remaining FROM wallet ORDER BY 1, 2, 3"
    assert asked(other_url, lots) == asked(database_url, lots)
    require_agreement(other_url)


CUST_ID, LONG_ID, PLAIN_ID, MOVES = "c" * 128, "🔔" * 64, "1" * 64, ("m" * 16, "n" * 16)


def test_the_longest_ids_make_the_round_trip(
    move_in: Any, run: Run, database_url: str, other_url: str, tmp_path: Path
) -> None:
    """Two moves with the same orders: the move stands before each id, with a digest where there is no room for all."""
    product, currency = "p" * 64, "C" * 16
    add_products(database_url, product)
    add_products(other_url, product)
    rows = [
        customer(CUST_ID, groups=[f"{n:064}" for n in range(50)]),
        lot(CUST_ID, 10**15, "bonus", currency=currency, expiresAt="2999-01-31"),
        right(CUST_ID, product),
        *(order(CUST_ID, order_id, 10**15) for order_id in (LONG_ID, f"{PLAIN_ID[:-1]}2", PLAIN_ID, "short")),
    ]
    assert move_in(json_lines(tmp_path / "1.jsonl", rows), "--name", MOVES[0])[0] == 0
    rows[0] = customer(CUST_ID, groups=[f"{n:064}" for n in range(50, 101)])
    rows[1:3] = []
    assert move_in(json_lines(tmp_path / "2.jsonl", rows), "--name", MOVES[1])[1]["refused"] == 1
    rows[0] = customer(CUST_ID, groups=[f"{n:064}" for n in range(50, 100)])
    rows.append(order(CUST_ID, f"{MOVES[0]}:short"))
    assert move_in(json_lines(tmp_path / "2.jsonl", rows), "--name", MOVES[1])[0] == 0
    assert run("move-out", tmp_path / "out").exit_code == 0
    result = run_on(other_url, tmp_path, "move-in", *sorted((tmp_path / "out").iterdir()), "--name", MOVES[0])
    assert result.exit_code == 0, result.output
    assert balances(other_url) == balances(database_url) == {CUST_ID: 10**15}
    assert library(other_url) == library(database_url) == {(CUST_ID, product)}
    for same in ("SELECT customer_id, groups FROM customer", "SELECT paid_at, total, lines FROM past_order ORDER BY 2"):
        assert asked(other_url, same) == asked(database_url, same)
    ids = {order_id for (order_id,) in asked(other_url, "SELECT order_id FROM past_order")}
    assert len(ids) == 9
    assert f"{MOVES[1]}:short" in ids
    assert {len(order_id) for order_id in ids if "short" not in order_id} == {64}
    assert run_on(other_url, tmp_path, "move-out", tmp_path / "again").exit_code == 0
    kept = [msgspec.json.decode(row)["orderId"] for row in (tmp_path / "again/orders.jsonl").read_bytes().splitlines()]
    assert set(kept) == ids


async def test_what_was_bought_here_is_history_elsewhere_and_known_here(
    shop: Shop, other_url: str, tmp_path: Path
) -> None:
    """Of three orders one is refunded, one in part. Moved out, in elsewhere, out there and in here again."""
    ann, desk = await ann_among_books(shop), await desk_of(shop)
    put_coupon(shop, "ten", code="TEN")
    orders = [await bought(ann, "a", "b"), await bought(ann, "c"), await bought(ann, "d", voucherCode="TEN")]
    for order_id, products in ((orders[0], ["a"]), (orders[1], ["c"])):
        answer = await refund(shop, desk, order_id, f"r-{order_id[-6:]}", productIds=products)
        assert answer.status_code == 200, answer.text
    before = all_books(shop)

    def moved(database_url: str, *arguments: object) -> Any:
        result = run_on(database_url, tmp_path, *arguments, "--json")
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    add_products(other_url, "a", "b", "c", "d", "e")
    for round_trip in ("there", "back"):
        out_of, into = (shop.database_url, other_url) if round_trip == "there" else (other_url, shop.database_url)
        folder = tmp_path / round_trip
        await asyncio.to_thread(moved, out_of, "move-out", folder)
        report = await asyncio.to_thread(moved, into, "move-in", folder / "orders.jsonl")
        [control] = report["controls"]
        assert report["agrees"]
        assert control["given"] == {"rows": 3, "bells": 390}
        assert control["moved" if round_trip == "there" else "owned"] == control["given"]
    assert all_books(shop) == before
    assert shop.sql("SELECT * FROM past_order") == []
    there = asked(other_url, "SELECT order_id, status, total, lines FROM past_order ORDER BY paid_at")
    assert [row[:3] for row in there] == [
        (orders[0], "partly_refunded", 200),
        (orders[1], "refunded", 100),
        (orders[2], "paid", 90),
    ]
    assert there[2][3] == [{"productId": "d", "title": "Title of d", "price": 100, "payable": 90}]


def run_on(database_url: str, tmp_path: Path, *arguments: object) -> Result:
    environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "other")}
    return CliRunner(env=environ).invoke(main, [*map(str, arguments)])


def test_a_folder_that_has_the_files_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert run("move-out", folder).exit_code == 0
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    result = run("move-out", folder)
    assert (result.exit_code, "already" in result.stderr) == (1, True)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_has_lapsed_and_what_erased_customers_had_stays(
    run: Run, move_in: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", [*ROWS, lot("carl", 8), right("carl", "a")]))
    lapsed = "bonus@2001-01-01T00:00:00.000Z"
    for statement in (
        f"UPDATE wallet SET lots = '{{{lapsed},paid}}' WHERE lots[1] LIKE 'bonus%' RETURNING 1",
        "UPDATE customer SET customer_id = 'erased x' WHERE customer_id = 'carl' RETURNING 1",
    ):
        assert asked(database_url, statement) == [(1,)]
    written = msgspec.json.decode(run("move-out", tmp_path / "out", "--json").stdout)
    assert (written["files"]["lots.jsonl"], written["erasedCustomers"]) == (3, 1)
    assert {(held["currency"], held["bells"]) for held in written["wallets"]} == {("BELL", 501), ("GEM", 9)}
    rows = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert not any(word in rows for word in (b"carl", b"erased", b"2001"))
