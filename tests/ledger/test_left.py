"""What is left of a credit: as if each bell had a name, spending marked the oldest and a refund unmarked the newest."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.ledger import left, lots
from lingdang.ledger.adjusting import Adjust
from lingdang.ledger.balance import live_lots
from lingdang.ledger.expiring import Expire
from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.refunding import Refund
from lingdang.ledger.reversing import Reverse
from lingdang.ledger.state import Row
from lingdang.ledger.taking_back import TakeBack
from support.ledger import ANN, NOW, Ledger, take_back, topup
from support.money import credit, line, pay

ENDS = (None, NOW + timedelta(days=1), NOW + timedelta(days=2))
NOBODY = 0
"""Whose bells no credit explains: the oldest of all."""


class Bell:
    """One bell of a credit, by its row's seq, in one lot."""

    def __init__(self, owner: int, marked: bool = False) -> None:
        self.owner = owner
        self.marked = marked


class Queue:
    """The bells of each lot, oldest first, and what became of each credit's. Knows nothing of the code it judges."""

    def __init__(self) -> None:
        self.bells: dict[str, list[Bell]] = {}
        self.parts: dict[int, dict[str, int]] = {}
        self.taken: dict[int, dict[str, int]] = {}
        self.frozen: dict[int, dict[str, int]] = {}
        self.debt = 0
        self.now = NOW

    def lapse(self) -> None:
        """What came into lots whose end is past is gone."""
        for name in self.bells:
            end = lots.lot_expiry(name)
            if end is not None and end <= self.now:
                self.spend(name, self.unmarked(name))

    def lot(self, name: str) -> list[Bell]:
        return self.bells.setdefault(name, [])

    def unmarked(self, name: str, owner: int | None = None) -> int:
        return sum(not bell.marked and owner in (None, bell.owner) for bell in self.lot(name))

    def spend(self, name: str, amount: int) -> None:
        """Mark the oldest."""
        there = [bell for bell in self.lot(name) if not bell.marked]
        assert amount <= len(there)
        for bell in there[:amount]:
            bell.marked = True

    def unspend(self, name: str, amount: int) -> None:
        """Unmark the newest that are marked; what is more, no credit explains."""
        gone = [bell for bell in self.lot(name) if bell.marked]
        for bell in gone[::-1][:amount]:
            bell.marked = False
        self.bells[name] = [Bell(NOBODY) for _ in range(amount - len(gone))] + self.lot(name)

    def pay_debt(self, came: int) -> None:
        """In the order in which bells are spent, out of an empty wallet into which they came."""
        rest = min(self.debt, came)
        self.debt -= rest
        for name in sorted(self.bells, key=lots.spending_order):
            part = min(rest, self.unmarked(name))
            self.spend(name, part)
            rest -= part
        assert rest == 0

    def credit(self, owner: int, parts: dict[str, int]) -> None:
        self.parts[owner] = parts
        self.taken[owner], self.frozen[owner] = dict.fromkeys(parts, 0), dict.fromkeys(parts, 0)
        for name, amount in parts.items():
            self.lot(name).extend(Bell(owner) for _ in range(amount))
        self.pay_debt(sum(parts.values()))

    def remove(self, owner: int, name: str, amount: int, *, marked: bool) -> int:
        """Take so many of the owner's bells out of the queue, or as many as there are."""
        mine = [bell for bell in self.lot(name) if (bell.owner, bell.marked) == (owner, marked)][:amount]
        self.bells[name] = [bell for bell in self.lot(name) if bell not in mine]
        return len(mine)

    def insert(self, owner: int, name: str, amount: int) -> None:
        """Bells come back as if they had been there and been spent, and then some are unspent."""
        place = next((n for n, bell in enumerate(self.lot(name)) if bell.owner > owner), len(self.lot(name)))
        self.bells[name][place:place] = [Bell(owner, marked=True) for _ in range(amount)]
        self.unspend(name, amount)

    def take_back(self, owner: int, refunded: int, disputed: int, price: int) -> None:
        whole = sum(self.parts[owner].values())
        target = whole * min(refunded, price) // price
        more = target - sum(self.taken[owner].values())
        if more > 0:
            self._take(owner, more)
        else:
            self._come_back(owner, self.taken[owner], -more)
        target = min(whole * min(disputed, price) // price, whole - target)
        more = target - sum(self.frozen[owner].values())
        if more > 0:
            for name in self.parts[owner]:
                gone = self.remove(owner, name, more, marked=False)
                self.frozen[owner][name] += gone
                more -= gone
        else:
            self._come_back(owner, self.frozen[owner], -more)

    def _come_back(self, owner: int, source: dict[str, int], amount: int) -> None:
        came = amount
        for name in reversed(self.parts[owner]):
            part = min(source[name], amount)
            source[name] -= part
            self.insert(owner, name, part)
            amount -= part
        self.pay_debt(came)
        self.lapse()

    def _take(self, owner: int, amount: int) -> None:
        own = self.parts[owner]
        for name in own:
            part = min(self.frozen[owner][name], amount)
            self.frozen[owner][name] -= part
            self.taken[owner][name] += part
            amount -= part
        for name in own:
            part = self.remove(owner, name, amount, marked=False)
            self.taken[owner][name] += part
            amount -= part
        missing = amount
        for name in own:
            part = self.remove(owner, name, amount, marked=True)
            self.taken[owner][name] += part
            amount -= part
        paid_first = sorted(self.bells, key=lambda name: (not name.startswith("paid"), lots.spending_order(name)))
        for name in paid_first:
            part = min(missing, self.unmarked(name))
            self.spend(name, part)
            missing -= part
        self.debt += missing

    def reverse(self, owner: int) -> None:
        """A credit that never was: what was spent of it was of others."""
        [name] = self.parts.pop(owner)
        self.remove(owner, name, 10**6, marked=False)
        self.spend(name, self.remove(owner, name, 10**6, marked=True))


class Told(NamedTuple):
    """What a drawn step asks for."""

    what: str
    a: int
    b: int
    c: int


STEPS = st.lists(
    st.builds(
        Told,
        st.sampled_from(
            ["topup", "topup", "credit", "gift", "adjust", "pay", "pay", "refund", "take", "take", "day", "reverse"]
        ),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=2,
    max_size=25,
)


class Both:
    """The ledger and the queue, told the same."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.queue = Queue()
        self.topups: list[tuple[int, int, int]] = []
        self.credits: list[Any] = []
        self.orders: list[Any] = []
        self.number = 0

    def step(self, told: Told) -> None:
        """One step; what has lapsed is booked out before."""
        self.number += 1
        self._rows(Expire(customer=ANN, currency="BELL"))
        getattr(self, f"_{told.what}")(told)
        self.compare()

    def _rows(self, command: Any) -> list[Row]:
        """The rows that a command writes; the queue is told of what lapsed. None where it is refused."""
        before = len(self.ledger.rows)
        [result] = self.ledger.settle(command)
        rows = self.ledger.rows[before:]
        for row in rows:
            if row.kind == "expiry":
                for name, part in lots.of_legs(row.accounts, row.amounts):
                    self.queue.spend(name, -part)
        return [] if isinstance(result, Problem) else [row for row in rows if row.kind != "expiry"]

    def _topup(self, told: Told) -> None:
        command = topup(self.number, told.a + 1, told.b, price=told.c + 1, ends=_ahead(self.ledger, told.c))
        [row] = self._rows(command)
        parts = {"paid": command.paid}
        if command.bonus:
            parts[lots.lot_name("bonus", command.bonus_expires_at)] = command.bonus
        self.queue.credit(row.seq, parts)
        self.topups.append((self.number, row.seq, command.price))

    def _credit(self, told: Told) -> None:
        end = _ahead(self.ledger, told.c)
        command = credit(
            ANN, told.a + 1, credit_id=str(self.number), kind="paid" if told.b % 2 else "bonus", expires_at=end
        )
        [row] = self._rows(command)
        lot = lots.lot_name(command.kind, end)
        self.queue.credit(row.seq, {lot: command.amount})
        self.credits.append((command, lot, row.seq))

    def _gift(self, told: Told) -> None:
        end = _ahead(self.ledger, told.c)
        gift = Redeem(
            customer=ANN, gift_id=str(self.number), campaign="C", currency="BELL", amount=told.a + 1, expires_at=end
        )
        [row] = self._rows(gift)
        self.queue.credit(row.seq, {lots.lot_name("bonus", end): gift.amount})

    def _adjust(self, told: Told) -> None:
        amount = told.a - 4 or 1
        command = Adjust(
            customer=ANN, adjustment_id=str(self.number), currency="BELL", amount=amount, reason="R", note=None
        )
        for row in self._rows(command):
            if amount > 0:
                self.queue.credit(row.seq, {"bonus": amount})
            else:
                self._spent(row)

    def _pay(self, told: Told) -> None:
        lines = [line(f"{self.number}-{n}", price) for n, price in enumerate((told.a, told.b, told.c))]
        order = pay(ANN, *lines, expires_at=self.ledger.now + timedelta(minutes=1))
        for row in self._rows(order):
            self._spent(row)
            self.orders.append(order)

    def _spent(self, row: Row) -> None:
        for name, part in lots.of_legs(row.accounts, row.amounts):
            self.queue.spend(name, -part)

    def _refund(self, told: Told) -> None:
        if not self.orders:
            return
        order = self.orders[told.a % len(self.orders)]
        refund = Refund(
            customer=ANN,
            order_id=order.order_id,
            refund_id=str(self.number),
            by="operator",
            ordered=tuple(order.rights),
            product_ids=(order.rights[told.b % 3],),
            reason="other",
            extend=timedelta(days=1) if told.c % 2 else None,
        )
        owed = self.ledger.wallets[ANN, "BELL"].debt
        for row in self._rows(refund):
            came = dict(lots.of_legs(row.accounts, row.amounts))
            paid = owed - self.ledger.wallet().debt
            for name in sorted(came, key=lots.spending_order):
                self.queue.unspend(name, came[name])
            self.queue.debt -= paid

    def _take(self, told: Told) -> None:
        if self.topups:
            number, seq, price = self.topups[told.a % len(self.topups)]
            self._rows_of_take(take_back(number, told.b, told.c), seq, price)

    def _rows_of_take(self, command: TakeBack, seq: int, price: int) -> None:
        self.queue.now = self.ledger.now
        self.queue.take_back(seq, command.refunded, command.disputed, price)
        self.ledger.settle(command)

    def _day(self, told: Told) -> None:
        self.ledger.now += timedelta(hours=3 * told.a)
        self._rows(Expire(customer=ANN, currency="BELL"))

    def _reverse(self, told: Told) -> None:
        if self.credits:
            command, lot, seq = self.credits.pop(told.a % len(self.credits))
            asked = Reverse(
                customer=ANN,
                credit_id=command.credit_id,
                currency="BELL",
                lot=lot,
                amount=command.amount,
                reason="R",
            )
            if self._rows(asked):
                self.queue.reverse(seq)

    def compare(self) -> None:
        """Each credit's left, lot by lot; all of them and what nobody explains are the balance."""
        wallet = self.ledger.wallets.get((ANN, "BELL"))
        if wallet is None:
            return
        held = live_lots(wallet, self.ledger.now)
        credits = left.credits_of(self.ledger.rows)
        found = {credit.seq: left.left(credits.values(), credit, held) for credit in credits.values()}
        assert found == {
            owner: {name: self.queue.unmarked(name, owner) for name in parts}
            for owner, parts in self.queue.parts.items()
        }
        there = {name: self.queue.unmarked(name) for name in self.queue.bells}
        assert dict(zip(*held, strict=True)) == {name: amount for name, amount in there.items() if amount}
        unexplained = sum(self.queue.unmarked(name, NOBODY) for name in self.queue.bells)
        assert sum(sum(each.values()) for each in found.values()) + unexplained == sum(held[1])
        assert wallet.debt == self.queue.debt


def _ahead(ledger: Ledger, number: int) -> Any:
    end = ENDS[number % 3]
    return end if end is None or end > ledger.now else None


@settings(deadline=None)
@given(STEPS)
def test_it_is_as_if_each_bell_had_a_name(steps: list[Told]) -> None:
    both = Both()
    for told in steps:
        both.step(told)


def of(ledger: Ledger, number: int) -> dict[str, int]:
    """What is left of a top-up."""
    credits = left.credits_of(ledger.rows)
    wallet = ledger.wallet()
    key = left.topup_key(str(UUID(int=number)))
    return left.left(credits.values(), credits[key], (wallet.lots, wallet.remaining))


def test_the_oldest_are_spent_first_and_a_refund_brings_the_newest_of_those_back() -> None:
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(topup(2, 100))
    order = pay(ANN, line("a", 30), line("b", 100), expires_at=NOW + timedelta(hours=1))
    ledger.do(order)
    assert (of(ledger, 1), of(ledger, 2)) == ({"paid": 0}, {"paid": 70})
    refund = Refund(
        customer=ANN,
        order_id=order.order_id,
        refund_id="r",
        by="operator",
        ordered=("a", "b"),
        product_ids=("b",),
        reason="other",
    )
    ledger.do(refund)
    assert (of(ledger, 1), of(ledger, 2)) == ({"paid": 70}, {"paid": 100})


def test_a_credit_of_before_is_passed_over() -> None:
    """What is known are the rows since the top-up that is asked about."""
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(topup(2, 100))
    ledger.do(take_back(1, 100))
    credits = left.credits_of(ledger.rows[1:])
    assert [credit.seq for credit in credits.values()] == [2]
