"""The rules against a naive model: money is neither made nor lost, whatever is asked in whatever order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lingdang.errors import Problem
from lingdang.ledger.commands import Command, Credit, Done, Expire, LotKind, Order, Pay, UsedVoucher
from lingdang.ledger.rules import settle
from lingdang.ledger.state import State, Transfer, Wallet
from support.money import SESSION, line

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = ("ann", "bob")
PRODUCTS = tuple(f"book-{n}" for n in range(8))
VOUCHERS = ("v1", "v2", "v3", "old")
EXPIRED = {(name, "old") for name in CUSTOMERS}


class NaiveBell:
    """One bell, with its kind and its expiry: the model keeps every single one."""

    def __init__(self, kind: LotKind, expires_at: datetime | None) -> None:
        self.kind = kind
        self.expires_at = expires_at

    def order(self) -> tuple[bool, datetime]:
        return self.kind == "paid", self.expires_at or datetime.max.replace(tzinfo=UTC)


class Books(RuleBasedStateMachine):
    """Batches of commands on loaded state, as the settlement runs them; the store is a dictionary."""

    @initialize()
    def open(self) -> None:
        self.now = START
        self.wallets: dict[tuple[str, str], Wallet] = {}
        self.orders: dict[tuple[str, UUID], Order] = {}
        self.credits: dict[tuple[str, str], object] = {}
        self.journal: list[Transfer] = []
        self.bells: dict[str, list[NaiveBell]] = {name: [] for name in CUSTOMERS}
        self.shelves: dict[str, set[str]] = {name: set() for name in CUSTOMERS}
        self.spent: dict[str, set[str]] = {name: {"old"} for name in CUSTOMERS}
        self.entitled: set[tuple[str, str]] = set()
        self.used: set[tuple[str, str]] = set()
        self.done: set[tuple[str, object]] = set()
        self.ids = 0

    def run(self, commands: list[Command], unavailable: set[str] = frozenset()) -> list[Done | Problem]:  # type: ignore[assignment]
        state = State(
            wallets=dict(self.wallets),
            orders=dict(self.orders),
            credits=dict(self.credits),  # type: ignore[arg-type]
            owned=set(self.entitled),
            unavailable=set(unavailable),
            unusable=dict.fromkeys(self.used, "used") | dict.fromkeys(EXPIRED, "expired"),
        )
        results, changes = settle(state, commands, self.now)
        assert changes.before == {key: self.wallets[key].seq if key in self.wallets else 0 for key in changes.wallets}
        self.wallets |= changes.wallets
        self.orders |= {(o.cust_id, o.order_id): o for o in changes.orders}
        self.entitled |= {(o.cust_id, item.product_id) for o in changes.orders for item in o.lines}
        self.credits |= {(c.cust_id, c.credit_id): c for c in changes.credits}
        now_used = [(o.cust_id, voucher.voucher_id) for o in changes.orders for voucher in o.vouchers]
        assert len(set(now_used)) == len(now_used)
        assert not set(now_used) & (self.used | EXPIRED)
        self.used |= set(now_used)
        self.journal += changes.transfers
        return results

    def live(self, name: str) -> list[NaiveBell]:
        kept = [bell for bell in self.bells[name] if bell.expires_at is None or bell.expires_at > self.now]
        self.bells[name] = sorted(kept, key=NaiveBell.order)
        return self.bells[name]

    def expect(self, command: Command) -> str:
        """What the model says of one command, doing it if it succeeds."""
        bells = self.live(command.cust_id)
        if isinstance(command, Credit):
            if (command.cust_id, command.credit_id) in self.done:
                return "replay"
            if command.expires_at is not None and command.expires_at <= self.now:
                return "invalid_request"
            bells += [NaiveBell(command.kind, command.expires_at) for _ in range(command.amount)]
            self.done.add((command.cust_id, command.credit_id))
            return "done"
        if isinstance(command, Expire):
            return "done"
        products = {item.product_id for item in command.lines}
        if (command.cust_id, command.order_id) in self.done:
            return "replay"
        if command.expires_at <= self.now:
            return "token_expired"
        if products & self.shelves[command.cust_id]:
            return "already_owned"
        vouchers = {voucher.voucher_id for voucher in command.vouchers}
        if vouchers & self.spent[command.cust_id]:
            return "voucher_unusable"
        if len(bells) < command.total:
            return "insufficient_bells"
        del bells[: command.total]
        self.shelves[command.cust_id] |= products
        self.spent[command.cust_id] |= vouchers
        self.done.add((command.cust_id, command.order_id))
        return "done"

    def check(self, command: Command, result: Done | Problem, expected: str) -> None:
        if isinstance(result, Problem):
            assert result.code == expected
        else:
            assert expected == ("replay" if result.replayed else "done")
            assert isinstance(command, Expire) or result.record is not None

    def one_by_one(self, commands: list[Command]) -> None:
        for command in commands:
            expected = self.expect(command)
            [result] = self.run([command])
            self.check(command, result, expected)

    @rule(
        name=st.sampled_from(CUSTOMERS),
        amount=st.integers(1, 40),
        kind=st.sampled_from(["paid", "bonus"]),
        days=st.none() | st.integers(0, 20),
        again=st.booleans(),
    )
    def credit(self, name: str, amount: int, kind: LotKind, days: int | None, again: bool) -> None:
        self.ids += 1
        expires_at = None if days is None else self.now + timedelta(days=days)
        command = Credit(
            cust_id=name,
            credit_id=f"c{self.ids}",
            currency="BELL",
            amount=amount,
            kind=kind,
            expires_at=expires_at,
            reason="test",
        )
        self.one_by_one([command] * (2 if again else 1))

    @rule(
        name=st.sampled_from(CUSTOMERS),
        products=st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=3, unique=True),
        prices=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=3),
        minutes=st.integers(-1, 15),
        again=st.booleans(),
        vouchers=st.lists(st.sampled_from(VOUCHERS), max_size=2, unique=True),
    )
    def buy(
        self,
        name: str,
        products: list[str],
        prices: list[tuple[int, int]],
        minutes: int,
        again: bool,
        vouchers: list[str],
    ) -> None:
        self.ids += 1
        pairs = zip(products, prices, strict=False)
        lines = tuple(line(product, max(pair), min(pair), publisher=product[-1]) for product, pair in pairs)
        subtotal, discount = sum(item.price for item in lines), sum(item.discount for item in lines)
        command = Pay(
            cust_id=name,
            session_id=SESSION,
            order_id=UUID(int=self.ids),
            currency="BELL",
            lines=lines,
            vouchers=tuple(UsedVoucher(voucher, 0) for voucher in vouchers),
            subtotal=subtotal,
            discount=discount,
            total=subtotal - discount,
            expires_at=self.now + timedelta(minutes=minutes),
        )
        self.one_by_one([command] * (2 if again else 1))

    @rule(
        name=st.sampled_from(CUSTOMERS),
        prices=st.lists(st.integers(0, 30), min_size=2, max_size=6),
        voucher=st.none() | st.sampled_from(VOUCHERS),
    )
    def batch(self, name: str, prices: list[int], voucher: str | None) -> None:
        """Several orders of one customer in one batch are decided as if they came one after the other."""
        commands: list[Command] = []
        for price in prices:
            self.ids += 1
            item = line(PRODUCTS[self.ids % len(PRODUCTS)], price)
            commands.append(
                Pay(
                    cust_id=name,
                    session_id=SESSION,
                    order_id=UUID(int=self.ids),
                    currency="BELL",
                    lines=(item,),
                    vouchers=(UsedVoucher(voucher, 0),) if voucher else (),
                    subtotal=price,
                    discount=0,
                    total=price,
                    expires_at=self.now + timedelta(minutes=1),
                )
            )
        results = self.run(commands)
        for command, result in zip(commands, results, strict=True):
            self.check(command, result, self.expect(command))

    @rule(name=st.sampled_from(CUSTOMERS))
    def withdrawn(self, name: str) -> None:
        self.ids += 1
        item = line("gone", 0)
        command = Pay(
            cust_id=name,
            session_id=SESSION,
            order_id=UUID(int=self.ids),
            currency="BELL",
            lines=(item,),
            vouchers=(),
            subtotal=0,
            discount=0,
            total=0,
            expires_at=self.now + timedelta(minutes=1),
        )
        before = len(self.orders)
        self.live(name)
        [result] = self.run([command], {"gone"})
        assert isinstance(result, Problem)
        assert result.code == "product_unavailable"
        assert len(self.orders) == before

    @rule(days=st.integers(1, 8))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(name=st.sampled_from(CUSTOMERS))
    def expire(self, name: str) -> None:
        self.one_by_one([Expire(cust_id=name, currency="BELL")])
        wallet = self.wallets.get((name, "BELL"))
        assert (wallet.balance if wallet else 0) == len(self.live(name))

    @invariant()
    def adds_up(self) -> None:
        for transfer in getattr(self, "journal", ()):
            assert sum(transfer.amounts) == 0
            assert len(transfer.accounts) == len(transfer.amounts)
            assert 0 not in transfer.amounts
        for (name, _), wallet in getattr(self, "wallets", {}).items():
            mine = [t for t in self.journal if t.customer_id == name]
            assert wallet.balance == sum(wallet.remaining) == sum(t.amount for t in mine) == mine[-1].balance
            assert [t.seq for t in mine] == list(range(1, wallet.seq + 1))
            assert all(part > 0 for part in wallet.remaining)
            assert wallet.balance >= len(self.live(name))
            for lot, part in zip(wallet.lots, wallet.remaining, strict=True):
                legs = [a for t in mine for n, a in zip(t.accounts, t.amounts, strict=True) if n == f"wallet:{lot}"]
                assert sum(legs) == part


Books.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestBooks = Books.TestCase
