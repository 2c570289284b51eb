"""What others read of the journal, through the views of orders and credits: the same as its rows say."""

from collections.abc import Iterable, Sequence

from proof.simulation.audit.evidence import Evidence, Row, moment
from proof.simulation.audit.findings import Findings

_ORDER = ("customer_id", "order_id", "currency", "seq", "subtotal", "discount", "total", "balance")
_CREDIT = ("customer_id", "credit_id", "currency", "seq", "amount", "kind", "reason", "balance")
_LINE = ("productId", "title", "publisher", "listPrice", "price", "discount")


def audit_listed(evidence: Evidence, findings: Findings) -> None:
    """Each order and each credit is listed once, as it was written."""
    orders = [
        (*_fields(order, _ORDER, ("paid_at",)), _lines(order), _vouchers(order)) for order in evidence.orders.values()
    ]
    listed = [(*_fields(row, _ORDER, ("paid_at",)), row["lines"], row["vouchers"]) for row in evidence.listed["orders"]]
    findings.expect(_same(listed, orders), "what is listed is what was written", listed, orders)
    moments = ("credited_at", "expires_at")
    credits = [_fields(credit, _CREDIT, moments) for credit in evidence.credits.values()]
    listed = [_fields(row, _CREDIT, moments) for row in evidence.listed["credit"]]
    findings.expect(_same(listed, credits), "what is listed is what was written", listed, credits)


def _fields(row: Row, names: Sequence[str], moments: Sequence[str]) -> tuple[object, ...]:
    return (*(row[name] for name in names), *(row[name] and moment(row[name]) for name in moments))


def _lines(order: Row) -> list[list[object]]:
    return [[line[name] for name in _LINE] for line in order["lines"]]


def _vouchers(order: Row) -> list[list[object]]:
    return [[used["voucherId"], used["saves"]] for used in order["vouchers"]]


def _same(one: Iterable[object], other: Iterable[object]) -> bool:
    return sorted(one, key=str) == sorted(other, key=str)
