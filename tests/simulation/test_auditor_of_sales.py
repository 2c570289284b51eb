"""The auditor finds what was sold outside of its time, and believes no refusal for it that is not true."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from proof.simulation.history import Request
from proof.simulation.plan import BASE
from support.story import BOOKS, Story

MOMENT = timedelta(milliseconds=1)


def _sold(since: datetime | None = None, until: datetime | None = None) -> Story:
    """The first of the two books, which were offered and paid at BASE, is on sale for this time."""
    story = Story()
    story.books = (replace(BOOKS[0], on_sale_from=since, on_sale_until=until), BOOKS[1])
    return story


def _refuse(story: Story) -> Request:
    return story.pay("product_unavailable", {"productIds": ["a"]})


def test_what_is_sold_in_its_time_is_no_lie() -> None:
    assert _sold(BASE, BASE + MOMENT).broken() == set()


@pytest.mark.parametrize("times", [(BASE + MOMENT, None), (None, BASE)])
def test_what_is_sold_outside_of_its_time_is_found(times: tuple[datetime | None, datetime | None]) -> None:
    assert _sold(*times).broken() == {"what is not on sale is not offered", "nothing is sold outside of its time"}


def test_a_refusal_before_and_after_the_time_of_sale_is_true() -> None:
    over = _sold(until=BASE + MOMENT)
    _refuse(over).latest = BASE + MOMENT
    assert over.broken() == set()
    early = _sold(since=BASE)
    _refuse(early).clock = BASE - MOMENT
    assert early.broken() == set()


def test_a_refusal_in_the_time_of_sale_is_a_lie() -> None:
    story = _sold(BASE, BASE + MOMENT)
    _refuse(story)
    assert story.broken() == {"a refusal is true"}


def test_a_clock_that_goes_back_may_have_shown_a_moment_before() -> None:
    story = _sold(since=BASE)
    story.monotone = False
    _refuse(story)
    assert story.broken() == set()
