"""The rounds: every workload once in each, pgbench among them, so that ratios are within one run."""

import itertools
import statistics
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import psutil
import psycopg

from bench import requests, vouchers
from bench.figures import Window
from bench.load import Flow, Load, percentile, prepared, run
from bench.meters import Batches, Cost, Meters
from bench.pgbench import Pgbench, Tpcb
from bench.server import Server
from bench.shop import Purchase
from lingdang.checkout.order_token import OrderTokens

SIDE_CONNECTIONS = 64
"""At how many connections checkouts and whole orders are measured."""
COUNTED_SECONDS = 2.0
MOST_GENERATOR = 0.9
"""Of one core: a generator that uses more may be the limit."""
MOST_OTHERS = 0.1
"""Of the machine: with other processes using more, the figures say little."""

Say = Callable[[str], None]
Step = Callable[[], Window]


class Statements(msgspec.Struct, frozen=True):
    """What the server logged in the counting round; functions' inner statements are not logged, so not in it."""

    payments: int
    statements: int
    transactions: int
    batch: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured and for how long."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    clients: tuple[int, ...]
    only: frozenset[str]
    threads: int
    """How many threads pgbench's client may use."""


class Goods(msgspec.Struct, frozen=True):
    """What is bought: `three` books at a time, and what is only checked out, by workload, over and over."""

    three: Iterator[Purchase]
    checked_out: dict[str, Iterator[Purchase]]


class Bench:
    """Runs the plan's workloads. `servers` are by protocol, `connection` is to their database."""

    def __init__(
        self,
        plan: Plan,
        servers: dict[str, Server],
        meters: Meters,
        pgbench: Pgbench,
        connection: psycopg.Connection[Any],
        tokens: OrderTokens,
        goods: Goods,
        say: Say,
    ) -> None:
        self.windows: list[Window] = []
        self.faults: list[str] = []
        self.statements: Statements | None = None
        self._plan = plan
        self._servers = servers
        self._meters = meters
        self._pgbench = pgbench
        self._tokens = tokens
        self._connection = connection
        self._three = goods.three
        self._checked_out = goods.checked_out
        self._say = say
        self._rates: dict[str, float] = {}
        self._checkout_rate = 0.0

    def warm_up(self, customers: int, workers: int) -> None:
        """Show every customer's session to every server once, with a checkout, as a payment's customer has done."""
        for server in self._servers.values():
            for _ in range(workers):
                made = map(requests.checkout, itertools.islice(self._three, customers))
                load = run(server.target, _shared(made, SIDE_CONNECTIONS), 600)
                self._checkout_rate = max(self._checkout_rate, len(load.latencies) / load.seconds)

    def run(self) -> None:
        """All rounds. What is dishonest or refused goes into `faults`."""
        for number in range(1, self._plan.rounds + 1):
            for step in self._steps(number):
                window = step()
                self.windows.append(window)
                self._check(window)
        if "statements" in self._plan.only:
            self.statements = self._count_statements()

    def _steps(self, number: int) -> list[Step]:
        return interleaved([*self._payments(number), *self._sides(number)], self._theirs(number))

    def _payments(self, number: int) -> list[Step]:
        if "payments" not in self._plan.only:
            return []
        places = itertools.product(self._plan.connections, self._servers)
        ways = [self._pay, self._pay_with_voucher] if "vouchers" in self._plan.only else [self._pay]
        ways = ways[:: 1 if number % 2 else -1]  # neither is always the one that finds the database quieter
        return [partial(way, number, protocol, connections) for connections, protocol in places for way in ways]

    def _sides(self, number: int) -> list[Step]:
        kinds: dict[str, list[Callable[[int, str], Window]]] = {
            "checkouts": [partial(self._check_out, "checkouts", self._three)],
            "orders": [self._order],
            "vouchers": [partial(self._check_out, name, goods) for name, goods in self._checked_out.items()],
        }
        chosen = [kind for name in kinds if name in self._plan.only for kind in kinds[name]]
        return [partial(kind, number, protocol) for kind, protocol in itertools.product(chosen, self._servers)]

    def _theirs(self, number: int) -> list[Step]:
        clients = self._plan.clients if "pgbench" in self._plan.only else ()
        return [partial(self._tpcb, number, count) for count in clients]

    def _pay(self, number: int, protocol: str, connections: int) -> Window:
        name = f"payments/{protocol}/{connections}"
        made = (requests.sealed_payment(purchase, self._tokens) for purchase in self._three)
        return self._send_payments(name, number, list(itertools.islice(made, self._enough(name, connections))))

    def _pay_with_voucher(self, number: int, protocol: str, connections: int) -> Window:
        name = f"payments-voucher/{protocol}/{connections}"
        chosen = list(itertools.islice(self._three, self._enough(name, connections)))
        given = zip(chosen, vouchers.give(self._connection, chosen), strict=True)
        used = vouchers.used(self._connection)
        window = self._send_payments(name, number, [requests.sealed_payment(p, self._tokens, v) for p, v in given])
        if (now_used := vouchers.take_back(self._connection) - used) != window.operations:
            self.faults.append(f"{name}: {window.operations} payments used {now_used} vouchers")
        return window

    def _send_payments(self, name: str, number: int, ready: list[bytes]) -> Window:
        _, protocol, connections = name.split("/")
        server = self._servers[protocol]
        before = self._orders()
        with self._meters.window(server) as cost:
            load = run(server.target, _shared(iter(ready), int(connections)), self._plan.seconds)
        self._compare(name, before, load.outcomes["200"])
        return self._window(name, number, load, cost[0], load.outcomes["200"], load.latencies)

    def _check_out(self, kind: str, goods: Iterator[Purchase], number: int, protocol: str) -> Window:
        name = f"{kind}/{protocol}/{SIDE_CONNECTIONS}"
        made = map(requests.checkout, itertools.islice(goods, self._enough(name, SIDE_CONNECTIONS)))
        ready = list(made)
        server = self._servers[protocol]
        with self._meters.window(server) as cost:
            load = run(server.target, _shared(iter(ready), SIDE_CONNECTIONS), self._plan.seconds)
        return self._window(name, number, load, cost[0], load.outcomes["200"], load.latencies)

    def _order(self, number: int, protocol: str) -> Window:
        name = f"orders/{protocol}/{SIDE_CONNECTIONS}"
        finished = array("d")
        singles = (purchase._replace(books=purchase.books[:1]) for purchase in self._three)
        flows = [requests.whole_orders(singles, finished) for _ in range(SIDE_CONNECTIONS)]
        server = self._servers[protocol]
        before = self._orders()
        with self._meters.window(server) as cost:
            load = run(server.target, flows, self._plan.seconds)
        self._compare(name, before, len(finished))
        return self._window(name, number, load, cost[0], len(finished), finished)

    def _tpcb(self, number: int, clients: int) -> Window:
        with self._meters.window(None) as cost:
            ran = self._pgbench.run(clients, self._plan.seconds, self._plan.threads)
        return _tpcb_window(f"pgbench/{clients}", number, ran, cost[0])

    def _window(
        self, name: str, number: int, load: Load, cost: Cost, operations: int, latencies: "array[float]"
    ) -> Window:
        ordered = sorted(latencies)
        self._rates[name] = len(load.latencies) / load.seconds
        return Window(
            name=name,
            round=number,
            operations=operations,
            rate=operations / load.seconds,
            p50=percentile(ordered, 0.5),
            p99=percentile(ordered, 0.99),
            mean=statistics.fmean(ordered) if ordered else 0.0,
            outcomes=dict(load.outcomes),
            wal_bytes=cost.wal_bytes,
            server_cpu=cost.server_cpu,
            postgres_cpu=cost.postgres_cpu,
            generator_cpu=load.cpu_seconds,
            generator_share=load.cpu_seconds / load.seconds,
            others_share=_others(cost, load.cpu_seconds),
            batches=cost.batches,
        )

    def _enough(self, name: str, connections: int) -> int:
        """How many requests to prepare: more than the last round used up, at first half more than the warm-up."""
        expected = self._rates.get(name) or min(1.2 * self._checkout_rate, 1500.0 * connections)
        return int(1.3 * expected * self._plan.seconds) + connections

    def _count_statements(self) -> Statements:
        """A short run of its own, because logging every statement costs time."""
        protocol, server = next(iter(self._servers.items()))
        name = f"counting/{protocol}/{SIDE_CONNECTIONS}"
        made = (requests.sealed_payment(purchase, self._tokens) for purchase in self._three)
        ready = list(itertools.islice(made, self._enough(name, SIDE_CONNECTIONS)))
        with self._meters.window(server) as cost, self._meters.statement_log() as words:
            load = run(server.target, _shared(iter(ready), SIDE_CONNECTIONS), COUNTED_SECONDS)
        batches = cost[0].batches
        return Statements(
            load.outcomes["200"], len(words), words.count(b"COMMIT"), batches.commands / max(1.0, batches.count)
        )

    def _orders(self) -> int:
        return int(self._meters.value("SELECT count(*) FROM orders"))

    def _compare(self, name: str, before: int, paid: int) -> None:
        stored = self._orders() - before
        if stored != paid:
            self.faults.append(f"{name}: {paid} payments were answered 200, {stored} orders are in the database")

    def _check(self, window: Window) -> None:
        self._say(f"round {window.round}  {window.name:24} {window.rate:9,.0f}/s")
        refused = {outcome: count for outcome, count in window.outcomes.items() if outcome != "200"}
        if refused:
            self.faults.append(f"{window.name}: refused {refused}")
        if window.generator_share > MOST_GENERATOR and window.p50 is not None:
            self._say(f"  the load generator used {window.generator_share:.0%} of a core: it may be the limit")
        if window.others_share > MOST_OTHERS:
            self._say(f"  other processes used {window.others_share:.0%} of the machine: the figures are too low")


def _tpcb_window(name: str, number: int, ran: Tpcb, cost: Cost) -> Window:
    return Window(
        name=name,
        round=number,
        operations=ran.transactions,
        rate=ran.rate,
        p50=None,
        p99=None,
        mean=ran.mean_ms / 1000,
        outcomes={},
        wal_bytes=cost.wal_bytes,
        server_cpu=0.0,
        postgres_cpu=cost.postgres_cpu,
        generator_cpu=ran.cpu_seconds,
        generator_share=ran.cpu_seconds * ran.rate / max(1, ran.transactions),
        others_share=_others(cost, ran.cpu_seconds),
        batches=Batches(),
    )


def _others(cost: Cost, generator_cpu: float) -> float:
    foreign = cost.machine_cpu - cost.server_cpu - cost.postgres_cpu - generator_cpu
    return max(0.0, foreign / (cost.seconds * (psutil.cpu_count() or 1)))


def _shared(made: Iterator[bytes], connections: int) -> Sequence[Flow]:
    """One flow for each connection, all drawing from the same requests."""
    return [prepared(made) for _ in range(connections)]


def interleaved(ours: Sequence[Step], theirs: Sequence[Step]) -> list[Step]:
    """`theirs` spread evenly through `ours`, the first before all of them, the last behind."""
    placed = [(place / max(1, len(theirs) - 1), step) for place, step in enumerate(theirs)]
    placed += [((place + 0.5) / len(ours), step) for place, step in enumerate(ours)]
    return [step for _, step in sorted(placed, key=lambda each: each[0])]
