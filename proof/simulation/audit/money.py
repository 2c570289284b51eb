"""Balances, lots and the journal: wallets are run again from their transfers, by rules written down once more."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from proof.simulation.audit.evidence import Evidence, Row, lots_of, moment
from proof.simulation.audit.findings import Findings
from proof.simulation.audit.topups import BACK, Credits
from proof.simulation.plan import MOST_BELLS, RefundPolicy

_NAMED = {
    "credit": "creditId",
    "adjustment": "adjustmentId",
    "reversal": "creditId",
    "refund": "refundId",
    "grant": "grantId",
    "revocation": "revocationId",
    "topup": "topupId",
    "gift": "giftId",
    **dict.fromkeys(BACK, "topupId"),
}


def audit_money(policy: RefundPolicy, evidence: Evidence, findings: Findings) -> None:
    """Each wallet is what its transfers make of it, and each transfer what it was asked for."""
    for cust_id, transfers in evidence.transfers.items():
        _counted(transfers, findings)
        findings.expect(evidence.known.get(transfers[0]["customer"]) == cust_id, "a customer is known", cust_id)
    rows = [row for transfers in evidence.transfers.values() for row in transfers]
    for cust_id, currency in evidence.wallets.keys() | {(row["customer_id"], row["currency"]) for row in rows}:
        _Rerun(cust_id, currency, policy, evidence, findings).run()
    _each_cause_has_one_row(rows, findings)


def _counted(transfers: list[Row], findings: Findings) -> None:
    """One customer's journal has one order, whatever it is looked at by, and over all currencies."""
    before = None
    for place, row in enumerate(transfers, 1):
        findings.expect(row["seq"] == place, "transfers are counted without a gap", row)
        if before is not None:
            in_time = moment(before["at"]) <= moment(row["at"])
            findings.expect(in_time, "a journal's time never runs backwards", before, row)
            findings.expect(before["position"] <= row["position"], "readers see a journal in its order", before, row)
        before = row


def _each_cause_has_one_row(rows: list[Row], findings: Findings) -> None:
    """Nothing is booked twice; the cause of what a sender names says whose and which it is."""
    causes = [row["cause"] for row in rows]
    findings.expect(len(causes) == len(set(causes)), "each cause has one row", causes)
    named = [(row, _name_of(row)) for row in rows if row["kind"] in _NAMED]
    names = [name for _, name in named]
    findings.expect(len(names) == len(set(names)), "each cause has one row", names)
    for row, name in named:
        cause = UUID(bytes=bytes(1) + sha256(name.encode()).digest()[:15])
        findings.expect(row["cause"] == str(cause), "a cause is what it names", row, cause)


def _name_of(row: Row) -> str:
    """Customers' refunds have a name space of their own; the rows about a top-up are counted."""
    own = "own " if row["detail"].get("by") == "customer" else ""
    number = f" {row['detail']['number']}" if row["kind"] in BACK else ""
    return f"{row['customer']} {row['kind']} {own}{row['detail'][_NAMED[row['kind']]]}{number}"


class _Rerun:
    """One wallet, made again from nothing."""

    def __init__(
        self, cust_id: str, currency: str, policy: RefundPolicy, evidence: Evidence, findings: Findings
    ) -> None:
        self._name = (cust_id, currency)
        self._policy = policy
        self._evidence = evidence
        self._findings = findings
        self._lots: dict[str, int] = {}
        self._debt = 0
        self._credits = Credits()

    def run(self) -> None:
        balance = 0
        transfers = [r for r in self._evidence.transfers.get(self._name[0], []) if r["currency"] == self._name[1]]
        for row in transfers:
            self._expect(row["balance"] == balance + row["amount"], "balance follows the one before", row)
            self._expect(row["balance"] >= 0, "balances never negative", row)
            self._expect(sum(row["amounts"]) == 0, "sums zero", row)
            balance = row["balance"]
            self._transfer(row)
        wallet = self._evidence.wallets.get(self._name)
        if self._expect(wallet is not None, "transfers have their wallet", *self._name) and wallet is not None:
            self._final(wallet, balance, transfers)

    def _final(self, wallet: Row, balance: int, transfers: list[Row]) -> None:
        names = sorted(self._lots, key=_turn)
        self._expect(wallet["balance"] == balance, "wallet is its transfers", wallet, balance)
        self._expect(wallet["debt"] == self._debt, "a debt is its transfers", wallet, self._debt)
        newest = [(row["seq"], moment(row["at"])) for row in transfers[-1:]]
        self._expect(newest == [(wallet["seq"], moment(wallet["moved_at"]))], "wallet knows its newest row", wallet)
        self._expect(wallet["lots"] == names, "wallet is its lots", wallet, names)
        self._expect(wallet["remaining"] == [self._lots[n] for n in names], "wallet is its lots", wallet, self._lots)
        expiries = [moment(n.partition("@")[2]) for n in names if "@" in n]
        stored = wallet["next_expiry"] and moment(wallet["next_expiry"])
        self._expect(stored == min(expiries, default=None), "wallet knows its next expiry", wallet)

    def _transfer(self, row: Row) -> None:
        legs = list(zip(map(str, row["accounts"]), row["amounts"], strict=True))
        moved = dict(lots_of(row))
        others = {name: amount for name, amount in legs if not name.startswith("wallet:")}
        self._expect(len(moved) + len(others) == len(legs), "each account once", row)
        self._expect(sum(moved.values()) == row["amount"], "amount is the wallet's legs", row)
        debt = others.get("debt", 0)
        came = row["amount"] + max(debt, 0)
        self._expect(max(debt, 0) == min(self._debt, max(came, 0)), "what comes in pays a debt first", row, self._debt)
        if debt > 0:
            del others["debt"]
        if row["kind"] == "expiry":
            lapsed = self._lapsed(row["clock"] or self._latest_lapse(moved, row))
            self._expect(moved == lapsed and lapsed, "expiry takes what has lapsed", row, self._lots)
            self._expect(others == {"breakage": -row["amount"]}, "expiry goes to breakage", row)
        else:
            lapsed = self._lapsed(row["clock"])
            self._expect(not lapsed, "what has lapsed is not spent", row, self._lots)
            self._named(row, moved, others)
        self._debt -= debt
        brought = row["kind"] in ("credit", "adjustment", "topup", "gift") and row["amount"] > 0
        self._expect(not brought or row["balance"] <= MOST_BELLS, "nothing fills a wallet above the most", row)
        for name, amount in moved.items():
            self._lots[name] = self._lots.get(name, 0) + amount
            self._expect(self._lots[name] >= 0, "lots never negative", row)
            if self._lots[name] == 0:
                del self._lots[name]
        self._expect(not (self._debt and self._lots), "a wallet in debt is empty", row)
        self._credited(row, came, moved)

    def _credited(self, row: Row, came: int, moved: dict[str, int]) -> None:
        """What take-backs look at later: credits, and what became of them."""
        detail = row["detail"]
        if row["kind"] == "topup":
            lots = dict(map(tuple, detail["lots"]))
            self._credits.add(f"topup {detail['topupId']}", row["seq"], lots, detail["price"]["amount"])
        elif row["kind"] in ("credit", "gift", "adjustment") and came > 0:
            self._credits.add(f"{row['kind']} {detail[_NAMED[row['kind']]]}", row["seq"], {next(iter(moved)): came})
        elif row["kind"] == "reversal":
            self._credits.drop(f"credit {detail['creditId']}")
        elif row["kind"] in BACK:
            self._credits.count(row)

    def _named(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """What somebody asked for."""
        if row["kind"] == "payment":
            self._payment(row, moved, others)
        elif row["kind"] == "credit":
            self._credit(row, moved, others)
        elif row["kind"] == "adjustment":
            self._adjustment(row, moved, others)
        elif row["kind"] == "reversal":
            self._reversal(row, moved, others)
        elif row["kind"] == "refund":
            self._refund(row, moved, others)
        elif row["kind"] == "topup":
            self._topup(row, moved, others)
        elif row["kind"] == "gift":
            self._gift(row, moved, others)
        elif row["kind"] in BACK:
            self._back(row, moved, others)
        else:
            known = row["kind"] in ("grant", "revocation")
            self._expect(known, "transfers are of known kinds", row)
            self._expect((row["currency"], moved, others) == ("", {}, {}), "a right alone moves no bells", row)

    def _lapsed(self, clock: datetime | None) -> dict[str, int]:
        """What had lapsed at this moment; nothing where it is not known."""
        return {} if clock is None else {name: -held for name, held in self._lots.items() if _expiry(name) <= clock}

    def _latest_lapse(self, moved: dict[str, int], row: Row) -> datetime:
        """The earliest moment at which all of it had lapsed: the clock, which was not after the row's time."""
        return min(max(map(_expiry, moved), default=moment(row["at"])), moment(row["at"]))

    def _payment(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        order = self._evidence.orders[row["cause"]]
        self._expect(moved == self._spent(order["total"]), "bonus first, the soonest to lapse first", row, self._lots)
        revenue: dict[str, int] = {"discount": -order["discount"]}
        for line in order["lines"]:
            account = f"revenue:{line['publisher'] or ''}"
            revenue[account] = revenue.get(account, 0) + line["price"]
        told = {_account(name, order): amount for name, amount in others.items()}
        right = len(told) == len(others) and told == {n: a for n, a in revenue.items() if a}
        self._expect(right, "revenue by publisher, less discount", row)

    def _spent(self, amount: int) -> dict[str, int]:
        """What a payment should take from which lot."""
        spent: dict[str, int] = {}
        for name in sorted(self._lots, key=_turn):
            part = min(amount, self._lots[name])
            if part:
                spent[name] = -part
            amount -= part
        return spent

    def _credit(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        credit = self._evidence.credits[self._name[0], row["detail"]["creditId"]]
        self._expect(others == {f"clearing:{credit['kind']}": -credit["amount"]}, "a credit is cleared", row)
        until = credit["expires_at"] and moment(credit["expires_at"])
        [name] = moved or [""]
        self._expect(name.partition("@")[0] == credit["kind"], "a credit goes into its lot", row)
        self._expect(_expiry(name) == lapses(self._lots, credit["kind"], until), "a credit goes into its lot", row)
        clock = row["clock"]
        self._expect(until is None or clock is None or until > clock, "nothing lapsed is credited", row)

    def _adjustment(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """What is taken comes from the lots as a payment's does; what is added is a bonus without an end."""
        amount = self._evidence.adjustments[self._name[0], row["detail"]["adjustmentId"]]["amount"]
        wanted = self._spent(-amount) if amount < 0 else self._lowered({"bonus": amount})
        self._expect(moved == wanted, "an adjustment is of the lots it may be of", row, self._lots)
        self._expect(others == {"adjustment": -amount}, "an adjustment has its account", row)

    def _reversal(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """A credit goes out of the lot that it went into, whole, to where it came from."""
        credit = self._evidence.credits.get((self._name[0], row["detail"]["creditId"]))
        before = credit is not None and credit["seq"] < row["seq"]
        if not self._expect(before, "a reversal is of a credit that was booked", row) or credit is None:
            return
        lots = {name: -credit["amount"] for name, _ in credit["lots"]}
        self._expect(moved == lots, "a reversal takes back what was credited", row, credit)
        self._expect(others == {f"clearing:{credit['kind']}": -row["amount"]}, "a reversal is cleared", row)

    def _refund(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """Bells go back to the lots that they came from, revenue and discount of the lines are undone."""
        refund = self._evidence.refunds[self._name[0], row["detail"]["by"], row["detail"]["refundId"]]
        order = self._evidence.orders.get(refund["orderId"])
        if not self._expect(order is not None, "a refund is of an order that was paid", row) or order is None:
            return
        lines = [line for line in order["lines"] if line["productId"] in dict(refund["lines"])]
        wanted: dict[str, int] = {"discount": sum(line["discount"] for line in lines)}
        for line in lines:
            account = f"revenue:{line['publisher'] or ''}"
            wanted[account] = wanted.get(account, 0) - line["price"]
        lapsed = refund["refunded"] - sum(amount for _, amount in refund["lots"])
        wanted["breakage"] = lapsed
        self._expect(others == {n: a for n, a in wanted.items() if a}, "a refund undoes its lines' revenue", row)
        self._expect(lapsed >= 0, "a refund is what it says", row)
        if row["clock"] is None:
            return  # which lots had lapsed cannot be told
        back = lots_back(order, refunded_before(refund, self._evidence), refund, row["clock"], self._policy)
        self._expect(moved == self._lowered(back), "bells go back to the lots they came from", row, order, back)

    def _topup(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """Paid bells without an end, and a bonus in the lot of its end; those of a test are a bonus too."""
        detail = row["detail"]
        until = detail.get("bonusExpiresAt") and moment(detail["bonusExpiresAt"])
        kinds = {"bonus" if detail.get("test") else "paid": detail["paid"]}
        kinds["bonus"] = kinds.get("bonus", 0) + detail["bonus"]
        lots = dict(map(tuple, detail["lots"]))
        ends = {_expiry(""), *([lapses(self._lots, "bonus", until)] if detail["bonus"] else [])}
        sums: dict[str, int] = {}
        for name, amount in lots.items():
            sums[name.partition("@")[0]] = sums.get(name.partition("@")[0], 0) + amount
        self._expect(sums == {kind: n for kind, n in kinds.items() if n}, "a top-up is what was paid for", row)
        self._expect({_expiry(name) for name in lots} <= ends, "a top-up goes into its lots", row)
        self._expect(moved == self._lowered(lots), "a top-up goes into its lots", row)
        self._expect(others == {f"clearing:{kind}": -n for kind, n in sums.items()}, "a top-up is cleared", row)

    def _gift(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        until = row["detail"].get("expiresAt") and moment(row["detail"]["expiresAt"])
        [name] = moved or [""]
        right = name.startswith("bonus") and _expiry(name) == lapses(self._lots, "bonus", until)
        self._expect(right, "a gift goes into its lot", row)
        self._expect(list(others) == ["clearing:bonus"], "a gift is cleared", row)

    def _back(self, row: Row, moved: dict[str, int], others: dict[str, int]) -> None:
        """What was taken back, given back, frozen and released is what the money says."""
        credit, wanted = self._credits.of(row), self._credits.wanted(row, self._lots)
        if not self._expect(wanted, "bells follow their money", row, credit) or wanted is None or credit is None:
            return
        detail = row["detail"]
        self._expect(detail["number"] == credit.rows, "the rows of a top-up are counted", row, credit)
        self._expect(dict(map(tuple, detail["of"])) == wanted.of, "bells follow their money", row, wanted)
        self._expect(dict(map(tuple, detail.get("thawed", []))) == wanted.thawed, "what is frozen goes first", row)
        come = row["kind"] in ("giveback", "release")
        lots = self._lowered(wanted.moved) if come else wanted.moved
        self._expect(moved == lots, "they come from where they may, and go where they were", row, wanted)
        self._expect(others == wanted.others, "what is missing is owed", row, wanted)

    def _lowered(self, lots: dict[str, int]) -> dict[str, int]:
        """What stays of bells that come into these lots when a debt is paid, as a payment would take them."""
        rest, kept = self._debt, dict(lots)
        for name in sorted(lots, key=_turn):
            part = min(rest, lots[name])
            kept[name] -= part
            rest -= part
        return kept

    def _expect(self, holds: object, promise: str, *where: Any) -> bool:
        return self._findings.expect(holds, promise, *where)


def _account(name: str, order: Row) -> str:
    """What an account is called: a number stands for the revenue of that line's publisher."""
    return f"revenue:{order['lines'][int(name)]['publisher'] or ''}" if name.isdigit() else name


def refunded_before(refund: Row, evidence: Evidence) -> int:
    """Bells of the order that earlier refunds gave back."""
    earlier = [r for r in evidence.refunds.values() if r["orderId"] == refund["orderId"] and r["seq"] < refund["seq"]]
    return sum(r["refunded"] for r in earlier)


def lots_back(order: Row, before: int, refund: Row, clock: datetime, policy: RefundPolicy) -> dict[str, int]:
    """Into which lots a refund's bells go at this moment, after so many of the order's: the last taken come first.

    Those of a lot that has lapsed live again for as long as the policy says, in an operator's refund; else they are
    in no lot.
    """
    end = before + refund["refunded"]
    back: dict[str, int] = {}
    place = 0
    for name, taken in reversed(order["lots"]):
        part = min(place - taken, end) - max(place, before)
        place -= taken
        if part <= 0:
            continue
        lot: str | None = name
        if _expiry(name) <= clock:
            again = refund["by"] == "operator" and policy.extend_days is not None
            lot = _extended(name, clock + timedelta(days=policy.extend_days or 0)) if again else None
        if lot is not None:
            back[lot] = back.get(lot, 0) + part
    return back


def _extended(lot: str, until: datetime) -> str:
    """The lot of the same kind that lapses with the next whole second."""
    end = until.replace(microsecond=0) + timedelta(seconds=1)
    return f"{lot.partition('@')[0]}@{end:%Y-%m-%dT%H:%M:%S}.000Z"


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
