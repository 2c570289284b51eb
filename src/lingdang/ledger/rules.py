"""The rules of the money: pure decisions on loaded state. No I/O, no clock, no chance.

Each command refuses first and changes afterwards: once its first change is made, it must succeed.
"""

from collections.abc import Sequence
from datetime import datetime

from lingdang.errors import Problem, session_ended
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger import lots
from lingdang.ledger.commands import Command, Credit, Credited, Done, Expire, Order, Pay
from lingdang.ledger.state import Changes, State, Transfer, Wallet

Result = Done | Problem


def settle(state: State, commands: Sequence[Command], now: datetime) -> tuple[list[Result], Changes]:
    """Decide the commands in their order, each on what the ones before it left.

    Answers one result for each command, and what all of them together change. `state` is not altered.
    """
    batch = _Batch(state, now)
    return [batch.decide(command) for command in commands], batch.changes


class _Batch:
    """One batch while it is being decided: the loaded state, and the changes on top of it."""

    def __init__(self, state: State, now: datetime) -> None:
        self._state = state
        self._now = now
        # By the id's number: a UUID computes its hash in Python.
        self._orders = {(cust_id, order_id.int): order for (cust_id, order_id), order in state.orders.items()}
        self._credits = dict(state.credits)
        self._owned = set(state.owned)
        self._unusable = dict(state.unusable)
        self.changes = Changes(now)

    def decide(self, command: Command) -> Result:
        if isinstance(command, Pay):
            return self._pay(command)
        if isinstance(command, Credit):
            return self._credit(command)
        return self._expire(command)

    def _pay(self, pay: Pay) -> Result:
        if self._state.ended_sessions and pay.session_id in self._state.ended_sessions:
            return session_ended()
        paid = self._orders.get((pay.cust_id, pay.order_id.int))
        if paid is not None:
            return Done(paid, replayed=True)
        wallet = self._wallet(pay.cust_id, pay.currency)
        refusal = self._refuse_payment(pay, wallet)
        if refusal is not None:
            return refusal
        (names, remaining), taken = lots.take((wallet.lots, wallet.remaining), pay.total)
        accounts: list[str | int] = [f"wallet:{name}" for name in taken[0]]
        amounts = [-amount for amount in taken[1]]
        _add_revenue(accounts, amounts, pay)
        order = _order(pay, wallet.seq + 1, wallet.balance - pay.total, self._now)
        self._move(wallet, (names, remaining), -pay.total, "payment", order, accounts, amounts)
        self._orders[pay.cust_id, pay.order_id.int] = order
        self._owned.update([(pay.cust_id, line.product_id) for line in pay.lines])
        if pay.vouchers or self._state.first_purchase:
            self._use_up(pay)
        return Done(order)

    def _refuse_payment(self, pay: Pay, wallet: Wallet) -> Problem | None:
        if pay.expires_at <= self._now:
            return Problem("token_expired")
        if self._state.unavailable:
            gone = [line.product_id for line in pay.lines if line.product_id in self._state.unavailable]
            if gone:
                return Problem("product_unavailable", productIds=gone)
        owned = [line.product_id for line in pay.lines if (pay.cust_id, line.product_id) in self._owned]
        if owned:
            return Problem("already_owned", productIds=owned)
        if pay.vouchers and (reasons := self._unusable_of(pay)):
            return Problem("voucher_unusable", voucherIds=list(reasons), reasons=reasons)
        if wallet.balance < pay.total:
            shortfall = pay.total - wallet.balance
            return Problem("insufficient_bells", required=pay.total, balance=wallet.balance, shortfall=shortfall)
        return None

    def _unusable_of(self, pay: Pay) -> dict[str, str]:
        """Why which of the order's vouchers cannot be used any more."""
        ids = [voucher.voucher_id for voucher in pay.vouchers]
        return {i: reason for i in ids if (reason := self._unusable.get((pay.cust_id, i)))}

    def _use_up(self, pay: Pay) -> None:
        """For the batch's later orders: these vouchers are used, and this was a first purchase unless it was free."""
        for key in self._state.first_purchase:
            if key[0] == pay.cust_id and pay.total > 0:
                self._unusable[key] = "not_first_purchase"
        for voucher in pay.vouchers:
            self._unusable[pay.cust_id, voucher.voucher_id] = "used"

    def _credit(self, credit: Credit) -> Result:
        booked = self._credits.get((credit.cust_id, credit.credit_id))
        if booked is not None:
            return Done(booked, replayed=True) if _same(credit, booked) else Problem("idempotency_mismatch")
        wallet = self._wallet(credit.cust_id, credit.currency)
        if credit.expires_at is not None and credit.expires_at <= self._now:
            return Problem("invalid_request", errors=[{"path": "$.expiresAt", "message": "It is in the past"}])
        if wallet.balance + credit.amount > MAX_AMOUNT:
            return Problem("wallet_full", limit=f"balance <= {MAX_AMOUNT}")
        name = lots.lot_for((wallet.lots, wallet.remaining), credit.kind, credit.expires_at)
        held = lots.add((wallet.lots, wallet.remaining), name, credit.amount)
        accounts = [f"clearing:{credit.kind}", f"wallet:{name}"]
        amounts = [-credit.amount, credit.amount]
        wallet = self._move(wallet, held, credit.amount, "credit", credit.credit_id, accounts, amounts)
        record = _credited(credit, wallet, name, self._now)
        self._credits[credit.cust_id, credit.credit_id] = record
        self.changes.credits.append(record)
        return Done(record)

    def _expire(self, expire: Expire) -> Result:
        self._wallet(expire.cust_id, expire.currency)
        return Done(None)

    def _wallet(self, cust_id: str, currency: str) -> Wallet:
        """The wallet as it stands in this batch, with what has lapsed booked out."""
        key = (cust_id, currency)
        changes = self.changes
        wallet = changes.wallets.get(key) or self._state.wallets.get(key)
        if wallet is None:
            return Wallet(customer_id=cust_id, currency=currency)
        if wallet.next_expiry is None or wallet.next_expiry > self._now:
            return wallet
        held, gone = lots.lapse((wallet.lots, wallet.remaining), self._now)
        lapsed = sum(gone[1])
        accounts = [*(f"wallet:{name}" for name in gone[0]), "breakage"]
        amounts = [*(-amount for amount in gone[1]), lapsed]
        return self._move(wallet, held, -lapsed, "expiry", "", accounts, amounts)

    def _move(
        self,
        wallet: Wallet,
        held: lots.Lots,
        amount: int,
        kind: str,
        cause: Order | str,
        accounts: Sequence[str | int],
        amounts: list[int],
    ) -> Wallet:
        """Change a wallet by one transfer. The only place in which a balance changes."""
        moved = Wallet(
            customer_id=wallet.customer_id,
            currency=wallet.currency,
            balance=wallet.balance + amount,
            seq=wallet.seq + 1,
            lots=held[0],
            remaining=held[1],
            next_expiry=wallet.next_expiry if held[0] == wallet.lots else lots.next_expiry(held[0]),
            place=wallet.place,
        )
        key = (moved.customer_id, moved.currency)
        self.changes.wallets[key] = moved
        self.changes.before.setdefault(key, wallet.seq)
        order, reference = (None, cause) if isinstance(cause, str) else (cause, None)
        self.changes.transfers.append(
            Transfer(key[0], key[1], moved.seq, kind, reference, amount, moved.balance, accounts, amounts, order)
        )
        return moved


def _add_revenue(accounts: list[str | int], amounts: list[int], pay: Pay) -> None:
    """The platform's side of a payment: gross revenue by publisher, the discount against it."""
    places: dict[str, int] = {}
    revenue = [0] * len(pay.lines)
    for place, line in enumerate(pay.lines):
        revenue[places.setdefault(line.publisher or "", place)] += line.price
    for place, amount in enumerate(revenue):
        if amount:
            accounts.append(place)
            amounts.append(amount)
    if pay.discount:
        accounts.append("discount")
        amounts.append(-pay.discount)


def _order(pay: Pay, seq: int, balance: int, now: datetime) -> Order:
    return Order(
        cust_id=pay.cust_id,
        order_id=pay.order_id,
        currency=pay.currency,
        seq=seq,
        subtotal=pay.subtotal,
        discount=pay.discount,
        total=pay.total,
        balance=balance,
        paid_at=now,
        lines=pay.lines,
        vouchers=pay.vouchers,
    )


def _credited(credit: Credit, wallet: Wallet, lot: str, now: datetime) -> Credited:
    return Credited(
        cust_id=credit.cust_id,
        credit_id=credit.credit_id,
        currency=credit.currency,
        seq=wallet.seq,
        amount=credit.amount,
        kind=credit.kind,
        expires_at=credit.expires_at,
        lot=lot,
        reason=credit.reason,
        balance=wallet.balance,
        credited_at=now,
    )


def _same(credit: Credit, booked: Credited) -> bool:
    return (credit.currency, credit.amount, credit.kind, credit.expires_at, credit.reason) == (
        booked.currency,
        booked.amount,
        booked.kind,
        booked.expires_at,
        booked.reason,
    )
