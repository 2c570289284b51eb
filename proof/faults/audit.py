"""The comparison at the end: what clients were answered, and what the database holds."""

from collections import Counter
from collections.abc import Mapping

import msgspec
import psycopg

from lingdang.ledger.reconcile import reconcile
from proof.faults.load import Load, Paid
from proof.faults.shop import START

_ORDERS = "SELECT order_id, customer_id, total, balance FROM orders JOIN customer USING (customer)"
_DEBITS = "SELECT cause, count(*) FROM transfer WHERE kind = 'payment' GROUP BY 1 HAVING count(*) > 1"
_BALANCES = "SELECT customer_id, balance FROM wallet JOIN customer USING (customer)"
_VOUCHERS = "SELECT voucher_id, used_by FROM voucher"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, if anything. `faults` are sentences; the counts are of orders."""

    acknowledged: int
    lost: int
    """Acknowledged payments that the database does not hold, or not as they were answered."""
    doubled: int
    """Orders debited twice, and orders that no client was answered, though it repeated until it was."""
    faults: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.lost or self.doubled or self.faults)


def audit(database_url: str, load: Load) -> Verdict:
    """Compare the whole history. Every customer must have been answered before."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        stored = {str(row[0]): Paid(*row[1:]) for row in connection.execute(_ORDERS)}
        debited_twice = connection.execute(_DEBITS).fetchall()
        balances = {str(name): int(balance) for name, balance in connection.execute(_BALANCES)}
        vouchers = {str(row[0]): row[1] and str(row[1]) for row in connection.execute(_VOUCHERS)}
        differences = reconcile(connection).differences
    return Verdict(
        acknowledged=len(load.answered),
        lost=sum(stored.get(order_id) != paid for order_id, paid in load.answered.items()),
        doubled=len(debited_twice) + len(stored.keys() - load.answered.keys()),
        faults=[
            *_wrong_balances(balances, load.answered),
            *_wrong_vouchers(vouchers, load),
            *(f"reconcile: {difference}" for difference in differences),
            *(f"{count} times answered: {answer}" for answer, count in load.unexpected.items()),
        ],
    )


def _wrong_balances(balances: Mapping[str, int], answered: Mapping[str, Paid]) -> list[str]:
    spent: Counter[str] = Counter()
    for paid in answered.values():
        spent[paid.cust_id] += paid.paid
    return [
        f"{name} has {balance}, but paid {spent[name]} of {START}"
        for name, balance in balances.items()
        if balance != START - spent[name]
    ]


def _wrong_vouchers(vouchers: Mapping[str, str | None], load: Load) -> list[str]:
    missing = load.claimed - vouchers.keys()
    used = {order_id for order_id in vouchers.values() if order_id}
    return [
        *([f"{len(missing)} claimed vouchers are missing"] if missing else []),
        *(["vouchers were used by other orders than those paid"] if used != load.answered.keys() else []),
    ]
