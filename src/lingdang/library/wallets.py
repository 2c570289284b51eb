"""The wallet as its owner sees it: balances, and every movement."""

from datetime import datetime

import msgspec

from lingdang.db.pool import Pool
from lingdang.ids import DEFAULT_CURRENCY
from lingdang.ledger import debts
from lingdang.ledger.balance import live_lots
from lingdang.ledger.lots import lot_expiry, lot_kind, of_legs
from lingdang.ledger.state import Wallet
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, page, read_seq

_WALLETS = """
SELECT currency, balance, lots, remaining, next_expiry, debt, coalesce(f.bells, 0)
  FROM wallet LEFT JOIN frozen f USING (bucket, customer, currency)
 WHERE bucket = %b AND customer = %b AND currency <> '' ORDER BY currency
"""

_ENTRIES = """
SELECT t.currency, t.seq, t.kind, journal_reference(t.kind, t.cause, t.detail), t.amount, t.balance, t.at, t.accounts,
       t.amounts, CASE t.kind WHEN 'payment' THEN t.cause::text WHEN 'refund' THEN t.detail->>'orderId' END
  FROM transfer t
 WHERE t.bucket = %b AND t.customer = %b AND t.seq < coalesce(%b::integer, 2147483647) AND t.currency <> ''
 ORDER BY t.seq DESC LIMIT %b
"""


class Expiring(msgspec.Struct, frozen=True, rename="camel"):
    """Bells that lapse at a moment unless they are spent before."""

    amount: int
    expires_at: datetime


class Balance(msgspec.Struct, frozen=True):
    """One currency: balance = paid + bonus; what of it expires, soonest first. `balance` is what can be spent.

    `debt` is what is owed, and what comes in pays first; `frozen` are bells of a top-up whose payment is disputed.
    """

    currency: str
    balance: int
    paid: int
    bonus: int
    debt: int
    frozen: int
    expiring: list[Expiring]


class WalletView(msgspec.Struct, frozen=True):
    """A customer's balances, one for each currency."""

    balances: list[Balance]


class LotPart(msgspec.Struct, frozen=True, rename="camel"):
    """How much of a movement went into (+) or came from (−) one lot."""

    kind: str
    amount: int
    expires_at: datetime | None


class EntryView(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One movement. `reference` is the id of the order, credit or refund; `balance` is the balance right after it.

    Payments and refunds name their order. `debt` is by how much what is owed grew (+) or was paid (−).
    """

    currency: str
    seq: int
    kind: str
    reference: str
    amount: int
    balance: int
    at: datetime
    lots: list[LotPart]
    order_id: str | None = None
    debt: int = 0


async def view_wallet(pool: Pool, owner: Owner, now: datetime) -> WalletView:
    """The customer's balances at `now`; one who was never credited has 0 of the default currency."""
    rows = await fetch_as(pool, owner, _WALLETS, (owner.bucket, owner.customer))
    wallets = [
        Wallet(
            customer=owner.customer,
            currency=currency,
            balance=balance,
            lots=tuple(lots),
            remaining=tuple(remaining),
            next_expiry=next_expiry,
            debt=debt,
        )
        for currency, balance, lots, remaining, next_expiry, debt, _ in rows
    ] or [Wallet(customer=owner.customer, currency=DEFAULT_CURRENCY)]
    frozen = {row[0]: row[-1] for row in rows}
    return WalletView([_balance(wallet, frozen.get(wallet.currency, 0), now) for wallet in wallets])


def _balance(wallet: Wallet, frozen: int, now: datetime) -> Balance:
    pairs = list(zip(*live_lots(wallet, now), strict=True))
    paid = sum(amount for name, amount in pairs if lot_kind(name) == "paid")
    expiring = sorted((expiry, amount) for name, amount in pairs if (expiry := lot_expiry(name)))
    total = sum(amount for _, amount in pairs)
    return Balance(
        currency=wallet.currency,
        balance=total,
        paid=paid,
        bonus=total - paid,
        debt=wallet.debt,
        frozen=frozen,
        expiring=[Expiring(amount, expiry) for expiry, amount in expiring],
    )


async def list_entries(pool: Pool, owner: Owner, window: Window) -> Page[EntryView]:
    """Every movement, newest first."""
    below = read_seq(window.after)
    rows = await fetch_as(pool, owner, _ENTRIES, (owner.bucket, owner.customer, below, window.limit + 1))
    views = [_entry(row) for row in rows]
    return page(views, [str(view.seq) for view in views], window.limit)


def _entry(row: tuple[object, ...]) -> EntryView:
    currency, seq, kind, reference, amount, balance, at, accounts, amounts, order_id = row
    assert isinstance(accounts, list)
    assert isinstance(amounts, list)
    lots = [LotPart(lot_kind(name), part, lot_expiry(name)) for name, part in of_legs(accounts, amounts) if part]
    debt = -sum([part for name, part in zip(accounts, amounts, strict=True) if name == debts.ACCOUNT])
    return msgspec.convert((currency, seq, kind, reference, amount, balance, at, order_id), _EntryRow).view(lots, debt)


class _EntryRow(msgspec.Struct, frozen=True, array_like=True):
    currency: str
    seq: int
    kind: str
    reference: str
    amount: int
    balance: int
    at: datetime
    order_id: str | None

    def view(self, lots: list[LotPart], debt: int) -> EntryView:
        return EntryView(**msgspec.structs.asdict(self), lots=lots, debt=debt)
