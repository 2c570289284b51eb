"""A voucher by itself; what its coupon does to the lines is found out once."""

from datetime import timedelta

from lingdang.coupons.combine import Candidate
from lingdang.coupons.goods import Buyer, Good, Voucher, basket_of
from lingdang.coupons.judging import Judge
from lingdang.coupons.model import Conditions, Definition, Effect, Fixed, FixedPrice
from lingdang.coupons.reasons import Reason
from support.drawn import NOW

ORDER = basket_of([Good("a", 30), Good("b", 50)], "BELL", Buyer(), NOW)
FIVE_OFF = Fixed(5)
WITHOUT = Conditions()


def voucher(
    name: str, coupon: str, effect: Effect = FIVE_OFF, conditions: Conditions = WITHOUT, status: str = "active"
) -> Voucher:
    return Voucher(name, coupon, Definition("V", effect, conditions), NOW + timedelta(days=1), status)


def test_a_second_voucher_of_a_coupon_costs_less_and_comes_to_the_same() -> None:
    judge = Judge(ORDER)
    first, second = voucher("1", "c"), voucher("2", "c")
    dear = judge.units(first)
    one, other = judge.judge(first), judge.judge(second)
    assert judge.units(second) < dear
    assert isinstance(one, Candidate)
    assert isinstance(other, Candidate)
    assert one.cut is other.cut
    assert (one.voucher_id, other.voucher_id) == ("1", "2")


def test_a_paused_voucher_says_nothing_about_its_coupon() -> None:
    judge = Judge(ORDER)
    assert judge.judge(voucher("1", "c", status="paused")) == Reason("paused")
    assert isinstance(judge.judge(voucher("2", "c")), Candidate)


def test_a_reason_holds_for_all_of_a_coupon() -> None:
    judge = Judge(ORDER)
    wanting = Conditions(min_spend=81)
    reason = Reason("min_spend", {"required": 81, "missing": 1})
    assert [judge.judge(voucher(name, "c", conditions=wanting)) for name in "12"] == [reason, reason]


def test_what_takes_nothing_off_is_no_candidate() -> None:
    assert Judge(ORDER).judge(voucher("1", "c", FixedPrice(50))) == Reason("saves_nothing")
