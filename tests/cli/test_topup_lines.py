"""Top-ups as they are printed: what is known stands there, what is not has a dash."""

import msgspec

from lingdang.cli.topup_lines import detail_lines, refund_line, topup_line
from lingdang.routes.examples.topups import DETAIL, OF_CUSTOMER, REFUND


def test_whose_it_is_and_what_differs_stand_in_its_line() -> None:
    assert f"  {OF_CUSTOMER.provider}  {OF_CUSTOMER.cust_id}  " in topup_line(OF_CUSTOMER)
    stray = msgspec.structs.replace(OF_CUSTOMER, cust_id=None, differs=["unknown", "amount"])
    assert "  nobody  " in topup_line(stray)
    assert topup_line(stray).endswith("  differs: unknown, amount")


def test_what_is_not_known_has_a_dash_or_no_line() -> None:
    begun = msgspec.structs.replace(
        DETAIL, package_id="", reference=None, received=None, paid_at=None, credited_at=None, left=None, heard=[]
    )
    assert [line.split() for line in detail_lines(begun).splitlines()[1:]] == [
        ["package", "-:", f"{DETAIL.paid}+{DETAIL.bonus}", "BELL"],
        ["support", detail_lines(DETAIL).splitlines()[2].split()[1]],
        ["reference", "-"],
        ["paid", "-"],
        ["credited", "-"],
    ]


def test_money_that_is_gone_or_play_money_is_said() -> None:
    money = msgspec.structs.replace(DETAIL, refunded=100, disputed=200, lost=300, test=True, decided="accepted")
    assert ", 1.00 refunded, 2.00 disputed, 3.00 lost (test)\n  decided    accepted\n" in detail_lines(money)


def test_why_a_refund_was_refused_is_said() -> None:
    assert refund_line(REFUND).startswith("r-1  done  3.00 CNY  asked ")
    refused = msgspec.structs.replace(REFUND, status="refused", refused="too_old")
    assert refund_line(refused).startswith("r-1  refused: too_old  3.00 CNY  asked ")
