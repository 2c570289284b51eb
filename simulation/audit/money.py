"""Balances, lots and the journal: every wallet is run again from its transfers, by rules written down once more."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from simulation.audit.evidence import Evidence, Row, moment
from simulation.audit.findings import Findings


def audit_money(evidence: Evidence, findings: Findings) -> None:
    """Each wallet is what its transfers make of it, and each transfer what its credit or its order asked for."""
    for cust_id in evidence.wallets.keys() | evidence.transfers.keys():
        _Rerun(cust_id, evidence, findings).run()
    _each_has_one_transfer(evidence, findings)


def _each_has_one_transfer(evidence: Evidence, findings: Findings) -> None:
    """One payment for each order, one credit for each credit."""
    booked: dict[tuple[str, str, str], int] = {}
    for transfers in evidence.transfers.values():
        for row in transfers:
            key = (row["kind"], row["customer_id"], row["reference"])
            booked[key] = booked.get(key, 0) + 1
    wanted = {("payment", order["customer_id"], order_id) for order_id, order in evidence.orders.items()}
    wanted |= {("credit", *key) for key in evidence.credits}
    for key in wanted | {key for key in booked if key[0] != "expiry"}:
        findings.expect(key in wanted and booked.get(key) == 1, "one transfer each", key, booked.get(key))


class _Rerun:
    """One wallet, made again from nothing."""

    def __init__(self, cust_id: str, evidence: Evidence, findings: Findings) -> None:
        self._cust_id = cust_id
        self._evidence = evidence
        self._findings = findings
        self._lots: dict[str, int] = {}

    def run(self) -> None:
        balance = 0
        for place, row in enumerate(self._evidence.transfers.get(self._cust_id, []), 1):
            self._expect(row["seq"] == place, "transfers are counted without a gap", row)
            self._expect(row["balance"] == balance + row["amount"], "balance follows the one before", row)
            self._expect(row["balance"] >= 0, "balances never negative", row)
            self._expect(sum(row["amounts"]) == 0, "sums zero", row)
            balance = row["balance"]
            self._transfer(row)
        wallet = self._evidence.wallets.get(self._cust_id)
        if self._expect(wallet is not None, "transfers have their wallet", self._cust_id) and wallet is not None:
            self._final(wallet, balance)

    def _final(self, wallet: Row, balance: int) -> None:
        count = len(self._evidence.transfers.get(self._cust_id, []))
        names = sorted(self._lots, key=_turn)
        self._expect(wallet["balance"] == balance, "wallet is its transfers", wallet, balance)
        self._expect(wallet["seq"] == count, "wallet counts its transfers", wallet, count)
        self._expect(wallet["lots"] == names, "wallet is its lots", wallet, names)
        self._expect(wallet["remaining"] == [self._lots[n] for n in names], "wallet is its lots", wallet, self._lots)
        expiries = [moment(n.partition("@")[2]) for n in names if "@" in n]
        stored = wallet["next_expiry"] and moment(wallet["next_expiry"])
        self._expect(stored == min(expiries, default=None), "wallet knows its next expiry", wallet)

    def _transfer(self, row: Row) -> None:
        legs = list(zip(row["accounts"], row["amounts"], strict=True))
        moved = {name.removeprefix("wallet:"): amount for name, amount in legs if name.startswith("wallet:")}
        others = {name: amount for name, amount in legs if not name.startswith("wallet:")}
        self._expect(len(moved) + len(others) == len(legs), "each account once", row)
        self._expect(sum(moved.values()) == row["amount"], "amount is the wallet's legs", row)
        at = moment(row["at"])
        lapsed = {name: -held for name, held in self._lots.items() if _expiry(name) <= at}
        if row["kind"] == "expiry":
            self._expect(moved == lapsed and lapsed, "expiry takes what has lapsed", row, self._lots)
            self._expect(others == {"breakage": -row["amount"]}, "expiry goes to breakage", row)
        else:
            self._expect(not lapsed, "what has lapsed is not spent", row, self._lots)
            self._payment(row, moved, others) if row["kind"] == "payment" else self._credit(row, moved, others, at)
        for name, amount in moved.items():
            self._lots[name] = self._lots.get(name, 0) + amount
            self._expect(self._lots[name] >= 0, "lots never negative", row)
            if self._lots[name] == 0:
                del self._lots[name]

    def _payment(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        order = self._evidence.orders.get(row["reference"])
        if not self._expect(order is not None, "a payment has its order", row) or order is None:
            return
        told = (order["customer_id"], order["seq"], order["total"], order["balance"], order["paid_at"])
        made = (self._cust_id, row["seq"], -row["amount"], row["balance"], row["at"])
        self._expect(told == made, "an order has its debit", order, row)
        self._expect(moved == self._spent(order["total"]), "bonus first, the soonest to lapse first", row, self._lots)
        revenue: dict[str, int] = {}
        for line in order["lines"]:
            account = f"revenue:{line['publisher'] or ''}"
            revenue[account] = revenue.get(account, 0) + line["price"]
        revenue["discount"] = -order["discount"]
        self._expect(others == {n: a for n, a in revenue.items() if a}, "revenue by publisher, less discount", row)

    def _spent(self, amount: int) -> dict[str, int]:
        """What a payment should take from which lot."""
        spent: dict[str, int] = {}
        for name in sorted(self._lots, key=_turn):
            part = min(amount, self._lots[name])
            if part:
                spent[name] = -part
            amount -= part
        return spent

    def _credit(self, row: Row, moved: dict[str, int], others: dict[str, int], at: datetime) -> None:
        if not self._expect(row["kind"] == "credit", "transfers are of known kinds", row):
            return
        credit = self._evidence.credits.get((self._cust_id, row["reference"]))
        if not self._expect(credit is not None, "a credit has its record", row) or credit is None:
            return
        told = (credit["seq"], credit["amount"], credit["balance"], credit["credited_at"])
        self._expect(told == (row["seq"], row["amount"], row["balance"], row["at"]), "a credit is booked once", row)
        self._expect(others == {f"clearing:{credit['kind']}": -credit["amount"]}, "a credit is cleared", row)
        until = credit["expires_at"] and moment(credit["expires_at"])
        [name] = moved or [""]
        self._expect(name.partition("@")[0] == credit["kind"], "a credit goes into its lot", row)
        self._expect(_expiry(name) == lapses(self._lots, credit["kind"], until), "a credit goes into its lot", row)
        self._expect(until is None or until > at, "nothing lapsed is credited", row)

    def _expect(self, holds: object, promise: str, *where: Any) -> bool:
        return self._findings.expect(holds, promise, *where)


def _expiry(lot: str) -> datetime:
    text = lot.partition("@")[2]
    return moment(text) if text else datetime.max.replace(tzinfo=moment("2026-01-01T00:00:00Z").tzinfo)


def lapses(lots: Iterable[str], kind: str, until: datetime | None) -> datetime:
    """When a credit should lapse: when it was asked to, or later where the wallet has many expiries."""
    expiring = [name for name in lots if "@" in name]
    own = [_expiry(name) for name in expiring if name.startswith(kind)]
    if until is None or until in own or len(expiring) < 200:
        return until or _expiry("")
    step = "day" if len(expiring) < 400 else "month" if len(expiring) < 500 else "year"
    return min([*(each for each in own if each > until), _rounded_up(until, step)])


def _rounded_up(until: datetime, step: str) -> datetime:
    """The first beginning of a day, a month or a year that is not before this moment."""
    at = until.replace(hour=0, minute=0, second=0, microsecond=0)
    while at < until or (step != "day" and at.day != 1) or (step == "year" and at.month != 1):
        at += timedelta(days=1)
    return at


def _turn(lot: str) -> tuple[bool, datetime]:
    """When a lot's turn to be spent comes."""
    return (not lot.startswith("bonus"), _expiry(lot))
