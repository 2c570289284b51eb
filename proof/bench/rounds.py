"""The rounds: every workload once in each, pgbench among them, so that ratios are within one run."""

import itertools
import statistics
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg

from proof.bench import disk, requests, sides, vouchers
from proof.bench.buying import Purchase
from proof.bench.figures import PAIRS, Beside, Window
from proof.bench.load import Flow, Load, percentile, prepared, run
from proof.bench.meters import Batches, Cost, Meters
from proof.bench.offers import Offers
from proof.bench.paced import run_paced
from proof.bench.pgbench import Pgbench, Tpcb
from proof.bench.plan import Goods, Plan
from proof.bench.sides import Side, Slice
from proof.bench.yardstick import yardstick
from proof.server import Server

SIDE_CONNECTIONS = 64
"""At how many connections all is measured that is not measured at several."""
COUNTED_SECONDS = 2.0
MOST_GENERATOR = 0.9
"""Of one core: a generator that uses more may be the limit."""
MOST_OTHERS = 0.1
"""Of the machine: with other processes using more, the figures say little."""
SEALING_PATIENCE = 150.0

_UNSEALED = "SELECT (SELECT sum(seq) FROM wallet) - (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM seal)"

Say = Callable[[str], None]
Step = Callable[[], Window]


class Statements(msgspec.Struct, frozen=True):
    """What the server logged in the counting round; functions' inner statements are not logged, so not in it."""

    payments: int
    statements: int
    transactions: int
    batch: float


class Bench:
    """Runs the plan's workloads. `servers` are by protocol, `connection` is to their database."""

    def __init__(
        self,
        plan: Plan,
        servers: dict[str, Server],
        meters: Meters,
        pgbench: Pgbench,
        connection: psycopg.Connection[Any],
        offers: Offers,
        goods: Goods,
        say: Say,
    ) -> None:
        self.windows: list[Window] = []
        self.faults: list[str] = []
        self.statements: Statements | None = None
        self.yardsticks: list[float] = []
        self.disk: list[float] = []
        self._plan = plan
        self._servers = servers
        self._meters = meters
        self._pgbench = pgbench
        self._offers = offers
        self._connection = connection
        self._goods = goods
        self._three = goods.three
        self._main = "https" if "https" in servers else next(iter(servers))
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
                if self._plan.rested:
                    self._wait_until_sealed()
                with self._meters.quiet():
                    self.yardsticks.append(yardstick())
                window = step()
                self.windows.append(window)
                self._check(window)
        if "statements" in self._plan.only:
            self.statements = self._count_statements()

    def _steps(self, number: int) -> list[Step]:
        connections = self._plan.connections if "payments" in self._plan.only else ()
        payments = [self._payments(number, count) for count in connections]
        return compared(payments, self._theirs(number), [*self._hot(number), *self._sides(number)])

    def _payments(self, number: int, connections: int) -> list[Step]:
        """Without vouchers and with them in turns, so that neither is always the first."""
        steps: list[Step] = []
        for protocol in self._servers:
            ways = [partial(self._pay, connections=connections)]
            if protocol == self._main and "vouchers" in self._plan.only:
                ways.append(partial(self._pay_with_voucher, connections=connections))
            steps += [partial(way, number, protocol) for way in sides.turned(ways, number)]
        return steps

    def _hot(self, number: int) -> list[Step]:
        """One customer, one book, one publisher, one coupon; another customer and another book in each round."""
        only = self._plan.only
        if "hot" not in only:
            return []
        goods = self._goods
        odd = sides.half(self._three, odd=True)
        hot = {
            "payments-hot-customer": goods.hot_customers[number - 1],
            "payments-hot-book": sides.with_one_book(odd, goods.hot_books, goods.customers // 2),
            "payments-hot-publisher": goods.house,
        }
        steps: list[Step] = [partial(self._pay_in_turns, kind, number, buying) for kind, buying in hot.items()]
        if "vouchers" in only:
            coupons = (vouchers.ONE, vouchers.MANY)
            steps.append(partial(self._pay_in_turns, "payments-hot-voucher", number, odd, coupons))
        return steps

    def _sides(self, number: int) -> list[Step]:
        """All the rest; over each protocol, or over one."""
        each: dict[str, list[Callable[[int, str], Window]]] = {
            "checkouts": [partial(self._ask_in_turns, "checkouts", requests.checkout)],
            "orders": [partial(self._order, count) for count in self._many()],
        }
        once: dict[str, list[Callable[[int, str], Window]]] = {
            "cart": [
                partial(self._ask_in_turns, "ticks", requests.tick),
                partial(self._ask_in_turns, "prices", requests.price),
            ],
            "held": [
                partial(self._ask, name, requests.checkout, goods) for name, goods in self._goods.checked_out.items()
            ],
            "paced": [self._pay_paced],
        }
        only = self._plan.only
        places = [(each, protocol) for protocol in self._servers] + [(once, self._main)]
        return [
            partial(kind, number, protocol)
            for kinds, protocol in places
            for name in kinds
            if name in only
            for kind in kinds[name]
        ]

    def _theirs(self, number: int) -> list[Step]:
        """One client first; the others in turns, so that neither always goes before."""
        clients = self._plan.clients if "pgbench" in self._plan.only else ()
        return [partial(self._tpcb, number, count) for count in (*clients[:1], *sides.turned(clients[1:], number))]

    def _pay(self, number: int, protocol: str, connections: int) -> Window:
        name = f"payments/{protocol}/{connections}"
        return self._send_payments(name, number, self._ready(self._enough(name, connections), self._three))

    def _pay_with_voucher(self, number: int, protocol: str, connections: int) -> Window:
        name = f"payments-voucher/{protocol}/{connections}"
        ready = self._ready(self._enough(name, connections), self._three, vouchers.MANY)
        used = vouchers.used(self._connection)
        window = self._send_payments(name, number, ready)
        if (now_used := vouchers.take_back(self._connection) - used) != window.operations:
            self.faults.append(f"{name}: {window.operations} payments used {now_used} vouchers")
        return window

    def _pay_in_turns(
        self,
        kind: str,
        number: int,
        hot: Iterator[Purchase],
        coupons: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> Window:
        """What is hot, in turns with the same of other customers and without what is hot."""
        name, without = (f"{each}/{self._main}/{SIDE_CONNECTIONS}" for each in (kind, PAIRS[kind]))
        count = self._plenty(name, without)
        a = Side(name, self._ready(count, hot, coupons[0]))
        b = Side(without, self._ready(count, sides.half(self._three, odd=False), coupons[1]))
        slices = self._alternate(number, self._main, a, b)
        if any(coupons):
            self.faults += sides.differing(slices, sides.vouchers(self._connection, slices), "vouchers are used")
            vouchers.take_back(self._connection)
        return self._first(number, slices, a, b)

    def _ask_in_turns(self, kind: str, request: Callable[[Purchase], bytes], number: int, protocol: str) -> Window:
        """Requests that pay nothing, in turns with payments."""
        name, without = (f"{each}/{protocol}/{SIDE_CONNECTIONS}" for each in (kind, "payments"))
        asked = itertools.islice(self._three, 2 * self._plenty(name))  # prices are read faster than anything is paid
        a = Side(name, list(map(request, asked)), pays=False)
        b = Side(without, self._ready(self._plenty(without), self._three))
        window = self._first(number, self._alternate(number, protocol, a, b), a, b)
        return msgspec.structs.replace(window, batches=Batches())  # what was published late was of payments

    def _alternate(self, number: int, protocol: str, a: Side, b: Side) -> list[Slice]:
        """The slices of two sides, each compared with the orders in the database."""
        order, seconds = sides.in_turns(a, b, number), self._plan.seconds / 2
        slices = sides.alternate(self._meters, self._servers[protocol], order, SIDE_CONNECTIONS, seconds)
        for short in (each for each in slices if each.load.seconds < seconds):
            self._say(f"  {short.name} had no more requests after {short.load.seconds:.1f} s of a slice")
        self.faults += sides.differing(slices, sides.orders(self._connection, slices), "orders are in the database")
        return slices

    def _first(self, number: int, slices: Sequence[Slice], a: Side, b: Side) -> Window:
        """The window of `a`, which knows what `b` was meanwhile."""
        other = self._joined(b.name, number, slices)
        self._check_answers(f"{b.name} beside {a.name}", other)
        return msgspec.structs.replace(self._joined(a.name, number, slices), beside=Beside(other.rate, other.cpu))

    def _joined(self, name: str, number: int, slices: Sequence[Slice]) -> Window:
        """The window of one side."""
        load, cost = sides.joined([each for each in slices if each.name == name])
        return self._window(name, number, load, cost, load.outcomes["200"], load.latencies)

    def _ready(self, count: int, purchases: Iterator[Purchase], voucher_ids: Sequence[str] = ()) -> list[bytes]:
        """So many payments, each with a voucher of these coupons if there are any, which its customer is given."""
        chosen = list(itertools.islice(purchases, count))
        given = vouchers.give(self._connection, chosen, voucher_ids) if voucher_ids else itertools.repeat(None)
        return list(self._offers.payments(chosen, given))

    def _pay_paced(self, number: int, protocol: str) -> Window:
        """At half of what was paid right before, on as many connections as had the best rate; first the disk alone."""
        place = Path(self._meters.value("SHOW data_directory")).parent
        self.disk.append(disk.felt(disk.syncs(place, self._plan.seconds)))
        rate = self._best_rate(number, protocol) / 2
        name = f"payments-paced/{protocol}/{SIDE_CONNECTIONS}"
        ready = list(itertools.islice(self._offers.payments(self._three), int(rate * self._plan.seconds) + 1))
        server = self._servers[protocol]
        before = self._orders()
        with self._meters.window(server) as cost:
            load = run_paced(server.target, iter(ready), SIDE_CONNECTIONS, rate, self._plan.seconds)
        self._compare(name, before, load.outcomes["200"])
        return self._window(name, number, load, cost[0], load.outcomes["200"], load.latencies)

    def _best_rate(self, number: int, protocol: str) -> float:
        """How many payments a second are paid now, on as many connections as had the best rate so far."""
        rates = {count: self._rates.get(f"payments/{protocol}/{count}", 0.0) for count in self._plan.connections}
        window = self._pay(number, protocol, max(rates, key=rates.__getitem__))
        self._check_answers(f"{window.name} before a paced window", window)
        return window.rate

    def _send_payments(self, name: str, number: int, ready: list[bytes]) -> Window:
        _, protocol, connections = name.split("/")
        server = self._servers[protocol]
        before = self._orders()
        with self._meters.window(server) as cost:
            load = run(server.target, _shared(iter(ready), int(connections)), self._plan.seconds)
        self._compare(name, before, load.outcomes["200"])
        return self._window(name, number, load, cost[0], load.outcomes["200"], load.latencies)

    def _ask(
        self,
        kind: str,
        request: Callable[[Purchase], bytes],
        goods: Iterator[Purchase],
        number: int,
        protocol: str,
    ) -> Window:
        """Requests that pay nothing."""
        name = f"{kind}/{protocol}/{SIDE_CONNECTIONS}"
        ready = [request(purchase) for purchase in itertools.islice(goods, self._enough(name, SIDE_CONNECTIONS))]
        server = self._servers[protocol]
        with self._meters.window(server) as cost:
            load = run(server.target, _shared(iter(ready), SIDE_CONNECTIONS), self._plan.seconds)
        return self._window(name, number, load, cost[0], load.outcomes["200"], load.latencies)

    def _many(self) -> list[int]:
        """At how many connections whole orders are measured: where a shop is busy."""
        return sorted({max(SIDE_CONNECTIONS, count) for count in self._plan.connections})

    def _order(self, connections: int, number: int, protocol: str) -> Window:
        name = f"orders/{protocol}/{connections}"
        finished = array("d")
        singles = (purchase._replace(books=purchase.books[:1]) for purchase in self._three)
        flows = [requests.whole_orders(singles, finished) for _ in range(connections)]
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
        return self._requests(self._rates.get(name) or self._guess(connections), connections)

    def _plenty(self, *names: str) -> int:
        """How many to prepare of each of two sides: a slice without requests would end before its time."""
        rates = (self._rates.get(name, 0.0) for name in names)
        return self._requests(max(self._guess(SIDE_CONNECTIONS), *rates), SIDE_CONNECTIONS)

    def _guess(self, connections: int) -> float:
        """How many payments a second are to be expected after the warm-up."""
        return min(1.8 * self._checkout_rate, 1500.0 * connections)

    def _requests(self, rate: float, connections: int) -> int:
        return int(1.3 * rate * self._plan.seconds) + connections

    def _count_statements(self) -> Statements:
        """A short run of its own, because logging every statement costs time."""
        protocol, server = next(iter(self._servers.items()))
        name = f"counting/{protocol}/{SIDE_CONNECTIONS}"
        ready = list(itertools.islice(self._offers.payments(self._three), self._enough(name, SIDE_CONNECTIONS)))
        with self._meters.window(server) as cost, self._meters.statement_log() as words:
            load = run(server.target, _shared(iter(ready), SIDE_CONNECTIONS), COUNTED_SECONDS)
        batches = cost[0].batches
        return Statements(
            load.outcomes["200"], len(words), words.count(b"COMMIT"), batches.commands / max(1.0, batches.count)
        )

    def _wait_until_sealed(self) -> None:
        """No window begins with what an earlier one has left to the sealer: it would be sealed beside this one."""
        until = time.monotonic() + SEALING_PATIENCE
        while int(self._meters.value(_UNSEALED)) > 0:
            if time.monotonic() > until:
                self._say(f"  the journal was not sealed after {SEALING_PATIENCE:.0f} s: the next figures are too low")
                return
            time.sleep(1)

    def _orders(self) -> int:
        return int(self._meters.value("SELECT count(*) FROM orders"))

    def _compare(self, name: str, before: int, paid: int) -> None:
        stored = self._orders() - before
        if stored != paid:
            self.faults.append(f"{name}: {paid} payments were answered 200, {stored} orders are in the database")

    def _check(self, window: Window) -> None:
        beside = f", {window.rate / window.beside.rate:.2f} × what is beside it" if window.beside else ""
        self._say(f"round {window.round}  {window.name:24} {window.rate:9,.0f}/s{beside}")
        self._check_answers(window.name, window)
        if window.generator_share > MOST_GENERATOR and window.p50 is not None:
            self._say(f"  the load generator used {window.generator_share:.0%} of a core: it may be the limit")
        if window.others_share > MOST_OTHERS:
            self._say(f"  other processes used {window.others_share:.0%} of the machine: the figures are too low")

    def _check_answers(self, name: str, window: Window) -> None:
        refused = {outcome: count for outcome, count in window.outcomes.items() if outcome != "200"}
        if refused:
            self.faults.append(f"{name}: refused {refused}")


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


def compared(payments: Sequence[Sequence[Step]], theirs: Sequence[Step], rest: Sequence[Step]) -> list[Step]:
    """Each of `theirs` beside what it is compared with: the first before the payments on the fewest connections, the
    others right before and right after those on the most. `payments`: by connections, rising."""
    *fewer, most = payments or [()]
    return [*theirs[:1], *itertools.chain(*fewer), *theirs[1:2], *most, *theirs[2:], *rest]
