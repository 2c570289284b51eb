"""What a seed of `make topups` means, and what its auditor finds: each of these is not as it should be."""

import random
from hashlib import sha256
from typing import Any

import pytest

from proof.standin.desk import Message
from proof.topups.audit import _as_asked, _stands, _strays, _unlike, _wallets, _wrong
from proof.topups.plan import BELLS, KINDS, PRICE, Story, stories
from proof.topups.sending import Answered, Sent

MESSAGE = Message("stripe", None, {}, b"{}")
KEPT = ("stripe", sha256(b"{}").hexdigest())
PART = PRICE // 3


def story(**more: Any) -> Story:
    return Story(**{"kind": "stripe", "customer": 0, **more})


def unlike(refused: str | None, taken: bool | None, verdict: str | None) -> list[str]:
    kept = {} if verdict is None else {KEPT: frozenset({verdict})}
    return _unlike(Answered(sent=Sent(message=MESSAGE, refused=refused), taken=taken), kept)


@pytest.mark.parametrize(
    ("told", "credited", "status"),
    [
        (story(), BELLS, "paid"),
        (story(returns=(PART,)), BELLS - BELLS // 3, "partly_refunded"),
        (story(returns=(PART, PRICE - PART), by_operator=True), 0, "refunded"),
        (story(won=True), BELLS, "paid"),
        (story(won=False), 0, "lost"),
        (story(kind="apple", returns=(PART,), reversed=True), BELLS, "paid"),
        (story(wrong="amount"), 0, "review"),
        (story(wrong="order"), 0, "pending"),
        (story(kind="google", wrong="merchant"), 0, "pending"),
    ],
)
def test_what_a_story_ends_with(told: Story, credited: int, status: str) -> None:
    assert (told.credited, told.status) == (credited, status)
    differs = [told.wrong] if status == "review" else []
    assert _wrong("t", told, (credited, int(told.wrong is None))) == []
    assert _stands("t", told, (status, [str(each) for each in differs])) == []


def test_seeds_have_stories_of_all_kinds() -> None:
    told = [each for seed in range(20) for each in stories(random.Random(seed), 25, 16)]
    assert {each.kind for each in told} == set(KINDS)
    assert {each.wrong for each in told} == {None, "amount", "currency", "merchant", "order"}
    assert {each.won for each in told} == {None, True, False}
    assert any(each.late for each in told)
    assert any(each.reversed for each in told)
    assert any(each.by_operator and each.books for each in told)


def test_bells_and_states_that_are_others_are_found() -> None:
    assert _wrong("t", story(), (BELLS - 1, 1))
    assert _wrong("t", story(), (BELLS, 2))
    assert _stands("t", story(wrong="amount"), ("paid", []))
    assert _stands("t", story(wrong="amount"), ("review", ["currency"]))


def test_a_wallet_has_what_was_paid_for_less_what_was_spent_and_owes_the_rest() -> None:
    told = [story(books=6, returns=(PRICE,)), story(), story(customer=1, books=6, won=False)]
    assert _wallets(told, [(1, BELLS - 600, False), (2, -600, False)]) == []
    for wrong in ((1, BELLS, False), (2, 0, False), (1, BELLS - 600, True), (3, 1, False)):
        assert _wallets(told, [wrong])


def test_each_payment_of_nobody_is_in_review_once() -> None:
    told = [story(wrong="order"), story(wrong="amount")]
    row = ("stripe", "review", ["unknown"])
    assert _strays(told, [row]) == []
    for rows in ([], [row, row], [("stripe", "paid", ["unknown"])], [("wechat", *row[1:])]):
        assert _strays(told, rows)


def test_a_provider_that_is_asked_says_whose_payment_it_was() -> None:
    another, wrong = story(wrong="order"), story(wrong="amount")
    assert _as_asked(another, ("paid", [])) == story()
    assert [_as_asked(another, ("pending", [])), _as_asked(wrong, ("paid", []))] == [another, wrong]


def test_of_probes_one_is_kept_for_all_of_its_minute() -> None:
    kept = {("stripe", "probe"): frozenset({"probe"})}
    probe = Answered(sent=Sent(message=MESSAGE, refused="probe"), taken=False)
    assert _unlike(probe, kept) == []
    assert _unlike(probe, {("wechat", "probe"): frozenset({"probe"})})


def test_what_is_forged_is_kept_with_the_reason_that_was_meant() -> None:
    assert unlike(None, True, None) == []
    assert unlike("forged: timestamp", False, "forged: timestamp: 86400 s old") == []
    for wrong in (
        unlike(None, False, None),
        unlike(None, None, None),
        unlike("forged: timestamp", None, "forged: timestamp: 1 s old"),
        unlike("forged: timestamp", True, "forged: timestamp: 1 s old"),
        unlike("forged: timestamp", False, "forged: signature"),
        unlike("forged: timestamp", False, "forged: timestamps"),
        unlike("probe", False, None),
    ):
        assert wrong
