"""Broken builds of money that comes and goes back. What providers told is not simulated: tests catch those."""

from proof.simulation.mutation import Edit, Mutation, one

_TOPPING_UP = "ledger/topping_up.py"
_TAKING_BACK = "ledger/taking_back.py"
_LEFT = "ledger/left.py"
_REDEEMING = "topup/redeeming.py"
_MERGING = "topup/merging.py"
_FOLLOWING = "topup/following.py"
_FINDING = "topup/finding.py"
_DIFFERS = "tests/topup/test_merging.py::test_money_that_is_not_is_not_due"
_SEQUENCES = "tests/topup/test_merging.py::test_every_sequence_leads_to_the_same"

OF_TOPUPS = (
    # Top-ups
    one("top-up credited as often as it is told", _TOPPING_UP, "if booked is not None:", "if False:"),
    one("top-up's content not compared", _TOPPING_UP, "if _same(topup, record) else", "if topup else"),
    one("bells of a test are paid ones", _TOPPING_UP, '"bonus" if topup.test else "paid"', '"paid"'),
    # Take-backs
    one(
        "bonus not taken back",
        _TAKING_BACK,
        "(self._topup.paid + self._topup.bonus) * min(money, price)",
        "self._topup.paid * min(money, price)",
    ),
    one(
        "bells taken back rounded up",
        _TAKING_BACK,
        "* min(money, price) // price",
        "* -min(money, price) // price * -1",
    ),
    one(
        "each word of a refund counted as another refund",
        _TAKING_BACK,
        "more = refunded - _sum(self.credit.taken)",
        "more = refunded",
    ),
    Mutation(
        "given back beyond what was taken",
        (
            Edit(_TAKING_BACK, "self._give_back(-more)", "self._give_back(_sum(self.credit.lots))"),
            Edit(_TAKING_BACK, "_upto(self.credit.taken, reversed", "_upto(self.credit.lots, reversed"),
        ),
    ),
    one(
        "other bells taken back in the order of a payment",
        _TAKING_BACK,
        "sorted(held[0], key=lots.taking_order)",
        "held[0]",
    ),
    one("newer credits not counted in what is left", _LEFT, "credit.seq > which.seq", "credit.seq < which.seq"),
    # Debts
    one(
        "debt clamped to what the wallet has",
        _TAKING_BACK,
        "missing = amount - _total(thawed) - _total(own)",
        "missing = min(amount - _total(thawed) - _total(own), sum(held[1]))",
    ),
    one("what comes in pays no debt", "ledger/book.py", "if wallet.debt and amount > 0:", "if False:"),
    # Disputes
    one(
        "dispute releases twice",
        _LEFT,
        "_add(credit.frozen, detail.of, -1)",
        "_add(credit.frozen, detail.of, 0)",
    ),
    one(
        "what was frozen is taken from the wallet",
        _TAKING_BACK,
        "thawed = _upto(self.credit.frozen, self.credit.lots, amount)",
        "thawed: Parts = []",
    ),
    # Gift codes
    one(
        "gift code redeemed by another customer, too",
        _REDEEMING,
        "customer = %b OR customer IS NULL AND (",
        "customer = %b OR true AND (",
    ),
    one("gift code good after its end", _REDEEMING, "expires_at > %b))", "expires_at <> %b))"),
    one("gift credited as often as it is asked for", "ledger/redeeming.py", "if booked is not None:", "if False:"),
    one(
        "gift code's typing errors are guesses",
        "topup/gift_codes.py",
        "return code if check_character(code[:-1]) == code[-1] else None",
        "return code",
        "tests/topup/test_gift_codes.py",
    ),
    # What providers tell
    one(
        "amount unchecked", _MERGING, "standing.received.amount != row.price", "standing.received.amount < 0", _DIFFERS
    ),
    one(
        "currency unchecked",
        _MERGING,
        "standing.received.currency != row.price_currency",
        "not standing.received.currency",
        _DIFFERS,
    ),
    one("play money is anybody's", _MERGING, "if standing.test and not tester:", "if False:", _DIFFERS),
    one(
        "review credited by itself",
        "topup/rows.py",
        'return not self.differs or self.decided == "accepted"',
        "return True",
        _DIFFERS,
    ),
    one(
        "an older word counts",
        _MERGING,
        "return max(known, value) if at == known_at else known",
        "return value",
        _SEQUENCES,
    ),
    one(
        "sums of refunds added up",
        _MERGING,
        "at > known_at:\n        return value",
        "at > known_at:\n        return known + value",
        _SEQUENCES,
    ),
    one(
        "single refund counted again",
        _MERGING,
        "return tuple(by_reference.values())",
        "return (*known, *told)",
        "tests/topup/test_merging.py::test_single_refunds_are_added_up_by_their_ids",
    ),
    one(
        "second payment of a top-up unseen",
        _FINDING,
        "and not is_another(found, standing)",
        "",
        "tests/topup/test_finding.py::test_a_second_payment_and_one_at_another_account_have_rows_of_their_own",
    ),
    one(
        "second payment taken for the one that was credited",
        _FOLLOWING,
        'raise retry_later("overloaded", 10, why="another payment of the top-up is carried out first")',
        "return row",
        "tests/topup/test_following.py::test_a_second_payment_does_not_take_the_place_of_one_that_was_credited",
    ),
    one(
        "credit that its top-up does not learn of",
        _FOLLOWING,
        "return msgspec.structs.replace(row, credited_at=found.topup.credited_at)",
        "return row",
        "tests/topup/test_following.py::test_what_differs_after_it_was_credited_is_known_to_be_credited",
    ),
    one(
        "dispute before its payment forgotten",
        _FINDING,
        "ask = reference is None or await self._inbox.has_told(place, reference, since)",
        "ask = False",
        "tests/topup/test_following.py::test_one_that_comes_long_before_has_the_provider_asked_once_the_payment_is_known",
    ),
    one(
        "payment of another top-up credited",
        "topup/usual.py",
        "return None if found is None or is_known is not None else",
        "return None if found is None else",
        "tests/topup/test_usual.py::test_the_payment_of_another_top_up_credits_nothing",
    ),
    one(
        "notification done with before its bells are credited",
        _FOLLOWING,
        '        self._reached("inbox")\n',
        '        await self._inbox.over(place)\n        self._reached("inbox")\n',
        "tests/topup/test_following.py::test_a_process_that_is_killed_in_between_loses_and_doubles_nothing",
    ),
    one(
        "merchant unchecked",
        "topup/providers/stripe.py",
        "if event.account != self._account.account_id:",
        "if False:",
        "tests/topup/providers/test_stripe_read.py",
    ),
    one(
        "environment unchecked",
        "topup/providers/stripe.py",
        "if event.livemode != self._account.live:",
        "if False:",
        "tests/topup/providers/test_stripe_read.py",
    ),
    one(
        "notification of next year believed",
        "topup/providers/checks.py",
        "if at - now > AHEAD:",
        "if False:",
        "tests/topup/providers/test_checks.py",
    ),
)
