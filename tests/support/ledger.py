"""A ledger in memory: one customer's commands, one after the other or in batches, and the journal that they write."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lingdang.errors import Problem
from lingdang.ledger import left, refunding
from lingdang.ledger.done import Done
from lingdang.ledger.rules import Command, Result, settle
from lingdang.ledger.state import Row, State, Wallet
from lingdang.ledger.taking_back import TakeBack
from lingdang.ledger.topping_up import TopUp

ANN = 11
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Ledger:
    """What the database would hold. `now` is put forward by whoever tests."""

    def __init__(self, customer: int = ANN) -> None:
        self.customer = customer
        self.now = NOW
        self.wallets: dict[tuple[int, str], Wallet] = {}
        self.rows: list[Row] = []
        self.rights: dict[tuple[int, str], int] = {}

    def settle(self, *commands: Command) -> Sequence[Result]:
        """One batch."""
        refunds: dict[UUID, list[Row]] = {}
        for row in self.rows:
            if row.kind == refunding.KIND:
                refunds.setdefault(refunding.detail_of(row).order_id, []).append(row)
        state = State(
            wallets=dict(self.wallets),
            rows=list(self.rows),
            refunds=refunds,
            credited=[row for row in self.rows if row.kind in left.KINDS],
            rights=dict(self.rights),
        )
        results, changes = settle(state, commands, self.now)
        self.wallets |= changes.wallets
        self.rows += changes.rows
        for right in changes.revoked:
            del self.rights[right.customer, right.product_id]
        for row, granted in zip(changes.rows, changes.granted, strict=True):
            self.rights |= dict.fromkeys([(row.customer, name) for name in granted], row.seq)
        self.check()
        return results

    def do(self, command: Command) -> Any:
        """The record of one command that is not refused."""
        [result] = self.settle(command)
        assert isinstance(result, Done), result
        return result.record

    def refused(self, command: Command) -> Problem:
        """Why one command is, which changes nothing."""
        before = (dict(self.wallets), list(self.rows))
        [result] = self.settle(command)
        assert isinstance(result, Problem), result
        assert (self.wallets, self.rows) == before
        return result

    def check(self) -> None:
        """What always holds: legs sum to zero, each account once, debt and balance are their legs, one count."""
        balances: dict[str, int] = {}
        debts: dict[str, int] = {}
        for number, row in enumerate(self.rows, 1):
            assert row.seq == number
            assert sum(row.amounts) == 0
            assert len(set(row.accounts)) == len(row.accounts)
            legs = dict(zip(row.accounts, row.amounts, strict=True))
            assert row.amount == sum(part for name, part in legs.items() if str(name).startswith("wallet:"))
            balances[row.currency] = balances.get(row.currency, 0) + row.amount
            debts[row.currency] = debts.get(row.currency, 0) - legs.get("debt", 0)
            assert row.balance == balances[row.currency] >= 0
            assert debts[row.currency] >= 0
            assert not (debts[row.currency] and row.balance), "a wallet in debt is empty"
        assert len({row.cause for row in self.rows}) == len(self.rows)
        for (_, currency), wallet in self.wallets.items():
            assert (wallet.balance, wallet.debt) == (balances[currency], debts[currency])
            assert wallet.balance == sum(wallet.remaining)
            assert all(part > 0 for part in wallet.remaining)

    def wallet(self, currency: str = "BELL") -> Wallet:
        return self.wallets[self.customer, currency]

    def lots(self, currency: str = "BELL") -> dict[str, int]:
        """What lies in which lot."""
        wallet = self.wallet(currency)
        return dict(zip(wallet.lots, wallet.remaining, strict=True))

    def legs(self, row: int = -1) -> dict[str | int, int]:
        """Those of a row, the newest unless another is named."""
        found = self.rows[row]
        return dict(zip(found.accounts, found.amounts, strict=True))


def topup(
    number: int = 1,
    paid: int = 100,
    bonus: int = 0,
    *,
    price: int | None = None,
    ends: datetime | None = None,
    currency: str = "BELL",
    customer: int = ANN,
) -> TopUp:
    """A top-up, for one fen a paid bell unless `price` says otherwise."""
    return TopUp(
        customer=customer,
        topup_id=UUID(int=number),
        currency=currency,
        paid=paid,
        bonus=bonus,
        bonus_expires_at=ends,
        provider="sandbox",
        price=paid if price is None else price,
        price_currency="CNY",
    )


def take_back(number: int = 1, refunded: int = 0, disputed: int = 0, *, customer: int = ANN) -> TakeBack:
    """How the provider says that a top-up stands."""
    return TakeBack(
        customer=customer, topup_id=UUID(int=number), refunded=refunded, disputed=disputed, reason="refunded"
    )
