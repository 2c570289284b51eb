"""The rules against a naive model: money is neither made nor lost, whatever is asked in whatever order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lingdang.errors import Problem
from lingdang.ledger import crediting, paying
from lingdang.ledger.crediting import Credit
from lingdang.ledger.done import Done
from lingdang.ledger.expiring import Expire
from lingdang.ledger.lines import Line, UsedVoucher
from lingdang.ledger.lots import LotKind
from lingdang.ledger.paying import Pay
from lingdang.ledger.rules import Command, settle
from lingdang.ledger.state import Changes, Row, State, Wallet
from support.money import SESSION, line

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = (1, 2)
CURRENCIES = ("BELL", "GEM")
PRODUCTS = tuple(f"book-{n}" for n in range(8))
VOUCHERS = ("v1", "v2", "v3", "old")
EXPIRED = {(customer, "old") for customer in CUSTOMERS}


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
        self.wallets: dict[tuple[int, str], Wallet] = {}
        self.rights: dict[tuple[int, str], int] = {}
        self.journal: list[Row] = []
        self.bells: dict[tuple[int, str], list[NaiveBell]] = {(c, name): [] for c in CUSTOMERS for name in CURRENCIES}
        self.shelves: dict[int, set[str]] = {customer: set() for customer in CUSTOMERS}
        self.spent: dict[int, set[str]] = {customer: {"old"} for customer in CUSTOMERS}
        self.used: set[tuple[int, str]] = set()
        self.done: set[tuple[int, UUID]] = set()
        self.records: dict[UUID, object] = {}
        self.ids = 0

    def run(self, commands: list[Command], unavailable: set[str] = frozenset()) -> list[Done | Problem]:  # type: ignore[assignment]
        state = State(
            wallets=dict(self.wallets),
            rows=list(self.journal),
            rights=dict(self.rights),
            unavailable=set(unavailable),
            unusable=dict.fromkeys(self.used, "used") | dict.fromkeys(EXPIRED, "expired"),
        )
        results, changes = settle(state, commands, self.now)
        assert changes.before == {key: self.wallets[key].seq if key in self.wallets else 0 for key in changes.wallets}
        self.store(changes)
        return results

    def store(self, changes: Changes) -> None:
        self.wallets |= changes.wallets
        assert not changes.revoked
        for row, products in zip(changes.rows, changes.granted, strict=True):
            last = max((other.at for other in self.journal if other.customer == row.customer), default=self.now)
            assert row.at == max(self.now, last)
            for product_id in products:
                assert (row.customer, product_id) not in self.rights
                self.rights[row.customer, product_id] = row.seq
            self.journal.append(row)
        now_used = [(use.customer, use.voucher_id) for use in changes.used]
        assert len(set(now_used)) == len(now_used)
        assert not set(now_used) & (self.used | EXPIRED)
        self.used |= set(now_used)

    def touch(self, customer: int, currency: str) -> list[NaiveBell]:
        """What is live of a wallet, in the order in which it is spent. What has lapsed by now is gone for good."""
        kept = [b for b in self.bells[customer, currency] if b.expires_at is None or b.expires_at > self.now]
        self.bells[customer, currency] = sorted(kept, key=NaiveBell.order)
        return self.bells[customer, currency]

    def expect(self, command: Command) -> str:
        """What the model says of one command, doing it if it succeeds."""
        customer = command.customer
        if command.cause is not None and (customer, command.cause) in self.done:
            return "replay"
        bells = self.touch(customer, command.currency)
        if isinstance(command, Expire):
            return "done"
        if command.expires_at is not None and command.expires_at <= self.now:
            return "invalid_request" if isinstance(command, Credit) else "token_expired"
        if isinstance(command, Credit):
            bells += [NaiveBell(command.kind, command.expires_at) for _ in range(command.amount)]
        else:
            products = {item.product_id for item in command.lines}
            vouchers = {voucher.voucher_id for voucher in command.vouchers}
            if products & self.shelves[customer]:
                return "already_owned"
            if vouchers & self.spent[customer]:
                return "voucher_unusable"
            if len(bells) < command.total:
                return "insufficient_bells"
            del bells[: command.total]
            self.shelves[customer] |= products
            self.spent[customer] |= vouchers
        self.done.add((customer, command.cause))
        return "done"

    def check(self, command: Command, result: Done | Problem, expected: str) -> None:
        if isinstance(result, Problem):
            assert result.code == expected
            return
        assert expected == ("replay" if result.replayed else "done")
        if command.cause is None:
            assert result.record is None
        else:
            assert result.record is not None
            assert self.records.setdefault(command.cause, result.record) == result.record, "the answer given then"

    def one_by_one(self, commands: list[Command]) -> None:
        for command in commands:
            expected = self.expect(command)
            [result] = self.run([command])
            self.check(command, result, expected)

    def order(self, customer: int, currency: str, lines: tuple[Line, ...], *vouchers: str, minutes: int = 1) -> Pay:
        self.ids += 1
        subtotal, discount = sum(item.price for item in lines), sum(item.discount for item in lines)
        return Pay(
            customer=customer,
            session_id=SESSION,
            order_id=UUID(int=self.ids),
            currency=currency,
            lines=lines,
            vouchers=tuple(UsedVoucher(voucher, 0) for voucher in vouchers),
            subtotal=subtotal,
            discount=discount,
            total=subtotal - discount,
            expires_at=self.now + timedelta(minutes=minutes),
        )

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        currency=st.sampled_from(CURRENCIES),
        amount=st.integers(1, 40),
        kind=st.sampled_from(["paid", "bonus"]),
        days=st.none() | st.integers(0, 20),
        again=st.booleans(),
    )
    def credit(self, customer: int, currency: str, amount: int, kind: LotKind, days: int | None, again: bool) -> None:
        self.ids += 1
        command = Credit(
            customer=customer,
            credit_id=f"c{self.ids}",
            currency=currency,
            amount=amount,
            kind=kind,
            expires_at=None if days is None else self.now + timedelta(days=days),
            reason="test",
        )
        self.one_by_one([command] * (2 if again else 1))

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        currency=st.sampled_from(CURRENCIES),
        products=st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=3, unique=True),
        prices=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=3),
        minutes=st.integers(-1, 15),
        again=st.booleans(),
        vouchers=st.lists(st.sampled_from(VOUCHERS), max_size=2, unique=True),
    )
    def buy(
        self,
        customer: int,
        currency: str,
        products: list[str],
        prices: list[tuple[int, int]],
        minutes: int,
        again: bool,
        vouchers: list[str],
    ) -> None:
        pairs = zip(products, prices, strict=False)
        lines = tuple(line(product, max(pair), min(pair), publisher=product[-1]) for product, pair in pairs)
        command = self.order(customer, currency, lines, *vouchers, minutes=minutes)
        self.one_by_one([command] * (2 if again else 1))

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        prices=st.lists(st.tuples(st.sampled_from(CURRENCIES), st.integers(0, 30)), min_size=2, max_size=6),
        voucher=st.none() | st.sampled_from(VOUCHERS),
    )
    def batch(self, customer: int, prices: list[tuple[str, int]], voucher: str | None) -> None:
        """Several orders of one customer in one batch are decided as if they came one after the other."""
        vouchers = () if voucher is None else (voucher,)
        commands: list[Command] = []
        for currency, price in prices:
            item = line(PRODUCTS[self.ids % len(PRODUCTS)], price)
            commands.append(self.order(customer, currency, (item,), *vouchers))
        results = self.run(commands)
        for command, result in zip(commands, results, strict=True):
            self.check(command, result, self.expect(command))

    @rule(customer=st.sampled_from(CUSTOMERS))
    def withdrawn(self, customer: int) -> None:
        command = self.order(customer, "BELL", (line("gone", 0),))
        self.touch(customer, "BELL")
        [result] = self.run([command], {"gone"})
        assert isinstance(result, Problem)
        assert result.code == "product_unavailable"
        assert (customer, command.order_id) not in {(row.customer, row.cause) for row in self.journal}

    @rule(days=st.integers(1, 8))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(hours=st.integers(1, 30))
    def set_back(self, hours: int) -> None:
        """The clock is set back: what is decided goes by it, what is written does not."""
        self.now -= timedelta(hours=hours)

    @rule(customer=st.sampled_from(CUSTOMERS), currency=st.sampled_from(CURRENCIES))
    def expire(self, customer: int, currency: str) -> None:
        self.one_by_one([Expire(customer=customer, currency=currency)])

    @invariant()
    def adds_up(self) -> None:
        for row in getattr(self, "journal", ()):
            assert sum(row.amounts) == 0
            assert len(row.accounts) == len(row.amounts)
            assert 0 not in row.amounts
        for (customer, currency), wallet in getattr(self, "wallets", {}).items():
            mine = [row for row in self.journal if (row.customer, row.currency) == (customer, currency)]
            assert wallet.balance == sum(wallet.remaining) == sum(row.amount for row in mine) == mine[-1].balance
            assert (wallet.seq, wallet.moved_at) == (mine[-1].seq, mine[-1].at)
            assert all(part > 0 for part in wallet.remaining)
            assert wallet.balance == len(self.bells[customer, currency])
            for lot, part in zip(wallet.lots, wallet.remaining, strict=True):
                legs = [
                    a for row in mine for n, a in zip(row.accounts, row.amounts, strict=True) if n == f"wallet:{lot}"
                ]
                assert sum(legs) == part

    @invariant()
    def each_customer_has_one_journal(self) -> None:
        for customer in CUSTOMERS:
            mine = [row for row in getattr(self, "journal", ()) if row.customer == customer]
            assert [row.seq for row in mine] == list(range(1, len(mine) + 1))
            assert [row.at for row in mine] == sorted(row.at for row in mine)
            assert len({row.cause for row in mine}) == len(mine)

    @invariant()
    def rows_tell_what_was_answered(self) -> None:
        for row in getattr(self, "journal", ()):
            if row.kind == paying.KIND:
                assert paying.read(row) == self.records[row.cause]
            elif row.kind == crediting.KIND:
                assert crediting.read(row) == self.records[row.cause]


Books.TestCase.settings = settings(stateful_step_count=40)
TestBooks = Books.TestCase
