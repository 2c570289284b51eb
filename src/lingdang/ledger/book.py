"""The book: a batch's customers while it is decided, and the only code that moves bells.

It holds what was loaded and the changes on top of it. Wallets, lots and legs change together, in `post`, and so do the
count and the time of a customer's journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.ledger import debts, lots
from lingdang.ledger.causes import cause_of
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.state import Changes, Right, Row, State, Use, Wallet

EXPIRY = "expiry"
_NOTHING = msgspec.Raw(b"{}")


class Book:
    """One batch. `now` is the clock's time under the locks: what is decided is decided by it."""

    def __init__(self, state: State, now: datetime) -> None:
        self.now = now
        self.state = state
        self.changes = Changes(now)
        self._newest = _newest(state.wallets.values())
        # By the id's number: a UUID computes its hash in Python.
        self._rows = {row.cause.int: row for row in state.rows}
        self._rights = _by_customer(state.rights)
        self._unusable = dict(state.unusable)
        self._refunds = {order_id: list(rows) for order_id, rows in state.refunds.items()}

    def row(self, customer: int, cause: UUID) -> Row | None:
        """What the customer's journal has of this cause."""
        found = self._rows.get(cause.int)
        return found if found is not None and found.customer == customer else None

    def wallet(self, customer: int, currency: str) -> Wallet:
        """The wallet as it stands in this batch, with what has lapsed booked out."""
        key = (customer, currency)
        wallet = self.changes.wallets.get(key) or self.state.wallets.get(key)
        if wallet is None:
            return Wallet(customer=customer, currency=currency)
        if wallet.next_expiry is None or wallet.next_expiry > self.now:
            return wallet
        held, gone = lots.lapse((wallet.lots, wallet.remaining), self.now)
        lapsed = sum(gone[1])
        accounts = [*map(lots.account_of, gone[0]), "breakage"]
        amounts = [*(-amount for amount in gone[1]), lapsed]
        cause = cause_of(customer, EXPIRY, f"{currency} {wallet.seq}")
        self.post(wallet, held, -lapsed, EXPIRY, cause, accounts, amounts, _NOTHING)
        return self.changes.wallets[key]

    def post(
        self,
        wallet: Wallet,
        held: lots.Lots,
        amount: int,
        kind: str,
        cause: UUID,
        accounts: Sequence[str | int],
        amounts: list[int],
        detail: msgspec.Raw,
        owed: int = 0,
    ) -> Row:
        """Change a wallet by one row of the journal, whose time is never before that of the row before it.

        What it brings pays the wallet's debt first. `owed` is debt that it adds; its leg is among the amounts.
        """
        customer, currency = key = (wallet.customer, wallet.currency)
        debt = wallet.debt + owed
        if wallet.debt and amount > 0:
            held, accounts, amounts, paid = debts.pay(wallet.debt, held, accounts, amounts)
            debt, amount = debt - paid, amount - paid
        newest = self._newest.get(customer, wallet)
        at, seq, balance = self.now, newest.seq + 1, wallet.balance + amount
        if newest.moved_at is not None and newest.moved_at > at:
            at = newest.moved_at
        changes = self.changes
        changes.wallets[key] = self._newest[customer] = Wallet(
            customer=customer,
            currency=currency,
            balance=balance,
            seq=seq,
            moved_at=at,
            lots=held[0],
            remaining=held[1],
            next_expiry=wallet.next_expiry if held[0] == wallet.lots else lots.next_expiry(held[0]),
            place=wallet.place,
            debt=debt,
        )
        changes.before.setdefault(key, wallet.seq)
        row = Row(
            customer=customer,
            currency=currency,
            seq=seq,
            kind=kind,
            amount=amount,
            balance=balance,
            at=at,
            accounts=accounts,
            amounts=amounts,
            cause=cause,
            detail=detail,
        )
        changes.rows.append(row)
        changes.granted.append([])
        self._rows[cause.int] = row
        return row

    # Rights

    def owned(self, customer: int, product_ids: Iterable[str]) -> list[str]:
        """Those of the products to which the customer has a right."""
        rights = self._rights.get(customer)
        return [name for name in product_ids if name in rights] if rights else []

    def grant(self, row: Row, product_ids: list[str]) -> None:
        """Grant rights by the newest row. None of them may be there."""
        assert row is self.changes.rows[-1], "a right is granted by the row that was just posted"
        self.changes.granted[-1] = product_ids
        self._rights.setdefault(row.customer, {}).update(dict.fromkeys(product_ids, row.seq))

    def granted_by(self, customer: int, product_id: str) -> int | None:
        """The row that granted the right to a product; None when there is no such right."""
        return self._rights.get(customer, {}).get(product_id)

    def opened(self, customer: int, product_id: str) -> bool:
        """Whether the right has been used."""
        return (customer, product_id) in self.state.opened

    def revoke(self, customer: int, product_ids: Iterable[str], granted_by: int, *, unopened: bool = False) -> None:
        """End the rights to these products that this row granted; those that another one granted stay."""
        rights = self._rights.get(customer, {})
        for name in product_ids:
            if rights.get(name) != granted_by:
                continue
            del rights[name]
            granted = self._granted(customer, granted_by)
            if granted is None:
                self.changes.revoked.append(Right(customer, name, granted_by, unopened))
            else:  # by this batch: neither is written
                granted.remove(name)

    def _granted(self, customer: int, seq: int) -> list[str] | None:
        """The products that a row of this batch grants; None when it is not of this batch."""
        changes = self.changes
        places = (place for place, row in enumerate(changes.rows) if row.customer == customer and row.seq == seq)
        place = next(places, None)
        return None if place is None else changes.granted[place]

    # Refunds

    def refunds(self, order_id: UUID) -> list[Row]:
        """The rows of the order's refunds, in their order."""
        return self._refunds.get(order_id, [])

    def refunded(self, order_id: UUID, row: Row) -> None:
        """Count a refund that was just posted."""
        self._refunds.setdefault(order_id, []).append(row)

    # Credits

    def credited(self, customer: int, currency: str, since: int) -> list[Row]:
        """The rows of one currency since a top-up's that tell of credits, in their order; others may be among them."""
        rows = {row.seq: row for row in (*self.state.credited, *self.changes.rows) if row.customer == customer}
        return [rows[seq] for seq in sorted(rows) if seq >= since and rows[seq].currency == currency]

    # Vouchers

    def unusable(self, customer: int, voucher_id: str) -> str | None:
        """Why the voucher cannot be used; None when it can."""
        return self._unusable.get((customer, voucher_id))

    def use(self, row: Row, vouchers: Iterable[UsedVoucher]) -> None:
        """Use vouchers up by an order. If that is above 0 bells, it was the customer's first purchase."""
        customer = row.customer
        if row.amount < 0:
            for key in self.state.first_purchase:
                if key[0] == customer:
                    self._unusable[key] = "not_first_purchase"
        for voucher in vouchers:
            self._unusable[customer, voucher.voucher_id] = "used"
            self.changes.used.append(Use(customer, voucher.voucher_id, row.cause, voucher.saves))

    def give_back(self, customer: int, voucher_ids: Iterable[str], order_id: UUID) -> None:
        """Give vouchers back that the order used up. For the rest of the batch they count as used."""
        self.changes.used += [Use(customer, voucher_id, order_id, None) for voucher_id in voucher_ids]


def _newest(wallets: Iterable[Wallet]) -> dict[int, Wallet]:
    """Each customer's wallet that moved last: its newest row is the newest of the customer's journal."""
    newest: dict[int, Wallet] = {}
    for wallet in wallets:
        known = newest.get(wallet.customer)
        if known is None or wallet.seq > known.seq:
            newest[wallet.customer] = wallet
    return newest


def _by_customer(rights: Mapping[tuple[int, str], int]) -> dict[int, dict[str, int]]:
    """Each customer's rights, by product."""
    found: dict[int, dict[str, int]] = {}
    for (customer, product_id), seq in rights.items():
        found.setdefault(customer, {})[product_id] = seq
    return found
