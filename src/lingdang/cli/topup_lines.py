"""Top-ups as `lingdang topup` prints them: one in a line, or all that is known of it."""

from collections.abc import Iterator
from uuid import UUID

from lingdang.clock import rfc3339
from lingdang.topup.inbox import Heard
from lingdang.topup.money import Money, decimal_text
from lingdang.topup.operators import RefundOfMoney, TopupDetail, TopupOfCustomer
from lingdang.topup.views import support_reference


def topup_line(topup: TopupOfCustomer) -> str:
    """A top-up in a line: id, state, price, account, whose it is, when it was begun, what differs."""
    differs = f"  differs: {', '.join(topup.differs)}" if topup.differs else ""
    place = f"{topup.provider}  {topup.cust_id or 'nobody'}"
    return f"{topup.topup_id}  {topup.status:<15} {_money(topup.price)}  {place}  {rfc3339(topup.created_at)}{differs}"


def detail_lines(topup: TopupDetail) -> str:
    """All that is known of a top-up, under its line."""
    return "\n".join([topup_line(topup), *(f"  {name:<10} {told}" for name, told in _details(topup))])


def refund_line(refund: RefundOfMoney) -> str:
    """A refund in a line."""
    why = f": {refund.refused}" if refund.refused else ""
    money = _money(Money(refund.amount, refund.currency))
    return f"{refund.refund_id}  {refund.status}{why}  {money}  asked {rfc3339(refund.asked_at)}"


def heard_line(heard: Heard) -> str:
    """An entry of the inbox in a line."""
    return f"{rfc3339(heard.at)}  {heard.verdict}  {heard.type or '-'}  {heard.entry}"


def _details(topup: TopupDetail) -> Iterator[tuple[str, str]]:
    yield "package", f"{topup.package_id or '-'}: {topup.paid}+{topup.bonus} {topup.currency}"
    yield "support", support_reference(UUID(topup.topup_id))
    yield "reference", topup.reference or "-"
    yield "paid", "-" if topup.paid_at is None else rfc3339(topup.paid_at)
    yield "credited", "-" if topup.credited_at is None else rfc3339(topup.credited_at)
    if topup.received is not None:
        parts = {"refunded": topup.refunded, "disputed": topup.disputed, "lost": topup.lost}
        gone = [f"{decimal_text(Money(sum_, topup.received.currency))} {name}" for name, sum_ in parts.items() if sum_]
        yield "money", ", ".join([f"{_money(topup.received)} received", *gone]) + (" (test)" if topup.test else "")
    if topup.decided:
        yield "decided", topup.decided
    if topup.left is not None:
        left = topup.left
        bells = f"{left.left} left, {left.spent} spent or lapsed, {left.frozen} frozen, {left.taken} taken back"
        yield "bells", f"{bells}; the wallet owes {left.debt}"
    yield from (("refund", refund_line(each)) for each in topup.refunds)
    yield from (("told", heard_line(each)) for each in topup.heard)


def _money(money: Money) -> str:
    return f"{decimal_text(money)} {money.currency}"
