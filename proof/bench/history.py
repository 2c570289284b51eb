"""`python -m proof.bench.history`: does a payment cost more where millions of orders are stored?

Two shops on one server: an empty one, and one that is filled with orders step by step. After each step both are paid in
turn, so that the ratio is of the same minutes. In neither is the journal sealed meanwhile: millions of made-up orders
would be sealed beside the payments.

A checkpoint ends the filling, and the first change of each page after one logs the whole page. A large shop has more
pages that payments touch, so it has a slow start after each checkpoint, which are a quarter of an hour apart. What
those first seconds are like is said on its own; the rounds come afterwards.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from proof.bench import buying
from proof.bench.curves import Curve, draw
from proof.bench.figures import Spread, spread
from proof.bench.offers import Offers
from proof.bench.paid import Paid, pay
from proof.bench.sides import turned
from proof.bench.tables import Line, show
from proof.server import Server, environ_of, serving
from proof.shop import key_of, new_database, own_server

CUSTOMERS = 20_000
CONNECTIONS = 128
AIM = 0.9
FLOOR = 0.6
"""Below this the command fails; generous, because machines are shared."""
CURVE, CURVE_P99 = Path("docs/curves/history.svg"), Path("docs/curves/history-p99.svg")

_HOLD_SEALING = "SELECT pg_advisory_lock(7308319, 1)"
"""The lock that a step of sealing takes, for as long as the connection lasts."""

FIRST_SECONDS = 10.0
"""How long both shops are paid right after the checkpoint, before the rounds."""

_PART = 1000
"""Customers whose orders are made in one statement."""

# Orders as payments leave them: three books each, a transfer with its order, entitlements, and the wallet after it.
_ORDERS = """
WITH made AS MATERIALIZED (
    SELECT w.customer, w.seq + n AS seq, w.balance - 300 * n AS balance, uuidv7() AS order_id,
           now() - interval '1 day' AS at, (w.seq - 2 + n) * 3 AS first
      FROM unnest(%(keys)s::bigint[]) AS c (key)
      JOIN wallet w ON w.bucket = 0 AND w.customer = c.key AND w.currency = 'BELL',
           generate_series(1, %(each)s::int) AS n
), paid AS (
    INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts,
                          cause, detail)
    SELECT 0, customer, 'BELL', seq, 'payment', -300, balance, at, seq,
           json_build_array(0, %(lot)s::text), ARRAY[300, -300], order_id,
           json_build_array(
               json_build_array(json_build_array('old-' || first, 'An old book of ours', 'An Old House', 100, 100, 0),
                                json_build_array('old-' || first + 1, 'An older one', 'An Old House', 100, 100, 0),
                                json_build_array('old-' || first + 2, 'The oldest', 'An Old House', 100, 100, 0)),
               json_build_array())
      FROM made ORDER BY customer, seq
), granted AS (
    INSERT INTO entitlement (bucket, customer, product_id, granted_by)
    SELECT 0, customer, 'old-' || first + place, seq FROM made, generate_series(0, 2) AS place
)
UPDATE wallet w SET seq = w.seq + %(each)s, balance = w.balance - 300 * %(each)s,
                    remaining[1] = w.remaining[1] - 300 * %(each)s
  FROM unnest(%(keys)s::bigint[]) AS c (key)
 WHERE w.bucket = 0 AND w.customer = c.key AND w.currency = 'BELL'
"""


class Place(NamedTuple):
    """One of the two shops: its server, what is bought there, and who seals the offers."""

    server: Server
    purchases: Iterator[buying.Purchase]
    offers: Offers


class Point(NamedTuple):
    """So many orders stored: the rate over that without any, at first and then in rounds, and both shops' p99."""

    orders: int
    first: float
    ratio: Spread
    p99: Spread
    p99_empty: Spread


@click.command()
@click.option("--orders", type=click.IntRange(CUSTOMERS), default=10_000_000, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=4, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=4, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=5.0, show_default=True)
@click.option("--draw", "drawn", is_flag=True, help=f"Write the curve into {CURVE}.")
def main(orders: int, steps: int, rounds: int, seconds: float, drawn: bool) -> None:
    """Fill a shop with orders and compare its payments with those of an empty one."""
    with own_server() as (place, url), ExitStack() as stack:
        points, sizes = _measure(place, url, stack, orders, steps, rounds, seconds)
    last = points[-1].ratio
    click.echo(show([Line(f"payments with {orders:,} orders stored × with none", AIM, last)]))
    for orders_, first, (least, median, most), p99, without in points:
        click.echo(
            f"{orders_:,} orders: {median:.2f} ({least:.2f}–{most:.2f}) × the rate without any, "
            f"p99 {p99.median:.1f} ms beside {without.median:.1f}; {first:.2f} × right after the checkpoint"
        )
    click.echo(sizes)
    if drawn:
        _draw(points)
    sys.exit(0 if last.median >= FLOOR else 1)


def _draw(points: list[Point]) -> None:
    across = "million orders stored"
    ratio = Curve("with so many orders × with none", [(p.orders / 1e6, p.ratio.median) for p in points])
    draw(CURVE, "Payments beside a shop without orders", across, [ratio])
    p99 = Curve("with so many orders", [(p.orders / 1e6, p.p99.median) for p in points])
    without = Curve("with none", [(p.orders / 1e6, p.p99_empty.median) for p in points])
    draw(CURVE_P99, "p99 beside a shop without orders, ms", across, [p99, without])


def _measure(
    place: Path, url: str, stack: ExitStack, orders: int, steps: int, rounds: int, seconds: float
) -> tuple[list[Point], str]:
    empty_url, full_url = (new_database(url, name) for name in ("empty", "filled"))
    empty, full = (_open(place, name, each, stack) for name, each in (("a", empty_url), ("b", full_url)))
    other, connection = (stack.enter_context(psycopg.connect(each, autocommit=True)) for each in (empty_url, full_url))
    other.execute(_HOLD_SEALING), connection.execute(_HOLD_SEALING)
    points = []
    stored = 0
    for step in range(steps + 1):
        wanted = orders * step // steps // CUSTOMERS
        if wanted > stored:
            _fill(connection, wanted - stored)
            stored = wanted
        first = _first(connection, empty, full)
        fulls: list[Paid] = []
        empties: list[Paid] = []
        for number in range(rounds):
            for shop_, paid in turned(((empty, empties), (full, fulls)), number):
                paid.append(_pay(shop_, seconds))
            click.echo(
                f"{stored * CUSTOMERS:>12,} orders  {fulls[-1].rate:7,.0f}/s  {empties[-1].rate:7,.0f}/s"
                f"  {fulls[-1].rate / empties[-1].rate:.2f}",
                err=True,
            )
        points.append(_point(stored * CUSTOMERS, first, fulls, empties))
    return points, _sizes(connection)


def _first(connection: "psycopg.Connection[tuple[object, ...]]", empty: Place, full: Place) -> float:
    """The rate right after a checkpoint, filled over empty. Both have seen the customers' sessions afterwards."""
    _pay(empty, 2.0), _pay(full, 2.0)  # connections, plans and caches are what they are in a server that runs
    connection.execute("CHECKPOINT")
    without = _pay(empty, FIRST_SECONDS)
    return _pay(full, FIRST_SECONDS).rate / without.rate


def _point(orders: int, first: float, fulls: list[Paid], empties: list[Paid]) -> Point:
    ratio = spread([full.rate / empty.rate for full, empty in zip(fulls, empties, strict=True)])
    return Point(orders, first, ratio, spread([full.p99 for full in fulls]), spread([empty.p99 for empty in empties]))


def _open(place: Path, name: str, url: str, stack: ExitStack) -> Place:
    shop = buying.stocked(url, place, CUSTOMERS)
    environ = environ_of(shop) | {"LINGDANG_WITNESS_FILE": str(place / f"witness-{name}.jws")}
    server = stack.enter_context(serving(place / name, environ, workers=2, tls=True))
    buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
    return Place(server, buying.purchases(buyers, buying.books(url).real, 3), Offers(shop))


def _fill(connection: "psycopg.Connection[tuple[object, ...]]", each: int) -> None:
    """`each` more orders for every customer."""
    row = connection.execute("SELECT 'wallet:' || lots[1] FROM wallet LIMIT 1").fetchone()
    assert row is not None, "the shop was filled"
    with click.progressbar(range(1, CUSTOMERS + 1, _PART), label="storing orders", file=sys.stderr) as parts:
        for first in parts:
            keys = [key_of(f"cust-{number}") for number in range(first, first + _PART)]
            values = {"keys": keys, "each": each, "lot": row[0]}
            connection.execute(_ORDERS, values)
    connection.execute("VACUUM (ANALYZE)")


def _pay(place: Place, seconds: float) -> Paid:
    most = int(9000 * seconds)
    return pay(place.server.target, place.purchases, place.offers, connections=CONNECTIONS, seconds=seconds, most=most)


def _sizes(connection: "psycopg.Connection[tuple[object, ...]]") -> str:
    """What an order takes on disk, by table and index."""
    orders = connection.execute("SELECT count(*) FROM orders").fetchone()
    assert orders is not None, "a count is one row"
    rows = connection.execute(
        "SELECT c.relname, pg_relation_size(c.oid) FROM pg_class c"
        " WHERE c.relname IN ('transfer', 'transfer_pkey', 'transfer_cause', 'transfer_position',"
        " 'entitlement', 'entitlement_pkey')"
        " ORDER BY 1"
    ).fetchall()
    parts = [f"{name} {int(str(size)) / int(str(orders[0])):.0f}" for name, size in rows]
    return f"Bytes on disk for each of {orders[0]:,} orders of three books: {', '.join(parts)}."


if __name__ == "__main__":
    main()
